"""A lender's own numbers on top of the law, read once more: what they tighten, what they relax and why, and what they may not.

    own = read(Path("acme.yaml"))
    own.changes       -> what the checker judges by beside the law
    own.points        -> one line for each number, for the report

The file is that of ``docs/law.md``. A tightening counts always, or, if it says when it was decided, from when that day was over everywhere. A relaxation
counts from when that day began anywhere, in rules that are soft, if it says why, who decided it and when. Whatever else is refused: the law's number stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import yaml

from arrears.prove.limits import KEPT, NOT_IN_ROWS, Change, Kept, Tighter, Window
from arrears.prove.model import DAY, HOUR, Instant, day_number

Effect = Literal["tightened", "relaxed", "unchanged", "refused", "not_judged"]

EARLIEST_MORNING, LATEST_NIGHT = 14 * HOUR, 12 * HOUR
"""How far ahead of UTC a day begins first, and how far behind it ends last."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_ABOUT = frozenset({"reason", "decided_by", "decided_on"})
_RULES = {rule for rule, _ in (*KEPT, *NOT_IN_ROWS)}


class OverlayUnreadable(Exception):
    """The file is no overlay. The message says where and what to do."""


class Point(NamedTuple):
    """One number of the file, as the report tells it. ``why`` says what stands against it, or why it is not judged."""

    rule: str
    number: str
    effect: Effect
    law: str
    own: str
    since: Instant | None = None
    reason: str | None = None
    decided_by: str | None = None
    decided_on: date | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a file says. ``hash`` is the SHA-256 of its bytes."""

    name: str
    file: str
    hash: str
    points: tuple[Point, ...]
    changes: tuple[Change, ...]


def read(path: Path) -> Overlay:
    """The overlay in a file. Raises ``OverlayUnreadable``."""
    try:
        raw = path.read_bytes()
        document: Any = yaml.load(raw, _Loader)  # noqa: S506 (a safe loader)
    except OSError as gone:
        raise OverlayUnreadable(f"{path}: it cannot be read ({gone.strerror}); name another file") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise OverlayUnreadable(f"{path}: it is not YAML; see docs/law.md for an example") from None
    if not isinstance(document, dict):
        raise OverlayUnreadable(f"{path}: an overlay has a name and rules; see docs/law.md for an example")
    whole = cast("dict[str, Any]", document)
    name, rules = whole.get("overlay"), whole.get("rules")
    if not isinstance(name, str) or not isinstance(rules, dict) or set(whole) != {"overlay", "rules"}:
        raise OverlayUnreadable(f"{path}: an overlay has a name (overlay) and rules, and nothing else; see docs/law.md for an example")
    read_points = [found for rule, said in cast("dict[str, Any]", rules).items() for found in _rule(rule, said)]
    return Overlay(
        name,
        path.name,
        hashlib.sha256(raw).hexdigest(),
        tuple(point for point, _ in read_points),
        tuple(change for _, change in read_points if change is not None),
    )


def _rule(rule: str, said: Any) -> Iterator[tuple[Point, Change | None]]:
    """Every number that the file gives for a rule."""
    if rule not in _RULES:
        yield Point(str(rule), "", "refused", "", "", why="the law has no number of such a rule that a lender may change"), None
        return
    if not isinstance(said, dict):
        yield Point(rule, "", "refused", "", _said(said), why="a rule has numbers by name"), None
        return
    given = cast("dict[str, Any]", said)
    about = Point(rule, "", "refused", "", "", None, _text(given, "reason"), _text(given, "decided_by"), _day(given.get("decided_on")))
    for number, value in given.items():
        if number not in _ABOUT:
            yield _number(about._replace(number=str(number), own=_said(value)), value)


def _number(point: Point, value: Any) -> tuple[Point, Change | None]:
    if (why := NOT_IN_ROWS.get((point.rule, point.number))) is not None:
        return point._replace(effect="not_judged", why=why), None
    kept = KEPT.get((point.rule, point.number))
    if kept is None:
        return point._replace(why="a lender cannot change this"), None
    point = point._replace(law=_said(_as_written(kept)))
    try:
        own = _as_kept(kept, value)
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return point._replace(why="it cannot be understood"), None
    if (why := _out_of_bounds(kept, own)) is not None:
        return point._replace(why=why), None
    if own == kept.law:
        return point._replace(effect="unchanged"), None
    if is_tighter(kept.tighter, kept.law, own):
        since = None if point.decided_on is None else (day_number(point.decided_on) + 1) * DAY + LATEST_NIGHT
        return point._replace(effect="tightened", since=since), Change(kept.name, own, since)
    if not kept.soft:
        return point._replace(why="it would relax a rule that is not soft"), None
    if not (point.reason and point.decided_by and point.decided_on):
        return point._replace(why="it relaxes a soft rule without a reason, who decided it, and when"), None
    since = day_number(point.decided_on) * DAY - EARLIEST_MORNING
    return point._replace(effect="relaxed", since=since), Change(kept.name, own, since)


def is_tighter(tighter: Tighter, law: Any, own: Any) -> bool:
    """Whether a lender's number is as strict as the law's, or stricter; in every part of it, if it has parts."""
    if isinstance(law, Mapping):
        before, after = cast("Mapping[str, Any]", law), cast("Mapping[str, Any]", own)
        return all(part in after and is_tighter(tighter, limit, after[part]) for part, limit in before.items())
    match tighter:
        case "lower":
            return own <= law
        case "higher":
            return own >= law
        case "subset":
            return set(own) <= set(law)
        case "superset":
            return set(own) >= set(law)
        case "within":
            return law[0] <= own[0] and own[1] <= law[1]


def _out_of_bounds(kept: Kept, own: Any) -> str | None:
    """What stands against a number whatever its direction."""
    numbers = list(cast("Mapping[str, int]", own).values()) if isinstance(own, Mapping) else [own] if isinstance(own, int) else []
    if kept.least is not None and any(number < kept.least for number in numbers):
        return f"it is less than {kept.least}"
    if kept.most is not None and any(number > kept.most for number in numbers):
        return f"it is more than {kept.most}"
    if kept.name.endswith("_binds") and "third_party" not in cast("frozenset[str]", own):
        return "the rule binds third parties by law"
    return None


def _as_kept(kept: Kept, value: Any) -> Any:
    """A number of the file in the checker's own form. Raises ``ValueError``, ``TypeError`` or ``KeyError``."""
    law = kept.law
    if kept.tighter == "within":
        return _window(value)
    if isinstance(law, Mapping):
        return {str(part): _whole(number) for part, number in cast("dict[Any, Any]", _of(dict, value)).items()}
    if isinstance(law, int):
        return _ten_thousandths(value) if kept.name in _PER_CENTS else _whole(value)
    items = cast("list[Any]", _of(list, value))
    return frozenset(_whole(item) - 1 for item in items) if kept.name.endswith("_weekdays") else frozenset(_of(str, item) for item in items)


