"""The pages: written on the server, read without JavaScript. Each module is one page or a few that belong together, and its router."""

from camelopard.server.pages import (
    audit,
    me,
    models,
    models_contract,
    models_one,
    models_versions,
    people,
    programs,
    signing,
    static,
    traffic,
    traffic_live,
    trying,
    verdict,
)

ROUTERS = (
    static.router,
    signing.router,
    me.router,
    people.router,
    audit.router,
    programs.router,
    models.router,
    models_one.router,
    models_contract.router,
    models_versions.router,
    traffic.router,
    traffic_live.router,
    trying.router,
    verdict.router,
)
