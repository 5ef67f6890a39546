"""The page of one case: where it stands and why, its ladder, what was tried and what the law said, money, words, and what can be done about it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response

from arrears.api.console.case_actions import DOINGS, PART, do, saying_why, trouble
from arrears.api.console.case_contacts import Tried, tried
from arrears.api.console.case_ladder import LadderNow, described, ladder
from arrears.api.console.case_people import Party, agencies, parties
from arrears.api.console.case_retelling import retold
from arrears.api.console.case_strategies import of_case, tracks
from arrears.api.console.desk import Desk, at_desk, console_router
from arrears.api.operations import case_view, personal
from arrears.api.operations.case_view import CaseNow
from arrears.api.problems import Problem
from arrears.domain.access import Action
from arrears.domain.apply import apply_all
from arrears.domain.events import StepTaken
from arrears.domain.holds import HoldReason
from arrears.domain.person import ConsentKind
from arrears.domain.strategy import Channel
from arrears.ledger import cases, stages
from arrears.ledger.timeline import TimelineEntry, timeline
from arrears.workflows.contract import CaseView, RecentContact, workflow_id

router = console_router()
CaseDesk = Annotated[Desk, Depends(at_desk(Action.READ_CASES))]

_OPENED = ("people", "messages")
_HOLDS = tuple(
    reason for reason in HoldReason if reason not in (HoldReason.DISPUTE, HoldReason.COMPLAINT, HoldReason.PLAN, HoldReason.RECALL)
)
_ABOUT_THE_REASON = ("reason_required", "reason_unfit")
_NOT_FOR_THE_PAGE = frozenset({"csrf"})


@dataclass(frozen=True)
class CasePage:
    """All that the page shows of a case; ``says`` is what the case, or the ledger in its stead, says of itself.

    ``tracks`` are the reasons of holds that put this case on a ladder of its own.
    """

    now: CaseNow
    stage: str | None
    says: CaseView | None
    ladder: LadderNow | None
    tried: tuple[Tried, ...]
    story: tuple[TimelineEntry, ...]
    parties: tuple[Party, ...]
    agencies: tuple[str, ...]
    tracks: tuple[str, ...]
    temporal_ui: str | None

    @property
    def open(self) -> bool:
        return self.now.case is not None and self.now.case.closed_at is None

    @property
    def answers(self) -> bool:
        return self.now.running.state == "answers"


@router.get("/cases/{loan_id:path}")
async def case(loan_id: str, desk: CaseDesk, part: str = "", done: str = "") -> Response:
    """The page, or what of it stays live."""
    shown = await _page(desk, loan_id)
    if part == "live":
        return desk.fragment("case_file.html", case=shown, said=None, **_forms(shown))
    said = DOINGS[done].said if done in DOINGS else None
    return desk.page("case.html", case=shown, told=said, said=None, **_forms(shown))


@router.post("/cases/{loan_id:path}")
async def act(loan_id: str, request: Request, desk: CaseDesk) -> Response:
    """Carry out a form of the page, or open what only a reason opens."""
    fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    name = fields.pop("do", "")
    if name in _OPENED:
        return await _opened(desk, loan_id, name, fields)
    try:
        said = await do(desk, loan_id, name, fields)
    except Problem as problem:
        if name not in DOINGS or problem.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise
        return await _refused(desk, loan_id, name, fields, problem)
    if not desk.hx:
        return desk.go(f"/cases/{quote(loan_id)}?done={name}#did")
    shown = await _page(desk, loan_id)
    return desk.fragment("case_form.html", case=shown, name=name, said=said, **_forms(shown))


async def _refused(desk: Desk, loan_id: str, name: str, fields: Mapping[str, str], problem: Problem) -> Response:
    """The form again, as it was filled, with what is wrong at its fields."""
    shown, doing = await _page(desk, loan_id), DOINGS[name]
    errors = {doing.field(error.field): error.problem for error in problem.fields}
    if problem.code in _ABOUT_THE_REASON:
        errors = {"why": trouble(problem)}
    given = {field: value for field, value in fields.items() if field not in _NOT_FOR_THE_PAGE}
    at_no_field = not errors or not errors.keys() <= given.keys() | {"sure"}
    forms = _forms(shown, name, given, errors, trouble(problem) if at_no_field else "")
    if desk.hx:
        return desk.fragment("case_form.html", problem.status, case=shown, name=name, said=None, **forms)
    return desk.page("case.html", problem.status, case=shown, told=None, said=None, **forms)


async def _opened(desk: Desk, loan_id: str, name: str, fields: Mapping[str, str]) -> Response:
    """Names and numbers, or the words of messages, for whom may read them and says why. Each reading is written down."""
    action = Action.READ_PERSON if name == "people" else Action.READ_MESSAGES
    try:
        caller = await saying_why(desk, fields, action, loan_id)
    except Problem as problem:
        if problem.code not in _ABOUT_THE_REASON:
            raise
        return await _asked_why(desk, loan_id, name, fields, problem)
    read = personal.people if name == "people" else personal.messages
    found = await read(desk.here, caller, loan_id)
    context: dict[str, Any] = {"opened": name, "found": found, "loan_id": loan_id}
    return desk.fragment("case_opened.html", **context) if desk.hx else desk.page("case_opened_page.html", **context)


async def _asked_why(desk: Desk, loan_id: str, name: str, fields: Mapping[str, str], problem: Problem) -> Response:
    """The form that asks for a reason again, with what is wrong with the one that was given."""
    shown = await _page(desk, loan_id)
    forms = _forms(shown, name, {"why": fields.get("why", "")}, {"why": trouble(problem)})
    if not desk.hx:
        return desk.page("case.html", problem.status, case=shown, told=None, said=None, **forms)
    answer = desk.fragment("case_open.html", problem.status, case=shown, wanted=name, **forms)
    answer.headers.update({"hx-retarget": f"#open-{name}", "hx-reswap": "outerHTML"})
    return answer


async def _page(desk: Desk, loan_id: str) -> CasePage:
    settings = desk.here.settings
    now = await case_view.view(desk.here, loan_id)
    async with desk.here.ledger.reading() as session:
        story = await timeline(session, loan_id)
        attempts = await tried(session, loan_id)
        people, known_agencies = await parties(session, loan_id, desk.now), await agencies(session)
        known, stage, on = None, None, ()
        if now.case is not None:
            row = await cases.case(session, now.case.case_id)
            ran_by = await of_case(session, settings, row)
            on = stages.tracks_of(ran_by) if ran_by else tracks(settings).get(row.strategy, ())
            stage = stages.stage(await stages.standing(session, row, desk.now), on)
            known = None if ran_by is None else await retold(session, row, ran_by)
    if known is not None and now.running.says is not None:
        known = apply_all(known, map(_step, now.running.says.contacts))
    says = now.running.says or (described(known, desk.now) if known and now.case and now.case.closed_at is None else None)
    return CasePage(
        now=now,
        stage=stage,
        says=says,
        ladder=ladder(known, desk.now, over=now.case is None or now.case.closed_at is not None) if known else None,
        tried=attempts,
        story=tuple(reversed(story)),
        parties=people,
        agencies=known_agencies,
        tracks=tuple(reason for _, reason in on),
        temporal_ui=_in_temporal(settings.temporal_ui, loan_id),
    )


def _step(said: RecentContact) -> StepTaken:
    """A step of which the running case knows, whether it is written down or not."""
    return StepTaken(at=said.at, step=said.step, outcome=said.outcome, channel=said.channel, rules=said.rules, why=said.why)


def _in_temporal(ui: str | None, loan_id: str) -> str | None:
    """The case's workflow in the Temporal UI."""
    return None if ui is None else f"{ui.rstrip('/')}/workflows/{quote(workflow_id(loan_id), safe='')}"


def _forms(
    shown: CasePage, name: str = "", given: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None, problem: str = ""
) -> dict[str, Any]:
    """What the forms offer, and how the one that was refused was filled. ``once`` makes a form count once, however often it is sent."""
    return {
        "doings": DOINGS,
        "sent": name,
        "given": dict(given or {}),
        "errors": dict(errors or {}),
        "problem": problem,
        "once": secrets.token_hex(16),
        "part": PART,
        "hold_reasons": tuple(dict.fromkeys((*_HOLDS, *shown.tracks))),
        "consent_kinds": tuple(ConsentKind),
        "channels": tuple(Channel),
        "agencies": shown.agencies,
        "parties": shown.parties,
        "standing": tuple({(hold.reason, hold.person_id): hold for hold in shown.now.holds}.values()),
        "wishes": tuple((one, wish) for one in shown.parties for wish in one.wishes),
        "consents": tuple((one, consent) for one in shown.parties for consent in one.consents),
        "payments": [payment for payment in shown.now.payments if payment.reversed_at is None],
    }
