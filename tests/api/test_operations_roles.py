"""Who may call what: every route under /v1, with every role, cell by cell against the table of roles and actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from arrears.api.app import create_app
from arrears.config.access import packaged_access
from arrears.config.settings import Settings
from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger
from tests.api.conftest import LOAN, Api, nowhere
from tests.api.desk import machine, noted, operator

NEEDS: dict[str, Action] = {
    "GET /v1/agencies": Action.READ_CASES,
    "PUT /v1/agencies/{agency}": Action.MANAGE_AGENCY,
    "POST /v1/agencies/{agency}/facts": Action.REPORT_AS_AGENCY,
    "GET /v1/approvals": Action.READ_APPROVALS,
    "GET /v1/approvals/{approval_id}": Action.READ_APPROVALS,
    "POST /v1/approvals/{approval_id}/decision": Action.DECIDE_APPROVAL,
    "GET /v1/audit": Action.READ_AUDIT,
    "GET /v1/cases": Action.READ_CASES,
    "GET /v1/cases/{loan_id}": Action.READ_CASES,
    "POST /v1/cases/{loan_id}/complaints": Action.RECORD_OBJECTION,
    "POST /v1/cases/{loan_id}/disputes": Action.RECORD_OBJECTION,
    "POST /v1/cases/{loan_id}/holds": Action.PLACE_HOLD,
    "POST /v1/cases/{loan_id}/holds/lift": Action.LIFT_HOLD,
    "GET /v1/cases/{loan_id}/messages": Action.READ_MESSAGES,
    "GET /v1/cases/{loan_id}/people": Action.READ_PERSON,
    "POST /v1/cases/{loan_id}/plans": Action.AGREE_PLAN,
    "POST /v1/cases/{loan_id}/promises": Action.MAKE_PROMISE,
    "GET /v1/cases/{loan_id}/timeline": Action.READ_CASES,
    "GET /v1/cases/{loan_id}/verdicts": Action.READ_CASES,
    "POST /v1/cases/{loan_id}/withdrawal": Action.WITHDRAW_CASE,
    "GET /v1/events": Action.READ_CASES,
    "GET /v1/events/{event_id}": Action.READ_CASES,
    "POST /v1/events/replay": Action.REPLAY_EVENTS,
    "POST /v1/events/{event_id}/replay": Action.REPLAY_EVENTS,
    "POST /v1/facts": Action.RECORD_FACT,
    "GET /v1/loans/{loan_id}/payments": Action.READ_CASES,
    "POST /v1/missed-payments": Action.OPEN_CASE,
    "POST /v1/missed-payments/batch": Action.OPEN_CASE,
    "POST /v1/payments": Action.RECORD_PAYMENT,
    "POST /v1/payments/batch": Action.RECORD_PAYMENT,
    "POST /v1/payments/{payment_id}/reversal": Action.REVERSE_PAYMENT,
    "POST /v1/persons/{person_id}/consents": Action.RECORD_CONSENT,
    "POST /v1/persons/{person_id}/consents/withdrawals": Action.RECORD_CONSENT,
    "POST /v1/persons/{person_id}/opt-outs": Action.RECORD_WISH,
    "POST /v1/persons/{person_id}/opt-outs/withdrawals": Action.RECORD_WISH,
    "GET /v1/portfolio": Action.READ_PORTFOLIO,
    "GET /v1/proof": Action.READ_PROOF,
    "GET /v1/tasks": Action.READ_TASKS,
    "POST /v1/tasks/{task_id}/result": Action.WORK_TASK,
    "POST /v1/tasks/{task_id}/take": Action.WORK_TASK,
}
SIGNED_ONLY = {"POST /v1/callbacks/{gateway}"}
"""Routes that no role and no token opens: the caller signs."""

IDS = {"loan_id": LOAN, "person_id": "B-1", "agency": "agency-one", "approval_id": "L-1.1/x/a1", "task_id": "L-1.1/t", "payment_id": "P-1"}


def routes(openapi: dict[str, Any]) -> dict[str, str]:
    """Every route under /v1 with a path that it takes."""
    paths: dict[str, dict[str, Any]] = openapi["paths"]
    return {
        f"{method.upper()} {path}": path.format_map({"event_id": "e-1", "gateway": "voice"} | IDS)
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/v1")
    }


async def doors(api: Api) -> dict[str, str]:
    """The routes that a role or a scope opens, each with a path that it takes."""
    described = routes((await api.http.get("/openapi.json")).json())
    return {route: described[route] for route in NEEDS}


def every_route(of: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in of:
        if isinstance(route, APIRoute):
            yield route
        elif (inside := getattr(route, "original_router", None)) is not None:
            yield from every_route(inside.routes)


def test_every_route_is_described_and_has_its_row(ledger: Ledger):
    app = create_app(ledger, nowhere, Settings())
    known = [route for route in every_route(app.routes) if route.path.startswith("/v1")]
    assert [route.path for route in known if not route.include_in_schema] == []
    assert len(known) == len(routes(app.openapi()))
    assert set(routes(app.openapi())) == NEEDS.keys() | SIGNED_ONLY


@pytest.mark.parametrize("role", Role)
async def test_a_role_is_let_in_exactly_where_the_table_says(api: Api, ledger: Ledger, role: Role):
    headers = await operator(ledger, "op-1", role)
    let_in = {route: await _let_in(api, route, path, headers) for route, path in (await doors(api)).items()}
    assert let_in == {route: packaged_access().allows(role, action) for route, action in NEEDS.items()}
    refusals = [note for action in Action for note in await noted(ledger, action) if not note.allowed]
    assert (len(refusals), {note.role for note in refusals} or {role}) == (sum(not may for may in let_in.values()), {role})


async def test_a_scope_opens_its_own_routes_and_all_others_together_do_not(api: Api, ledger: Ledger):
    paths = await doors(api)
    for action in sorted(set(NEEDS.values())):
        alone = await machine(ledger, f"only-{action}", action)
        others = await machine(ledger, f"all-but-{action}", *(set(Action) - {action}))
        for route in (route for route, needed in NEEDS.items() if needed is action):
            assert (await _let_in(api, route, paths[route], alone), await _let_in(api, route, paths[route], others)) == (True, False), route


async def test_who_must_say_why_is_asked_for_it(api: Api, ledger: Ledger):
    table = packaged_access()
    headers = {role: await operator(ledger, f"op-{role}", role, reason=None) for role in Role}
    wants: set[str] = set()
    for route, path in (await doors(api)).items():
        for role in sorted(table.actions[NEEDS[route]].roles)[:1]:
            answer = await _ask(api, route, path, headers[role])
            if (answer.status_code, answer.json().get("code")) == (428, "reason_required"):
                wants.add(route)
    assert wants == {route for route, action in NEEDS.items() if table.wants_reason(action) and table.actions[action].roles}


async def test_nobody_comes_in_without_showing_who_they_are(api: Api):
    for route, path in (await doors(api)).items():
        answer = await _ask(api, route, path, {})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), route


async def _let_in(api: Api, route: str, path: str, headers: dict[str, str]) -> bool:
    """Whether the door opens: what happens behind it, on ids that nobody has, is another matter."""
    answer = await _ask(api, route, path, headers)
    assert answer.status_code < 500 or answer.json()["code"] == "temporal_away", (route, answer.text)
    return (answer.status_code, answer.json().get("code")) != (403, "forbidden")


async def _ask(api: Api, route: str, path: str, headers: dict[str, str]):
    method = route.split()[0]
    return await api.http.request(method, path, headers=headers, json=None if method == "GET" else {})
