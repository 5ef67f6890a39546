"""Regimes: the law of one place as a file ``regimes/<name>.yaml``, read again whenever the file changes.

RegimeProblem      the file is wrong; names file, line and field
└── RegimeUnknown  there is no such file
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from arrears.config import marked_yaml
from arrears.config.settings import PACKAGED
from arrears.domain.compliance import Regime


class RegimeProblem(ValueError):
    """A regime file cannot be used: nothing is sent until it is right."""


class RegimeUnknown(RegimeProblem):
    """There is no regime of that name."""


class RegimeLibrary:
    """The regimes of one directory, each in its newest version: a rule that was tightened counts from the next contact on."""

    def __init__(self, directory: Path = PACKAGED / "regimes") -> None:
        self._directory = directory
        self._read: dict[str, tuple[int, Regime]] = {}

    def current(self, name: str) -> Regime:
        """The regime ``name`` as its file says now. Raises ``RegimeProblem``."""
        path = self._directory / f"{name}.yaml"
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            raise RegimeUnknown(f"{path}: there is no regime {name!r}; the known ones: {', '.join(self.names()) or 'none'}") from None
        known = self._read.get(name)
        if known is None or known[0] != changed:
            self._read[name] = known = (changed, _load(path))
        return known[1]

    def names(self) -> tuple[str, ...]:
        """The names of all regimes in the directory."""
        return tuple(sorted(path.stem for path in self._directory.glob("*.yaml")))


def _load(path: Path) -> Regime:
    marked = marked_yaml.read(path.read_text(encoding="utf-8"))
    if marked.flaws:
        flaw = marked.flaws[0]
        raise RegimeProblem(f"{path}:{flaw.line}: {flaw.problem}; {flaw.remedy}")
    try:
        regime = Regime.model_validate(marked.value)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False)[0]
        place = _place(first["loc"])
        field = ".".join(map(str, place)) or "the whole file"
        raise RegimeProblem(f"{path}:{marked.line(place)}: {field}: {first['msg']}") from None
    if regime.regime != path.stem:
        raise RegimeProblem(
            f"{path}:{marked.line(('regime',))}: regime: the file is named {path.stem!r} but its regime {regime.regime!r}; "
            "give both the same name"
        )
    return regime


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where in the file: after a rule's number pydantic also names its check, which stands nowhere."""
    return loc[:2] + loc[3:] if loc[:1] == ("rules",) else loc
