"""What stands behind the question mark of an address must be known there: a misspelt filter is an error, and never a longer list."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from camelopard.core.errors import InputError, UnknownName
from camelopard.server.management.traffic import Asked, asked

OPEN = "/static/"  # where the hash of a file stands there

Number = Annotated[int, Query(ge=1, le=2**31 - 1)]  # of a version
AskedFor = Annotated[Asked, Depends(asked)]  # what is asked of the log


async def all_known(request: Request) -> None:
    """Raise InputError for a parameter that the endpoint does not have."""
    route, given = request.scope.get("route"), request.query_params.keys()
    if not given or not isinstance(route, APIRoute) or request.url.path.startswith(OPEN):
        return
    known = _names(route)
    for name in given:
        if name not in known:
            raise InputError(str(UnknownName.among(name, known, "parameter")))


def _names(route: APIRoute) -> set[str]:
    """Return the parameters of an endpoint and of all that it depends on."""
    found: set[str] = set()
    rest: list[Dependant] = [route.dependant]
    while rest:
        one = rest.pop()
        found.update(field.alias for field in one.query_params)
        rest.extend(one.dependencies)
    return found
