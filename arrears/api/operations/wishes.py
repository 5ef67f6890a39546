"""What people want: not to be contacted at all, by a medium, at an address or in some hours; and what they agreed to."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import as_fact, into_the_ledger
from arrears.domain.access import Action
from arrears.domain.calendar import Instant, Window
from arrears.domain.person import ConsentKind, WishKind
from arrears.domain.strategy import Channel
from arrears.ledger.facts import Recorded
from arrears.ledger.facts.kinds import ConsentGiven, ConsentWithdrawn, Evidence, WishTold, WishWithdrawn


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OptOut(_Said):
    """How somebody does not want to be contacted. ``no_medium`` names its channel, ``no_address`` a contact point, ``no_hours`` local hours."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "no_medium", "channel": "sms"}]})

    kind: WishKind
    at: Instant | None = Field(default=None, description="when they said so; now if left out")
    channel: Channel | None = None
    contact_point_id: int | None = Field(default=None, ge=1, le=2**31 - 1)
    address: str | None = Field(default=None, max_length=320, repr=False, description="instead of the id: the number (in E.164) or address")
    hours: Window | None = None


class OptOutWithdrawn(_Said):
    """Somebody took a wish back: of this kind, and for this medium or contact point if one is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "no_medium", "channel": "sms"}]})

    kind: WishKind
    at: Instant | None = None
    channel: Channel | None = None
    contact_point_id: int | None = Field(default=None, ge=1, le=2**31 - 1)


class Consent(_Said):
    """What somebody agreed to, on evidence. ``hours`` goes with the kind ``hours``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "more_calls", "channel": "call", "evidence": "recording-4711"}]})

    kind: ConsentKind
    given_at: Instant | None = Field(default=None, description="now if left out")
    ends_at: Instant | None = None
    channel: Channel | None = None
    hours: Window | None = None
    evidence: Evidence


class ConsentTakenBack(_Said):
    """Somebody took a consent back: of this kind, and for this medium if one is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "more_calls"}]})

    kind: ConsentKind
    at: Instant | None = None
    channel: Channel | None = None


async def opt_out(here: House, caller: Caller, person_id: str, body: OptOut) -> Recorded:
    """Write a wish down: once this returns, nothing leaves that goes against it. Raises ``Problem``."""
    told = as_fact(WishTold, fact="wish", person_id=person_id, **body.model_dump() | {"at": body.at or here.now()})
    return await into_the_ledger(here, caller, Action.RECORD_WISH, told, person_id=person_id)


async def opt_in(here: House, caller: Caller, person_id: str, body: OptOutWithdrawn) -> Recorded:
    """Write down that a wish was taken back; ``new`` is false if none stood. Raises ``Problem``."""
    told = as_fact(WishWithdrawn, fact="wish_withdrawn", person_id=person_id, **body.model_dump() | {"at": body.at or here.now()})
    return await into_the_ledger(here, caller, Action.RECORD_WISH, told, person_id=person_id)


async def consent(here: House, caller: Caller, person_id: str, body: Consent) -> Recorded:
    """Write a consent down. Raises ``Problem``."""
    told = as_fact(ConsentGiven, fact="consent", person_id=person_id, **body.model_dump() | {"given_at": body.given_at or here.now()})
    return await into_the_ledger(here, caller, Action.RECORD_CONSENT, told, person_id=person_id)


async def take_back(here: House, caller: Caller, person_id: str, body: ConsentTakenBack) -> Recorded:
    """Write down that a consent was taken back: from then on it counts no more. Raises ``Problem``."""
    told = as_fact(ConsentWithdrawn, fact="consent_withdrawn", person_id=person_id, **body.model_dump() | {"at": body.at or here.now()})
    return await into_the_ledger(here, caller, Action.RECORD_CONSENT, told, person_id=person_id)
