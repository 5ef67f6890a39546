"""Business time as a function of real time.

Only this module knows that a day may last a few seconds (the demo). Everything else asks for business time and gets an aware instant.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

DAY = timedelta(days=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Clock(BaseModel):
    """A straight line from real instants to business instants.

    ``day_seconds`` real seconds make one business day; at ``real_epoch`` the business clock shows ``business_epoch``.
    The default is real time itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    real_epoch: AwareDatetime = _EPOCH
    business_epoch: AwareDatetime = _EPOCH
    day_seconds: float = Field(default=DAY.total_seconds(), gt=0)

    def at(self, real: datetime) -> datetime:
        """The business instant shown at a real instant, in UTC."""
        return (self.business_epoch + (real - self.real_epoch) * self._speed).astimezone(UTC)

    def real_time(self, business: datetime) -> datetime:
        """The real instant at which the business clock shows ``business``, in UTC."""
        return (self.real_epoch + (business - self.business_epoch) / self._speed).astimezone(UTC)

    def real_duration(self, business: timedelta) -> timedelta:
        """How long a span of business time lasts in reality."""
        return business / self._speed

    @property
    def _speed(self) -> float:
        return DAY.total_seconds() / self.day_seconds


REAL_TIME = Clock()
