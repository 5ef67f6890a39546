"""What a message is for, and the facts that it may speak of."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from arrears.domain.money import Amount, Money
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


class MessageFacts(_Fact):
    """All that a template can name; read at the moment of contact. ``today`` is the recipient's local day."""

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
