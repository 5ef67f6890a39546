"""What a message is for, and the facts that it may speak of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from arrears.domain.money import Amount, Money, PositiveAmount
from arrears.domain.orders import Purpose
from arrears.domain.strategy import Offer


class MessageClass(StrEnum):
    """What a template's text does to the person who gets it; the law allows different people different classes."""

    REMIND = "remind"
    COLLECT = "collect"
    OFFER = "offer"
    NOTICE = "notice"
    LOCATE_ONLY = "locate_only"
    LIMITED_CONTENT = "limited_content"
    REPLY = "reply"
    VERIFICATION = "verification"
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    TERMINATE = "terminate"
    MAY_REMEDY = "may_remedy"
    WILL_REMEDY = "will_remedy"


class NoticeKind(StrEnum):
    """What a notice tells of: the law asks for it before the step itself, or together with the first contact."""

    AGENCY = "agency"
    ASSIGNMENT = "assignment"
    CREDIT = "credit"
    DEFAULT = "default"
    TRANSFER = "transfer"
    VALIDATION = "validation"
    VERIFICATION = "verification"
    VISIT = "visit"


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lender(_Fact):
    """How the lender presents itself: its name, the numbers to call and the page to pay on."""

    name: str
    service_line: str
    complaint_line: str
    pay_url: str


class ScheduleLine(_Fact):
    """One instalment in a letter's table: as contracted, and what is still unpaid of it, in the currency of ``owed``."""

    n: int
    due_on: date
    principal: Amount
    interest: Amount
    fees: Amount
    unpaid: Amount

    @property
    def total(self) -> Amount:
        return self.principal + self.interest + self.fees


class PlanLine(_Fact):
    """One payment of an agreed plan, in the currency of ``owed``."""

    due_on: date
    amount: PositiveAmount


class Party(_Fact):
    """Somebody to whom the loan, or data about it, goes, and how to reach them."""

    name: str
    phone: str


Capacity = Literal["first_party", "third_party"]
"""Whether the creditor collects in its own name, or somebody else for it."""


class MessageFacts(_Fact):
    """All that a template can name; read at the moment of contact. ``today`` is the recipient's local day.

    ``agent_name`` is who can be asked for on the telephone, ``party`` who gets the loan, ``decision`` what was decided on a borrower's request.
    """

    lender: Lender
    recipient_name: str
    borrower_name: str
    reference: str
    product: str
    today: date
    owed: Money
    due_since: date | None = None
    days_past_due: int = 0
    schedule: tuple[ScheduleLine, ...] = ()
    offers: tuple[Offer, ...] = ()
    plan: tuple[PlanLine, ...] = ()
    capacity: Capacity = "first_party"
    agent_name: str | None = None
    party: Party | None = None
    decision: Literal["granted", "declined"] | None = None


def figures(owed: Decimal, schedule: Iterable[ScheduleLine], plan: Iterable[PlanLine] = ()) -> tuple[Decimal, ...]:
    """Every amount that a text may name: what is overdue, each instalment, its parts and what is unpaid of it, and the payments of a plan."""
    parts = (part for line in schedule for part in (line.principal, line.interest, line.fees, line.unpaid, line.total))
    return tuple(dict.fromkeys((owed, *parts, *(line.amount for line in plan))))


def purpose_of(klass: MessageClass) -> Purpose:
    """For what a message of a class contacts the borrower. Raises ``ValueError`` for one that is for other people only."""
    match klass:
        case MessageClass.COLLECT | MessageClass.LIMITED_CONTENT:
            return Purpose.COLLECT
        case MessageClass.OPT_OUT_CONFIRMATION:
            return Purpose.CONFIRM_OPT_OUT
        case MessageClass.LOCATE_ONLY:
            raise ValueError("a message of class locate_only is for others than the borrower")
        case _:
            return Purpose(klass.value)
