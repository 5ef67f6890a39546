"""Business time as a function of real time.

Only this module knows that a day may last a few seconds (the demo). Everything else asks for business time and gets an aware instant.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

DAY = timedelta(days=1)


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    # Arithmetic between instants of one zone would be arithmetic of wall clocks, an hour off across a change to summer time.
    return instant.astimezone(UTC)


_Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Clock(BaseModel):
    """A straight line from real instants to business instants.

    ``day_seconds`` real seconds make one business day; at ``real_epoch`` the business clock shows ``business_epoch``.
    The default is real time itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    real_epoch: _Instant = _EPOCH
    business_epoch: _Instant = _EPOCH
    day_seconds: float = Field(default=DAY.total_seconds(), gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _starts_somewhere(self) -> Clock:
        if self._speed != 1 and self.real_epoch == _EPOCH:
            raise ValueError("day_seconds: a clock that does not run at real speed must say when it started; give real_epoch too")
        return self

    def at(self, real: datetime) -> datetime:
        """The business instant shown at a real instant, in UTC."""
        return self.business_epoch + (_utc(real) - self.real_epoch) * self._speed

    def real_time(self, business: datetime) -> datetime:
        """The real instant at which the business clock shows ``business``, in UTC."""
        return self.real_epoch + (_utc(business) - self.business_epoch) / self._speed

    def real_duration(self, business: timedelta) -> timedelta:
        """How long a span of business time lasts in reality."""
        return business / self._speed

    @property
    def _speed(self) -> float:
        return DAY.total_seconds() / self.day_seconds


REAL_TIME = Clock()
