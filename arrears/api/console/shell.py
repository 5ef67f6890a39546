"""What every page has around it: the language switch and the list of the rules."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from arrears.api.console.desk import TONGUE_COOKIE, Desk, at_desk, console_router, local_path
from arrears.api.console.render import TONGUES
from arrears.domain.access import Action
from arrears.domain.law import RULES
from arrears.domain.law.house import HOUSE

router = console_router()
_A_YEAR = 365 * 86400


@dataclass(frozen=True)
class ShownRule:
    """A rule as the page of rules shows it."""

    id: str
    plain: str
    clause: str
    force: str
    confidence: str
    checked: bool


@router.get("/language/{tongue}")
async def language(tongue: str, request: Request, next: str = "/") -> Response:
    """Keep the language for this browser; one that we do not have changes nothing."""
    answer = RedirectResponse(local_path(next), HTTPStatus.SEE_OTHER)
    if tongue in TONGUES:
        secure = request.url.scheme == "https"
        answer.set_cookie(TONGUE_COOKIE, tongue, max_age=_A_YEAR, httponly=True, samesite="lax", secure=secure)
    return answer


@router.get("/rules")
async def rules(desk: Annotated[Desk, Depends(at_desk(Action.READ_CASES))]) -> Response:
    """Every rule by its id, in plain words, with its clause."""
    regimes = desk.law.current()
    ours = [ShownRule(r, RULES[r].plain, terms.clause, terms.force, terms.confidence, True) for r, terms in HOUSE.items()]
    groups = [(desk.gettext("Our own rules"), ours)]
    for regime in regimes:
        checked = [ShownRule(r, RULES[r].plain, t.clause, t.force, t.confidence, True) for r, t in regime.terms.items()]
        others = [ShownRule(r, o.plain, o.clause, o.force, o.confidence, False) for r, o in regime.elsewhere.items()]
        groups.append((regime.title, sorted([*checked, *others], key=lambda rule: rule.id)))
    return desk.page("rules.html", groups=groups)
