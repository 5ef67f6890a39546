"""What an operator can do to a case: small forms, each of which calls the operation that the JSON API calls too."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import cast, get_args

from arrears.api import idempotency
from arrears.api.caller import Caller
from arrears.api.console.case_fields import Sent, at, body, say
from arrears.api.console.desk import Desk
from arrears.api.door import plain_reason
from arrears.api.loan_system import record_payment
from arrears.api.operations import holds, objections, plans, promises, wishes, withdrawal
from arrears.api.problems import Problem
from arrears.api.reversals import PaymentReversal, reverse_payment
from arrears.domain.access import Action
from arrears.domain.loan import Instalment
from arrears.domain.parts import Every, equal_parts
from arrears.domain.person import ConsentKind, WishKind
from arrears.gateways.contract import PaymentReport
from arrears.ledger import answers, loans
from arrears.ledger.answers import Answer
from arrears.ledger.facts import Recorded
from arrears.ledger.tables import LoanRow
from arrears.workflows.contract import Plan, Promise, Withdrawal

OTHER = "other"
"""The choice of a reason that is written beside it."""

PART = "|"
"""Stands between the parts of a choice that names several things; no id and no code has it."""


@dataclass(frozen=True)
class Doing:
    """A form: the action that it wants, what it does, and what is said when that was done, or when it stood so ``already``.

    ``final`` asks for a second yes. ``shows`` are the form's fields that the operation calls by another name.
    """

    action: Action
    does: Callable[[Sent], Awaitable[object]]
    said: str
    already: str = ""
    final: bool = False
    shows: Mapping[str, str] | None = None

    def field(self, name: str) -> str:
        """The form's own field for one that the operation names."""
        first = name.removeprefix("body.").split(".")[0]
        return (self.shows or {}).get(first, first)


async def do(desk: Desk, loan_id: str, name: str, fields: Mapping[str, str]) -> str:
    """Carry a form out, once however often it is sent; what was done, in a few words of English. Raises ``Problem``."""
    doing = DOINGS.get(name)
    if doing is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_action", "there is no such form")
    caller = await saying_why(desk, fields, doing.action, loan_id)
    given = {field: value.strip() for field, value in fields.items() if value.strip()}
    if doing.final and "sure" not in given:
        raise at("sure", say("Say that you are sure: this cannot be undone."))
    async with desk.here.ledger.reading() as session:
        loan = await _loan(session, loan_id)
        borrower = await loans.borrower(session, loan_id)
    content = "\n".join(f"{field}={given[field]}" for field in sorted(given) if field not in ("csrf", "once"))
    digest = hashlib.sha256(f"{loan_id}\n{content}".encode()).hexdigest()
    claimed = await idempotency.begin(desk.here.ledger, caller, f"form/{name}/{given.get('once') or secrets.token_hex(16)}", digest)
    if isinstance(claimed, Answer):
        return claimed.text
    sent = Sent(desk.here, replace(caller, sent_as=claimed.mark), loan, borrower.zone or "UTC", given)
    try:
        done = await doing.does(sent)
    except BaseException:
        async with desk.here.ledger.session() as session:
            await answers.let_go(session, claimed)
        raise
    said = doing.already or doing.said if isinstance(done, Recorded) and not done.new else doing.said
    async with desk.here.ledger.session() as session:
        await answers.keep(session, claimed, Answer(HTTPStatus.OK, said, {}))
    return said


async def saying_why(desk: Desk, fields: Mapping[str, str], action: Action, loan_id: str) -> Caller:
    """The operator with the reason that the action wants, if the form or they lately gave one. Raises ``Problem`` (403, 422, 428)."""
    reason = plain_reason(fields.get("why", ""), "why")
    seated = desk if reason is None else replace(desk, caller=replace(desk.caller, reason=reason))
    return await seated.with_reason(action, loan_id)


def trouble(problem: Problem) -> str:
    """A problem of an operation for whoever has the form before them, in English."""
    match problem.code:
        case "reason_required":
            return say("Say why, in a few words without names and numbers.")
        case "reason_unfit":
            return say("This is too long, or looks like a phone number, an identity number or an e-mail address. Say it without.")
        case "temporal_away":
            return say("The case does not answer just now, so nothing was done. Send the form again in a moment: it counts once.")
        case "case_closed":
            return say("The case was closed meanwhile; nothing was done.")
        case "no_case":
            return say("This loan never had a case; nothing was done.")
        case "idempotency_in_progress":
            return say("This form is being carried out already. Look again in a moment.")
        case "idempotency_conflict":
            return say("This form was carried out already, with other words. Open the page anew to send another.")
        case _:
            return problem.detail


