"""Faults planted in the core: each a limit moved by the least amount, a rule left out, or a fact that is not looked at. The checker must miss every one."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from arrears.domain.calendar import Window
from arrears.domain.law import house
from arrears.domain.regime import Regime
from arrears.domain.situation import LENDER, Situation
from arrears.prove import model as raw
from tests.simulation.world import REGIMES, World, changed

Sees = Callable[[Situation], Situation]


@dataclass(frozen=True)
class Fault:
    """One fault, with the ids of the rules that the checker must say are broken by what leaves because of it.

    ``changes`` are other terms of rules, ``None`` for a rule left out; ``house`` is a rule of ours left out; ``sees`` is what the core overlooks. Worlds of
    ``residence``, and such as ``press`` against the limit, show it soonest; ``of`` is what leaves.
    """

    name: str
    broken: tuple[str, ...]
    residence: str | None = None
    press: str | None = None
    changes: dict[str, dict[str, Any] | None] = field(default_factory=dict[str, dict[str, Any] | None])
    house: str | None = None
    sees: Sees | None = None
    of: type[raw.Contact] | type[raw.Placement] = raw.Contact

    def law(self) -> Sequence[Regime]:
        return changed(REGIMES, self.changes) if self.changes else REGIMES

    @contextmanager
    def planted(self) -> Generator[None]:
        """The fault is in the core while this lasts."""
        if self.house is None:
            yield
            return
        terms = house.HOUSE.pop(self.house)
        try:
            yield
        finally:
            house.HOUSE[self.house] = terms


def worlds_until_found(fault: Fault, most: int, first: int = 50_000) -> int | None:
    """How many worlds it takes until the checker objects to something that left because of a fault, by a rule that it breaks; ``None`` after ``most``."""
    law = fault.law()
    with fault.planted():
        for n in range(most):
            world = World(random.Random(first + n), law, fault.residence, press=fault.press, sees=fault.sees)
            world.play()
            found = (one for one in world.disagreements if one.unsound and isinstance(one.proposed, fault.of))
            if any(violation.rule in fault.broken for one in found for violation in one.violations):
                return n + 1
    return None


def window(start: str, end: str) -> Window:
    return Window.model_validate({"start": start, "end": end})


def without(**overlooked: Callable[[Any], Any]) -> Sees:
    """A core that sees something else in these parts of a situation."""

    def sees(s: Situation) -> Situation:
        parts = {name: getattr(s, name) for name in type(s).model_fields}
        return Situation.model_construct(None, **parts | {name: change(parts[name]) for name, change in overlooked.items()})

    return sees


def _by_us(history: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(c for c in history if c.by == LENDER)


def _outbound(history: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(c for c in history if c.direction == "out")


def _known(history: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(c for c in history if c.outcome is not None)


def _but(reason: str) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    return lambda holds: tuple(h for h in holds if h.reason != reason)


def _wishless(people: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(p.model_copy(update={"wishes": ()}) for p in people)


def _unwithdrawn(people: Sequence[Any]) -> tuple[Any, ...]:
    def for_ever(consents: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(c.model_copy(update={"withdrawn_at": None}) for c in consents)

    return tuple(p.model_copy(update={"consents": for_ever(p.consents)}) for p in people)


def _at_home(people: Sequence[Any]) -> tuple[Any, ...]:
    """As if every number were where its person lives."""

    def here(points: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(p.model_copy(update={"zones": ()}) for p in points)

    return tuple(p.model_copy(update={"contact_points": here(p.contact_points)}) for p in people)


def _heard(loans: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(loan.model_copy(update={"unheard_payments": ()}) for loan in loans)


def _granted(approvals: Sequence[Any]) -> tuple[Any, ...]:
    """As if everything that was asked had been granted."""
    return tuple(a.model_copy(update={"state": "approved"}) for a in approvals)


LIMITS = (
    Fault("a fourth effective call", ("CN-02",), "CN", "talks", {"CN-02": {"most": 4}}),
    Fault("a seventh unanswered call", ("CN-04",), "CN", "rings", {"CN-04": {"most": 7}}),
    Fault("no limit to all contacts", ("CN-28",), "CN", "pesters", {"CN-28": None}),
    Fault("a sixteenth contact", ("CN-28",), "CN", "pesters", {"CN-28": {"most": 16}}),
    Fault("a relative after six days", ("CN-28",), "CN", "others", {"CN-28": {"others_days": 6}}),
    Fault("a second later in the evening", ("CN-01",), "CN", "edges", {"CN-01": {"window": window("08:00", "22:00:01")}}),
    Fault("a second earlier in the morning", ("CN-01",), "CN", "edges", {"CN-01": {"window": window("07:59:59", "22:00")}}),
    Fault("six days instead of seven", ("US-01",), "US", "weeks", {"US-01": {"days": 6}}),
    Fault("an eighth call in seven days", ("US-01",), "US", "weeks", {"US-01": {"most": 8}}),
    Fault("a conversation's gap a day short", ("US-02",), "US", "gap", {"US-02": {"days": 6}}),
    Fault("the state's rule left out", ("US-73",), "US-MA", "weeks", {"US-73": None}),
    Fault("a second later in America", ("US-10",), "US", "edges", {"US-10": {"window": window("08:00", "21:00:01")}}),
    Fault("a second earlier in India", ("IN-01",), "IN", "edges", {"IN-01": {"window": window("07:59:59", "19:00")}}),
    Fault("a Sunday in Britain", ("UK-01",), "GB", "edges", {"UK-01": {"weekdays": frozenset(range(1, 8))}}),
    Fault("a second later in Europe", ("EU-04",), "DE", "edges", {"EU-04": {"window": window("08:00", "20:00:01")}}),
)
"""Limits moved by the least amount."""

BLIND = (
    Fault("agencies' contacts are not counted", ("CN-02", "CN-04", "CN-28"), "CN", "talks", sees=without(history=_by_us)),
    Fault("what the person began is no conversation", ("US-02",), "US", "gap", sees=without(history=_outbound)),
    Fault("what is on its way does not count", ("CN-02", "CN-04"), "CN", "talks", sees=without(history=_known)),
    Fault("holds are not looked at", ("AR-04",), None, "holds", house="AR-04"),
    Fault("the British moratorium is overlooked", ("UK-12", "AR-04"), "GB", "holds", sees=without(holds=_but("breathing-space"))),
    Fault("a death is overlooked", ("AR-04", "CN-63", "US-61"), None, "holds", sees=without(holds=_but("deceased"))),
    Fault("wishes are not looked at", ("AR-10", "CN-16", "US-16", "UK-01", "EU-03"), None, "stops", sees=without(people=_wishless)),
    Fault(
        "a consent once given stands for ever",
        ("CN-24", "CN-41", "US-29", "US-13", "CN-01"),
        "CN",
        "agreements",
        sees=without(people=_unwithdrawn),
    ),
    Fault("the number's zone is overlooked", ("US-10", "IN-01", "UK-01"), "US", None, sees=without(people=_at_home)),
    Fault("the balance is not checked", ("AR-01",), None, "stops", house="AR-01"),
    Fault("unheard payments are overlooked", ("AR-05",), None, "stops", sees=without(loans=_heard)),
    Fault("approvals are not asked for", ("AR-02",), "CN", "others", house="AR-02"),
    Fault("what was denied counts as granted", ("AR-02",), "CN", "others", sees=without(approvals=_granted)),
    Fault("a case that ended goes on", ("AR-08",), None, "stops", house="AR-08"),
)
"""Facts that the core does not look at."""

LEFT_OUT = (
    Fault("CN-07 without numbers", ("CN-07",), "CN", "pesters", {"CN-07": {"most": {}}}),
    Fault("CN-13 left out", ("CN-13",), "CN", "others", {"CN-13": None}),
    Fault("CN-24 left out", ("CN-24",), "CN", None, {"CN-24": None}),
    Fault("CN-27 at 99 %", ("CN-27",), "CN", None, {"CN-27": {"most_percent": Decimal(99)}}),
    Fault("CN-41 left out", ("CN-41",), "CN", None, {"CN-41": None}),
    Fault("CN-64 left out", ("CN-64",), "CN", None, {"CN-64": None}),
    Fault("CN-67 left out", ("CN-67",), "CN", None, {"CN-67": None}),
    Fault("US-14 left out", ("US-14",), "US", None, {"US-14": None}),
    Fault("US-16 left out", ("US-16",), "US", None, {"US-16": None}),
    Fault("US-20 left out", ("US-20",), "US", "stops", {"US-20": None}),
    Fault("US-22 left out", ("US-22",), "US", None, {"US-22": None}),
    Fault("UK-05 left out", ("UK-05",), "GB", None, {"UK-05": None}),
    Fault("EU-03 left out", ("EU-03",), "DE", None, {"EU-03": None}),
    Fault("any hour in China till 23:00", ("CN-01",), "CN", None, {"CN-01": {"window": window("08:00", "23:00")}}),
    *(
        Fault(f"{rule_id} on handovers left out", (rule_id,), residence, None, {rule_id: change}, of=raw.Placement)
        for residence, rule_id, change in (
            ("CN", "CN-43", None),
            ("CN", "CN-44", None),
            ("CN", "CN-52", None),
            ("CN", "CN-56", None),
            ("US", "US-46", None),
            ("US", "US-47", {"days": 7}),
            ("US", "US-62", None),
            ("DE", "EU-01", None),
        )
    ),
)
"""Rules loosened or left out."""

FAULTS = (*LIMITS, *BLIND, *LEFT_OUT)
