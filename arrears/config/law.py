"""The law as files: ``regimes/<name>.yaml``, one regime each, and a lender's own overlay on them; read again whenever a file changes.

RegimeProblem  a file is wrong; names file, line and field, and what to do
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from arrears.config import marked_yaml, wording
from arrears.config.settings import PACKAGED
from arrears.domain.calendar import Window
from arrears.domain.law import Terms
from arrears.domain.regime import Regime
from arrears.domain.strategy import Slug
from arrears.domain.verdict import RuleId


class RegimeProblem(ValueError):
    """A regime or overlay file cannot be used: nothing is sent until it is right."""


class Change(BaseModel):
    """What a lender changes in one rule: numbers as in the regime's file. Whoever relaxes a soft rule says why, who decided it, and when."""

    model_config = ConfigDict(frozen=True, extra="allow")

    reason: str | None = Field(default=None, min_length=10)
    decided_by: str | None = None
    decided_on: date | None = None

    @property
    def numbers(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Overlay(BaseModel):
    """A lender's own numbers on top of the law: always as strict or stricter, except where a rule is soft and the reason is recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    overlay: Slug
    rules: dict[RuleId, Change]


class Law:
    """All regimes of one directory, each in its newest version, with a lender's overlay: what was tightened counts from the next contact on."""

    def __init__(self, directory: Path = PACKAGED / "regimes", overlay: Path | None = None) -> None:
        self._directory, self._overlay = directory, overlay
        self._read: tuple[tuple[tuple[str, int], ...], tuple[Regime, ...]] | None = None

    def current(self) -> tuple[Regime, ...]:
        """The regimes as their files say now. Raises ``RegimeProblem``."""
        named = sorted(self._directory.glob("*.yaml"))
        try:
            stamp = tuple((str(path), path.stat().st_mtime_ns) for path in (*named, *([self._overlay] if self._overlay else [])))
        except FileNotFoundError as missing:
            raise RegimeProblem(f"{missing.filename}: there is no such file; write it, or take it out of the settings") from None
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, self._load(named))
        return self._read[1]

    def _load(self, files: list[Path]) -> tuple[Regime, ...]:
        regimes = tuple(load_regime(path) for path in files)
        if not regimes:
            raise RegimeProblem(f"{self._directory}: there is no regime; put at least one file <name>.yaml there")
        return overlaid(regimes, self._overlay) if self._overlay else regimes


def load_regime(path: Path) -> Regime:
    """The regime of one file. Raises ``RegimeProblem``."""
    marked = _marked(path)
    try:
        regime = Regime.model_validate(_with_words(path, marked))
    except ValidationError as wrong:
        raise _problem(path, marked, wrong) from None
    if regime.regime != path.stem:
        raise RegimeProblem(
            f"{path}:{marked.line(('regime',))}: regime: the file is named {path.stem!r} but its regime {regime.regime!r}; "
            "give both the same name"
        )
    return regime


def _with_words(path: Path, marked: marked_yaml.Marked) -> Any:
    """A regime's file with the word lists themselves where a rule's ``words`` name them: they are part of the law, and of its hash."""
    document: Any = marked.value
    if not isinstance(document, dict):
        return document
    whole = cast("dict[str, Any]", document)
    rules = whole.get("rules")
    if not isinstance(rules, dict):
        return whole
    return whole | {"rules": {rule_id: _worded(path, marked, rule_id, terms) for rule_id, terms in cast("dict[str, Any]", rules).items()}}


def _worded(path: Path, marked: marked_yaml.Marked, rule_id: str, terms: Any) -> Any:
    if not isinstance(terms, dict):
        return terms
    of_rule = cast("dict[str, Any]", terms)
    named = [field for field, names in of_rule.items() if field.endswith("words") and isinstance(names, list)]
    try:
        book = wording.load()
        lists = {field: book.named(of_rule[field]) for field in named}
    except wording.WordingProblem as wrong:
        raise RegimeProblem(f"{path}:{marked.line(('rules', rule_id))}: rules.{rule_id}: {wrong}") from None
    kept = {"grammar": ("limited_content", book.limited_content), "prefixes": ("premium_rate", book.premium_rate)}
    return of_rule | lists | {field: value for field, (name, value) in kept.items() if of_rule.get(field) == name}