async def _loan(session: loans.AsyncSession, loan_id: str) -> LoanRow:
    try:
        return await loans.loan(session, loan_id)
    except loans.LoanUnknown as unknown:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_loan", str(unknown)) from None


def _code(sent: Sent, chosen: str, written: str) -> str:
    """A code of a list, or one that is written because the list has none that fits. Raises ``Problem`` (422)."""
    code, own = sent.get(chosen), sent.get(written)
    if own is not None and code not in (None, OTHER):
        raise at(written, say("Choose another reason above, or leave this empty."))
    return own or (sent.needed(written) if code == OTHER else sent.needed(chosen))


async def _promise(sent: Sent) -> None:
    told = body(Promise, amount=sent.amount("amount"), currency=sent.loan.currency, due_on=sent.needed("due_on"))
    await promises.make(sent.here, sent.caller, sent.loan.id, told)


async def _plan(sent: Sent) -> None:
    told = body(Plan, instalments=_parts(sent), currency=sent.loan.currency)
    await plans.agree(sent.here, sent.caller, sent.loan.id, told)


def _parts(sent: Sent) -> tuple[Instalment, ...]:
    total, parts, first, every = sent.amount("total"), sent.number("parts"), sent.day("first_on"), sent.get("every") or "month"
    if first is None:
        raise at("first_on", say("This is needed."))
    if every not in get_args(Every):
        raise at("every", say("This is needed."))
    try:
        return equal_parts(total, parts, first, cast(Every, every))
    except (ValueError, ArithmeticError):
        raise at("parts", say("From 1 to 60 parts, each of at least a cent.")) from None


async def _hold(sent: Sent) -> Recorded:
    told = body(holds.NewHold, reason=_code(sent, "held_for", "other_reason"), until=sent.end_of_day("until"))
    return await holds.place(sent.here, sent.caller, sent.loan.id, told)


async def _lift(sent: Sent) -> Recorded:
    reason, _, person_id = sent.needed("hold").partition(PART)
    about = None if person_id in ("", sent.loan.borrower_id) else person_id
    return await holds.lift(sent.here, sent.caller, sent.loan.id, body(holds.LiftedHold, reason=reason, person_id=about))


async def _dispute(sent: Sent) -> Recorded:
    part = sent.amount("part") if sent.get("part") else None
    return await objections.dispute(sent.here, sent.caller, sent.loan.id, body(objections.Dispute, part=part))


async def _complaint(sent: Sent) -> Recorded:
    return await objections.complain(sent.here, sent.caller, sent.loan.id, body(objections.Complaint, agency=sent.get("agency")))


def _person(sent: Sent) -> str:
    return sent.get("person_id") or sent.loan.borrower_id


async def _opt_out(sent: Sent) -> Recorded:
    """A wish as it is chosen: its kind, and the medium or the contact point that it is about."""
    kind, _, what = sent.needed("wish").partition(PART)
    channel, point, address, hours = None, None, sent.get("address"), sent.hours
    match kind:
        case WishKind.NO_MEDIUM:
            channel = what
        case WishKind.NO_ADDRESS:
            point = what or None
            address = address if point else sent.needed("address")
        case WishKind.NO_HOURS if hours is None:
            raise at("starts", say("This is needed."))
        case _:
            pass
    if address is not None and (kind != WishKind.NO_ADDRESS or point):
        raise at("address", say("Choose “the number or address below”, or leave this empty."))
    if hours is not None and kind != WishKind.NO_HOURS:
        raise at("starts", say("Choose “not in the hours below”, or leave this empty."))
    told = body(wishes.OptOut, kind=kind, channel=channel, contact_point_id=point, address=address, hours=hours)
    try:
        return await wishes.opt_out(sent.here, sent.caller, _person(sent), told)
    except Problem as refused:
        if refused.code != "fact_refused":
            raise
        where = "address" if address else "wish"
        raise at(where, say("The ledger has no such number or address of theirs. Write it as it was imported.")) from None


async def _opt_in(sent: Sent) -> Recorded:
    kind, what, person_id = _standing(sent, "wish")
    channel, point = (what, None) if kind == WishKind.NO_MEDIUM else (None, what or None)
    told = body(wishes.OptOutWithdrawn, kind=kind, channel=channel, contact_point_id=point)
    return await wishes.opt_in(sent.here, sent.caller, person_id, told)


