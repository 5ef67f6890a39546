"""Ways in which the world fails on command."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from arrears.config.settings import GatewayName
from arrears.sandbox.temperament import luck

FaultKind = Literal[
    "timeout", "error", "rate_limited", "refused", "garbage", "lost_answer", "late_callback", "duplicate_callback", "lost_callback"
]


class Fault(BaseModel):
    """One way of failing.

    ``timeout``, ``error`` (500), ``rate_limited`` (429), ``refused`` (422) and ``garbage`` strike before anything left; ``lost_answer`` cuts the
    connection after it did. The callback faults strike what is reported of an order. ``seconds`` is how long a time-out hangs, what
    Retry-After says, or how late a callback is. A fault strikes ``times`` times, or until cleared, a ``share`` of what it could strike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    gateway: GatewayName | None = Field(default=None, description="any gateway, if absent")
    on: Literal["send", "look_up"] = "send"
    times: PositiveInt | None = 1
    share: float = Field(default=1, gt=0, le=1)
    seconds: float = Field(default=1, ge=0)


class Faults:
    """The faults that wait to strike, oldest first."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._waiting: list[tuple[Fault, int]] = []
        self._asked = 0

    def add(self, fault: Fault) -> None:
        self._waiting.append((fault, 0))

    def clear(self) -> None:
        self._waiting.clear()

    @property
    def waiting(self) -> tuple[Fault, ...]:
        return tuple(fault for fault, _ in self._waiting)

    def strike(self, gateway: GatewayName, kinds: tuple[FaultKind, ...], key: str, on: Literal["send", "look_up"] = "send") -> Fault | None:
        """The first waiting fault of these kinds that strikes this request, counted as having struck; ``None`` if all goes well."""
        self._asked += 1
        for place, (fault, struck) in enumerate(self._waiting):
            if fault.kind not in kinds or fault.on != on or fault.gateway not in (None, gateway):
                continue
            if fault.share < 1 and luck(self._seed, f"{key}/{self._asked}", 10_000) >= fault.share * 10_000:
                continue
            if fault.times is not None and struck + 1 >= fault.times:
                del self._waiting[place]
            else:
                self._waiting[place] = (fault, struck + 1)
            return fault
        return None
