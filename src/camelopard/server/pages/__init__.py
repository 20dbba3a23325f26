"""The pages: written on the server, read without JavaScript. Each module is one page or a few that belong together, and its router."""

from camelopard.server.pages import models, people, static

ROUTERS = (static.router, people.router, models.router)