async def _consent(sent: Sent) -> Recorded:
    kind, hours = sent.needed("kind"), sent.hours
    if (kind == ConsentKind.HOURS) != (hours is not None):
        needed, other = say("This is needed."), say("Hours go with a consent to hours only; leave them empty.")
        raise at("starts", needed if hours is None else other)
    given = {"kind": kind, "channel": sent.get("channel"), "hours": hours, "evidence": sent.needed("evidence")}
    told = body(wishes.Consent, **given, ends_at=sent.end_of_day("ends_on"))
    return await wishes.consent(sent.here, sent.caller, _person(sent), told)


async def _take_back(sent: Sent) -> Recorded:
    kind, channel, person_id = _standing(sent, "consent")
    return await wishes.take_back(sent.here, sent.caller, person_id, body(wishes.ConsentTakenBack, kind=kind, channel=channel or None))


def _standing(sent: Sent, field: str) -> tuple[str, str, str]:
    """What stands, as its form names it: the kind, what it is about, and whose it is."""
    parts = sent.needed(field).split(PART)
    if len(parts) != 3:
        raise at(field, say("This is needed."))
    return parts[0], parts[1], parts[2]


async def _withdraw(sent: Sent) -> None:
    told = body(Withdrawal, reason=_code(sent, "code", "other_code"))
    await withdrawal.withdraw(sent.here, sent.caller, sent.loan.id, told)


async def _payment(sent: Sent) -> None:
    counts_from = sent.day("value_date")
    if counts_from is not None and counts_from > sent.today:
        raise at("value_date", say("This day lies ahead."))
    given = {"amount": sent.amount("amount"), "payment_id": sent.needed("payment_id"), "value_date": counts_from}
    told = body(PaymentReport, loan_id=sent.loan.id, currency=sent.loan.currency, received_at=sent.here.now(), **given)
    await record_payment(told, sent.caller, sent.here)


async def _reversal(sent: Sent) -> None:
    told = body(PaymentReversal, loan_id=sent.loan.id, reason=_code(sent, "code", "other_code"), reversed_at=sent.here.now())
    await reverse_payment(sent.needed("payment_id"), told, sent.caller, sent.here)


DOINGS: dict[str, Doing] = {
    "promise": Doing(Action.MAKE_PROMISE, _promise, say("The promise is written down.")),
    "plan": Doing(Action.AGREE_PLAN, _plan, say("The plan is agreed."), shows={"instalments": "first_on"}),
    "payment": Doing(Action.RECORD_PAYMENT, _payment, say("The payment is in the ledger.")),
    "reversal": Doing(Action.REVERSE_PAYMENT, _reversal, say("The payment counts no more."), final=True, shows={"reason": "other_code"}),
    "dispute": Doing(
        Action.RECORD_OBJECTION,
        _dispute,
        say("The dispute is written down: nobody is asked to pay until it was looked into."),
    ),
    "complaint": Doing(
        Action.RECORD_OBJECTION,
        _complaint,
        say("The complaint is written down."),
    ),
    "hold": Doing(
        Action.PLACE_HOLD,
        _hold,
        say("The hold is placed: nothing leaves that it forbids."),
        shows={"reason": "other_reason"},
    ),
    "lift": Doing(Action.LIFT_HOLD, _lift, say("The hold is lifted."), say("This hold did not stand any more: nothing was changed.")),
    "opt_out": Doing(
        Action.RECORD_WISH,
        _opt_out,
        say("The wish is written down: nothing leaves that goes against it."),
        say("This wish stood already: nothing was changed."),
        shows={"kind": "wish", "channel": "wish", "contact_point_id": "wish", "hours": "starts"},
    ),
    "opt_in": Doing(
        Action.RECORD_WISH,
        _opt_in,
        say("It is written down that the wish was taken back."),
        say("This wish did not stand any more: nothing was changed."),
    ),
    "consent": Doing(
        Action.RECORD_CONSENT,
        _consent,
        say("The consent is written down."),
        shows={"hours": "starts", "ends_at": "ends_on"},
    ),
    "take_back": Doing(
        Action.RECORD_CONSENT,
        _take_back,
        say("The consent counts no more."),
        say("This consent did not count any more: nothing was changed."),
    ),
    "withdraw": Doing(Action.WITHDRAW_CASE, _withdraw, say("The case is withdrawn."), final=True, shows={"reason": "other_code"}),
}
"""Every form by its name."""