_PER_CENTS = frozenset({"cn_27_most_percent", "us_62_most"})


def _as_written(kept: Kept) -> Any:
    """The law's number as a file would write it."""
    law = kept.law
    if kept.tighter == "within":
        return {"start": _clock(law[0]), "end": _clock(law[1])}
    if kept.name in _PER_CENTS:
        return f"{law / 10_000:g}"
    if kept.name.endswith("_weekdays"):
        return sorted(day + 1 for day in law)
    return sorted(cast("frozenset[str]", law)) if isinstance(law, frozenset) else law


def _window(value: Any) -> Window:
    given = cast("dict[str, Any]", _of(dict, value))
    starts, ends = (_second(given[end]) for end in ("start", "end"))
    if set(given) != {"start", "end"} or starts >= ends:
        raise ValueError("a window starts before it ends, on the same day")
    return starts, ends


def _second(text: Any) -> int:
    found = _TIME.fullmatch(_of(str, text))
    if found is None:
        raise ValueError("a time of the day is written HH:MM")
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}"


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError("not a number")
    return int(value) if isinstance(value, str) else _of(int, value)


def _ten_thousandths(value: Any) -> int:
    exact = Decimal(str(value)) * 10_000
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise ValueError("at most four digits after the point")
    return int(exact)


def _of(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"not a {kind.__name__}")
    return value


def _text(given: Mapping[str, Any], name: str) -> str | None:
    """A text about a change; a reason says something, in ten characters at least."""
    value = given.get(name)
    text = None if value is None else str(value).strip()
    return None if not text or (name == "reason" and len(text) < _SHORTEST_REASON) else text


_SHORTEST_REASON = 10


def _day(value: Any) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        return None


def _said(value: Any) -> str:
    """A value in one line, as people wrote it."""
    match value:
        case dict():
            return ", ".join(f"{key} {_said(one)}" for key, one in cast("dict[str, Any]", value).items())
        case list():
            return ", ".join(_said(one) for one in cast("list[Any]", value))
        case _:
            return str(value)


class _Loader(yaml.SafeLoader):
    """Every plain value stays the text that it is, so that ``10:00`` is a time; a key that stands twice, and a reference, are mistakes."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own way)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):  # pyright: ignore[reportUnknownMemberType]
            raise yaml.YAMLError("a reference to another place of the file")
        return super().compose_node(parent, index)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if len(set(map(str, keys))) != len(keys):
            raise yaml.YAMLError("a key stands twice")
        return super().construct_mapping(node, deep)