def overlaid(regimes: tuple[Regime, ...], path: Path) -> tuple[Regime, ...]:
    """The regimes with a lender's overlay on them. Raises ``RegimeProblem``."""
    marked = _marked(path)
    try:
        overlay = Overlay.model_validate(marked.value)
    except ValidationError as wrong:
        raise _problem(path, marked, wrong) from None
    known = {rule_id for regime in regimes for rule_id in regime.terms}
    for rule_id in overlay.rules:
        if rule_id not in known:
            raise RegimeProblem(f"{path}:{marked.line(('rules', rule_id))}: rules.{rule_id}: no regime has this rule; take it out")
    return tuple(_changed(regime, overlay, path, marked) for regime in regimes)


def _changed(regime: Regime, overlay: Overlay, path: Path, marked: marked_yaml.Marked) -> Regime:
    rules = regime.rules.model_dump(by_alias=True, exclude_none=True)
    touched = False
    for rule_id, terms in regime.terms.items():
        change = overlay.rules.get(rule_id)
        if change is None:
            continue
        touched = True
        where = f"{path}:{marked.line(('rules', rule_id))}: rules.{rule_id}"
        rules[rule_id] |= change.numbers | (
            {"note": f"{overlay.overlay}: {change.reason} ({change.decided_by}, {change.decided_on})"} if change.reason else {}
        )
        try:
            new = type(terms).model_validate(rules[rule_id])
        except ValidationError as wrong:
            first = wrong.errors(include_input=False)[0]
            raise RegimeProblem(f"{where}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        _check(terms, new, change, where)
    return Regime.model_validate(regime.model_dump(by_alias=True) | {"rules": rules}) if touched else regime


def _check(old: Terms, new: Terms, change: Change, where: str) -> None:
    for name in change.numbers:
        direction = _direction(old, name)
        if direction is None:
            raise RegimeProblem(f"{where}.{name}: a lender cannot change this; take it out")
        if is_tighter(direction, getattr(old, name), getattr(new, name)):
            continue
        if not old.soft:
            raise RegimeProblem(f"{where}.{name}: this would relax the rule, which is not soft; give a stricter value, or take it out")
        if not (change.reason and change.decided_by and change.decided_on):
            raise RegimeProblem(f"{where}.{name}: this relaxes a soft rule; add reason, decided_by and decided_on")


def _direction(terms: Terms, name: str) -> str | None:
    field = type(terms).model_fields.get(name)
    extra = cast("Mapping[str, object] | None", field.json_schema_extra if field else None)
    return str(extra["tighter"]) if extra and "tighter" in extra else None


def is_tighter(direction: str, old: Any, new: Any) -> bool:
    """Whether a new value is as strict as the old one, or stricter. A value of ``None`` is no limit at all."""
    if isinstance(old, Mapping):
        before, after = cast("Mapping[Any, Any]", old), cast("Mapping[Any, Any]", new)
        return all(key in after and is_tighter(direction, limit, after[key]) for key, limit in before.items())
    match direction:
        case "lower":
            return old is None or (new is not None and new <= old)
        case "higher":
            return old is None or (new is not None and new >= old)
        case "subset":
            return old is None or (new is not None and set(new) <= set(old))
        case "superset":
            return old is None or (new is not None and set(new) >= set(old))
        case "within":
            return _window(old).start <= _window(new).start and _window(new).end <= _window(old).end
        case "true":
            return bool(new) or not old
        case _:
            raise TypeError(f"{direction!r} is no direction")


def _window(value: Any) -> Window:
    assert isinstance(value, Window)
    return value


def _marked(path: Path) -> marked_yaml.Marked:
    marked = marked_yaml.read(path.read_text(encoding="utf-8"))
    if marked.flaws:
        flaw = marked.flaws[0]
        raise RegimeProblem(f"{path}:{flaw.line}: {flaw.problem}; {flaw.remedy}")
    return marked


def _problem(path: Path, marked: marked_yaml.Marked, wrong: ValidationError) -> RegimeProblem:
    first = wrong.errors(include_input=False)[0]
    field = ".".join(map(str, first["loc"])) or "the whole file"
    return RegimeProblem(f"{path}:{marked.line(first['loc'])}: {field}: {first['msg']}")
