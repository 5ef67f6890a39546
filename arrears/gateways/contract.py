"""What passes between Arrears and a gateway, whatever the wire: what goes out, what comes back, what can go wrong.

    GatewayError
    ├── GatewayRetryable    the same order may be sent again under the same key, after `retry_after` if given
    └── GatewayFinal        sending the same order again cannot help

Contact details pass through here and nowhere else: no error text and no `repr` of these types holds a name, a number, an address or a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal, Protocol, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from arrears.config.settings import GatewayName
from arrears.domain import handover
from arrears.domain.calendar import Instant
from arrears.domain.events import Id
from arrears.domain.loan import Payment
from arrears.domain.money import Amount, Currency
from arrears.domain.orders import Purpose
from arrears.domain.outcome import CALL_OUTCOMES, Outcome
from arrears.domain.strategy import Channel, Referral, Slug

CHANNEL_GATEWAY: Mapping[Channel, GatewayName] = {
    Channel.CALL: "voice",
    Channel.SMS: "sms",
    Channel.EMAIL: "email",
    Channel.IN_APP: "in_app",
}

REFERRAL_GATEWAY: Mapping[Referral, GatewayName] = {
    Referral.AGENCY: "agency",
    Referral.DEBT_SALE: "agency",
    Referral.OVERDUE_LIST: "bureau",
    Referral.CREDIT_REPORT: "bureau",
    Referral.LAWYER: "legal",
    Referral.LAWSUIT: "legal",
    Referral.DEFAULTER_LIST: "legal",
}

Secretive = Field(repr=False)


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Outgoing(_Wire):
    """One message or call for one person.

    ``key`` is the attempt's id and the idempotency key. ``to`` is an E.164 number, a mail address or an in-app account, as the channel wants it.
    ``text`` is what is written, or said to open the call. ``requested_at`` is business time: gateways that answer with instants count from it.
    """

    key: Id
    channel: Channel
    to: Annotated[str, Secretive]
    text: Annotated[str, Secretive]
    subject: Annotated[str | None, Secretive] = None
    html: Annotated[str | None, Secretive] = None
    language: str
    purpose: Purpose = Purpose.COLLECT
    requested_at: AwareDatetime
    callback_url: str | None = None


class Handover(_Wire):
    """A case, or a fact about it, for an institution; or the recall of an earlier handover, whose key is ``recalls``.

    It can tell nothing but what ``arrears.domain.handover`` lists for its target.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: Id
    target: Referral
    agency: Slug | None = None
    loan_id: Id
    case_id: Id
    owed: Amount
    currency: Currency
    due_since: date | None = None
    until: AwareDatetime | None = None
    recalls: Id | None = None
    requested_at: AwareDatetime
    callback_url: str | None = None

    @model_validator(mode="after")
    def _tells_what_it_may(self) -> Self:
        handover.check(self.target, (name for name, value in self if value is not None))
        return self


class Receipt(_Wire):
    """What a gateway says about one key: ``accepted`` (the outcome comes later, if ever) or ``final`` with the outcome."""

    status: Literal["accepted", "final"]
    outcome: Outcome | None = None
    gateway_ref: str | None = Field(default=None, max_length=200)
    at: AwareDatetime | None = None


class Gateway(Protocol):
    """One way out of the house."""

    @property
    def name(self) -> GatewayName: ...

    async def send(self, order: Outgoing | Handover) -> Receipt:
        """Hand the order over, at most once per key however often it is called, where the wire allows that (SMTP does not).

        Raises:
            GatewayRetryable: it may succeed later; see ``maybe_sent`` for what is known of this try.
            GatewayFinal: the gateway will never take this order.
        """
        ...

    async def look_up(self, key: str) -> Receipt | None:
        """What became of ``key``. ``None``: the gateway never took it, so sending is safe.

        A wire that cannot be asked (SMTP) answers final and ``unknown``: what may have left counts as having left.

        Raises:
            GatewayRetryable: the gateway could not be asked now.
            GatewayFinal: the gateway refuses to answer.
        """
        ...


class GatewayError(Exception):
    """A gateway did not take an order. ``code`` is a short code without personal data; ``maybe_sent`` is whether something may have left."""

    def __init__(self, gateway: GatewayName, code: str, *, maybe_sent: bool) -> None:
        self.gateway = gateway
        self.code = code
        self.maybe_sent = maybe_sent
        super().__init__(f"gateway {gateway}: {code}")


class GatewayRetryable(GatewayError):
    """Trying again may help, not before ``retry_after`` if the gateway gave one."""

    def __init__(self, gateway: GatewayName, code: str, *, maybe_sent: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(gateway, code, maybe_sent=maybe_sent)
        self.retry_after = retry_after


class GatewayFinal(GatewayError):
    """Trying again cannot help. Nothing has left."""

    def __init__(self, gateway: GatewayName, code: str) -> None:
        super().__init__(gateway, code, maybe_sent=False)


Party = Literal["borrower", "relative", "someone_else"]


class CallbackBody(_Wire):
    """A fact that a gateway reports by itself, as it stands on the wire.

    ``call_outcome`` and ``delivery`` are about one of our attempts, named by ``key``. ``inbound`` (a person called, wrote, or opted out) and ``agency``
    (what an agency did) name the loan, or an attempt that they answer, and the channel.
    """

    kind: Literal["call_outcome", "delivery", "inbound", "agency"]
    key: Id | None = None
    loan_id: Id | None = None
    channel: Channel | None = None
    outcome: Outcome
    party: Party = "borrower"
    at: Instant
    gateway_ref: str | None = Field(default=None, max_length=200)
    opted_out: bool = Field(default=False, description="the person wants no more contact on this channel")

    @model_validator(mode="after")
    def _says_what_it_is_about(self) -> Self:
        match self.kind:
            case "call_outcome" | "delivery":
                if self.key is None:
                    raise ValueError(f"a {self.kind} needs the key of the order it is about")
            case "inbound" | "agency":
                if self.channel is None or (self.key is None and self.loan_id is None):
                    raise ValueError(f"an {self.kind} report needs a channel, and a loan_id or the key of the order it answers")
        if self.opted_out and self.key is None and self.party != "borrower":
            raise ValueError("opted_out by somebody who is not the borrower needs the key of the order that they answer")
        if self.outcome not in _REPORTABLE[self.kind]:
            raise ValueError(f"{self.outcome} is no outcome of a {self.kind}; one of {', '.join(sorted(_REPORTABLE[self.kind]))}")
        return self


_MET = CALL_OUTCOMES | {Outcome.DELIVERED}
_REPORTABLE: Mapping[str, frozenset[Outcome]] = {
    "call_outcome": CALL_OUTCOMES,
    "delivery": frozenset({Outcome.DELIVERED, Outcome.FAILED, Outcome.INVALID_NUMBER, Outcome.UNKNOWN}),
    "inbound": _MET,
    "agency": _MET,
}


class PaymentReport(Payment):
    """Money that the loan system booked. ``payment_id`` is the same each time the payment is told."""

    loan_id: Id
    payment_id: Id


class MissedPayment(_Wire):
    """A loan has an instalment that is overdue: open its case. Without a strategy the loan's own is used."""

    loan_id: Id
    strategy: Slug | None = None
