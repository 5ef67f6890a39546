"""What an operator can do to a case: small forms, each of which calls the operation that the JSON API calls too."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError

from arrears.api import idempotency
from arrears.api.caller import Caller
from arrears.api.console.desk import Desk
from arrears.api.house import House
from arrears.api.loan_system import record_payment
from arrears.api.operations import holds, objections, plans, promises, wishes, withdrawal
from arrears.api.problems import FieldProblem, Problem
from arrears.api.reversals import PaymentReversal, reverse_payment
from arrears.domain.access import Action
from arrears.domain.calendar import ONE_DAY, Window, local_instant
from arrears.domain.loan import Instalment
from arrears.domain.parts import MOST, Every, equal_parts
from arrears.gateways.contract import PaymentReport
from arrears.ledger import answers, loans
from arrears.ledger.answers import Answer
from arrears.ledger.tables import LoanRow
from arrears.workflows.contract import Plan, Promise, Withdrawal

_B = TypeVar("_B", bound=BaseModel)
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Sent:
    """A form as it came, with what it is about. Empty fields are not there."""

    here: House
    caller: Caller
    loan: LoanRow
    zone: str
    fields: Mapping[str, str]

    def get(self, name: str) -> str | None:
        return self.fields.get(name)

    def needed(self, name: str) -> str:
        """Raises ``Problem`` (422)."""
        value = self.fields.get(name)
        if value is None:
            raise _at(name, "This is needed.")
        return value


@dataclass(frozen=True)
class Doing:
    """A form: the action that it wants, what it does, and what is said when that was done. ``final`` asks for a second yes."""

    action: Action
    does: Callable[[Sent], Awaitable[object]]
    said: str
    final: bool = False


async def do(desk: Desk, loan_id: str, name: str, fields: Mapping[str, str]) -> str:
    """Carry a form out, once however often it is sent; what was done, in a few words of English. Raises ``Problem``."""
    doing = DOINGS.get(name)
    if doing is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_action", "there is no such form")
    caller = await desk.with_reason(doing.action, loan_id)
    given = {field: value.strip() for field, value in fields.items() if value.strip()}
    if doing.final and "sure" not in given:
        raise _at("sure", "Say that you are sure: this cannot be undone.")
    async with desk.here.ledger.reading() as session:
        loan = await _loan(session, loan_id)
        borrower = await loans.borrower(session, loan_id)
    sent = Sent(desk.here, caller, loan, borrower.zone or "UTC", given)
    content = "\n".join(f"{field}={given[field]}" for field in sorted(given) if field not in ("csrf", "once"))
    digest = hashlib.sha256(f"{loan_id}\n{content}".encode()).hexdigest()
    claimed = await idempotency.begin(desk.here.ledger, caller, f"form/{name}/{given.get('once') or secrets.token_hex(16)}", digest)
    if isinstance(claimed, Answer):
        return claimed.text
    try:
        await doing.does(sent)
    except BaseException:
        async with desk.here.ledger.session() as session:
            await answers.let_go(session, claimed)
        raise
    async with desk.here.ledger.session() as session:
        await answers.keep(session, claimed, Answer(HTTPStatus.OK, doing.said, {}))
    return doing.said


async def _loan(session: loans.AsyncSession, loan_id: str) -> LoanRow:
    try:
        return await loans.loan(session, loan_id)
    except loans.LoanUnknown as unknown:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_loan", str(unknown)) from None


def _at(field: str, problem: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", problem, [FieldProblem(field=field, problem=problem)])


def _body(of: type[_B], /, **fields: object) -> _B:
    """The body of an operation, empty fields left out. Raises ``Problem`` (422) that names the fields."""
    try:
        return of.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        told = [FieldProblem(field=".".join(map(str, e["loc"])), problem=e["msg"].removeprefix("Value error, ")) for e in errors]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "; ".join(f.problem for f in told), told) from None


def _day(sent: Sent, field: str) -> date | None:
    given = sent.get(field)
    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError:
        raise _at(field, "This is no date.") from None


def _end_of(sent: Sent, field: str) -> datetime | None:
    """The end of the day that a field names, for the borrower."""
    day = _day(sent, field)
    return None if day is None else local_instant(day + ONE_DAY, time(0), sent.zone)


def _hours(sent: Sent) -> Window | None:
    starts, ends = sent.get("starts"), sent.get("ends")
    if starts is None and ends is None:
        return None
    try:
        return Window.model_validate({"start": starts, "end": ends})
    except ValidationError:
        raise _at("starts", "The hours must start before they end, on the same day.") from None


async def _promise(sent: Sent) -> None:
    body = _body(Promise, amount=sent.needed("amount"), currency=sent.loan.currency, due_on=sent.needed("due_on"))
    await promises.make(sent.here, sent.caller, sent.loan.id, body)


async def _plan(sent: Sent) -> None:
    body = _body(Plan, instalments=_parts(sent), currency=sent.loan.currency)
    await plans.agree(sent.here, sent.caller, sent.loan.id, body)


def _parts(sent: Sent) -> tuple[Instalment, ...]:
    first, every = _day(sent, "first_on"), sent.get("every") or "month"
    if first is None:
        raise _at("first_on", "This is needed.")
    if every not in get_args(Every):
        raise _at("every", "This is needed.")
    try:
        total, parts = Decimal(sent.needed("total")).quantize(_CENT), int(sent.needed("parts"))
    except (InvalidOperation, ValueError):
        raise _at("total", "An amount and a number of parts are needed.") from None
    try:
        return equal_parts(total, parts, first, cast(Every, every))
    except (ValueError, ArithmeticError):
        raise _at("parts", f"From 1 to {MOST} parts, each of at least a cent.") from None


async def _hold(sent: Sent) -> None:
    held_for = sent.get("other_reason") or sent.needed("held_for")
    body = _body(holds.NewHold, reason=held_for, until=_end_of(sent, "until"))
    await holds.place(sent.here, sent.caller, sent.loan.id, body)


async def _lift(sent: Sent) -> None:
    await holds.lift(sent.here, sent.caller, sent.loan.id, _body(holds.LiftedHold, reason=sent.needed("held_for")))


async def _dispute(sent: Sent) -> None:
    await objections.dispute(sent.here, sent.caller, sent.loan.id, _body(objections.Dispute, part=sent.get("part")))


async def _complaint(sent: Sent) -> None:
    await objections.complain(sent.here, sent.caller, sent.loan.id, _body(objections.Complaint, agency=sent.get("agency")))


async def _opt_out(sent: Sent) -> None:
    body = _body(wishes.OptOut, kind=sent.needed("kind"), channel=sent.get("channel"), hours=_hours(sent))
    await wishes.opt_out(sent.here, sent.caller, sent.loan.borrower_id, body)


async def _consent(sent: Sent) -> None:
    given = {
        "channel": sent.get("channel"),
        "evidence": sent.needed("evidence"),
        "hours": _hours(sent),
        "ends_at": _end_of(sent, "ends_on"),
    }
    await wishes.consent(sent.here, sent.caller, sent.loan.borrower_id, _body(wishes.Consent, kind=sent.needed("kind"), **given))


async def _withdraw(sent: Sent) -> None:
    await withdrawal.withdraw(sent.here, sent.caller, sent.loan.id, _body(Withdrawal, reason=sent.needed("code")))


async def _payment(sent: Sent) -> None:
    now = sent.here.now()
    given = {"amount": sent.needed("amount"), "payment_id": sent.needed("payment_id"), "value_date": sent.get("value_date")}
    body = _body(PaymentReport, loan_id=sent.loan.id, currency=sent.loan.currency, received_at=now, **given)
    await record_payment(body, sent.caller, sent.here)


async def _reversal(sent: Sent) -> None:
    body = _body(PaymentReversal, loan_id=sent.loan.id, reason=sent.needed("code"), reversed_at=sent.here.now())
    await reverse_payment(sent.needed("payment_id"), body, sent.caller, sent.here)


def _(message: str) -> str:
    """Marks a text that is translated where it is shown."""
    return message


DOINGS: dict[str, Doing] = {
    "promise": Doing(Action.MAKE_PROMISE, _promise, _("The promise is written down.")),
    "plan": Doing(Action.AGREE_PLAN, _plan, _("The plan is agreed.")),
    "hold": Doing(Action.PLACE_HOLD, _hold, _("The hold is placed: nothing leaves that it forbids.")),
    "lift": Doing(Action.LIFT_HOLD, _lift, _("The hold is lifted.")),
    "dispute": Doing(Action.RECORD_OBJECTION, _dispute, _("The dispute is written down: nobody is asked to pay until it was looked into.")),
    "complaint": Doing(Action.RECORD_OBJECTION, _complaint, _("The complaint is written down.")),
    "opt_out": Doing(Action.RECORD_WISH, _opt_out, _("The wish is written down: nothing leaves that goes against it.")),
    "consent": Doing(Action.RECORD_CONSENT, _consent, _("The consent is written down.")),
    "payment": Doing(Action.RECORD_PAYMENT, _payment, _("The payment is in the ledger.")),
    "reversal": Doing(Action.REVERSE_PAYMENT, _reversal, _("The payment counts no more."), final=True),
    "withdraw": Doing(Action.WITHDRAW_CASE, _withdraw, _("The case is withdrawn."), final=True),
}
"""Every form by its name."""
