"""Every operation and page, in the order in which addresses are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from fastapi import APIRouter
from starlette.routing import BaseRoute

from arrears.api import (
    audit_routes,
    callbacks,
    console,
    desk_routes,
    events,
    facts,
    health,
    loan_system,
    portfolio_routes,
    reading,
    reversals,
)


@cache
def every_route() -> Sequence[BaseRoute]:
    """The routes of any app of this process. They hold nothing of an app; what each one needs takes FastAPI long to work out, so that is done once."""
    whole = APIRouter(generate_unique_id_function=lambda route: route.name)
    for router in desk_routes.routers:
        whole.include_router(router)
    for subject in (health, callbacks, loan_system, reversals, facts, events, reading, portfolio_routes, audit_routes):
        whole.include_router(subject.router)
    whole.include_router(reading.whole_paths)  # after every other route
    for router in console.routers:
        whole.include_router(router)
    return tuple(whole.routes)
