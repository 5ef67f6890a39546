"""Whatever the console says, it says in both languages: every text of a room's templates and code is translated, none is left over."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from arrears.api import console
from arrears.api.console.inbox_words import REASONS
from arrears.api.console.render import LOCALES, TONGUES, words
from arrears.config.law import Law
from arrears.config.settings import Settings
from arrears.domain.attitude import Attitude
from arrears.domain.holds import HoldReason
from arrears.domain.law import RULES
from arrears.domain.law.house import HOUSE
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.person import Circumstance, ConsentKind, Relation, WishKind
from arrears.domain.strategy import Channel, Line, Offer, Referral, Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger.alerts import AlertKind
from arrears.ledger.stages import STAGES
from arrears.ledger.tables import ApprovalState, AttemptState, CaseOutcome, ContactKind, DeliveryState, ReferralState, TaskResult, TaskState

HOME = Path(console.__file__).parent
ZH = LOCALES / "zh_CN"
CODES: tuple[type[StrEnum], ...] = (
    *(
        Attitude,
        HoldReason,
        Purpose,
        Outcome,
        Circumstance,
        ConsentKind,
        Relation,
        WishKind,
        Channel,
        Line,
        Offer,
        Referral,
        Role,
        TaskKind,
        Effect,
    ),
    *(ApprovalState, AttemptState, CaseOutcome, ContactKind, DeliveryState, ReferralState, TaskResult, TaskState),
)
_FIELD = re.compile(r"%\(\w+\)s|%s|%d")


def catalogue(path: Path) -> dict[str, str]:
    """A catalogue's texts with their translations; a text that has a plural is known by its singular."""
    with path.open("rb") as file:
        read = read_po(file, locale=path.parent.name)
    assert [m.id for m in read if m.fuzzy and m.id] == [], f"{path.name} has fuzzy translations"
    assert not read.obsolete, f"{path.name} keeps translations that nothing uses"
    said: dict[str, str] = {}
    for message in read:
        if message.id:
            one = message.id if isinstance(message.id, str) else message.id[0]
            forms = [message.string] if isinstance(message.string, str) else list(message.string or [""])
            said[one] = forms[0] if all(forms) else ""
    return said


def used() -> dict[str, set[str]]:
    """The texts of each file of the console."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((HOME / "templates").glob("*.html")):
        for _, _, message, _ in babel_extract(
            io.BytesIO(path.read_bytes()), ("_", "gettext", "ngettext"), [], {"newstyle_gettext": "true"}
        ):
            one = message[0] if isinstance(message, tuple) else message
            if one is not None:
                found[path.name].add(one)
    for path in sorted(HOME.glob("*.py")):
        for _, message, _, _ in extract("python", io.BytesIO(path.read_bytes()), {"gettext": None, "ngettext": (1, 2), "say": None}):
            found[path.name].add(message[0] if isinstance(message, tuple) else message)
    return found


CATALOGUES = {path.stem: catalogue(path) for path in sorted(ZH.glob("*.po"))}


def missing_in(messages: Iterable[str]) -> list[str]:
    known = {text for texts in CATALOGUES.values() for text, said in texts.items() if said}
    return sorted(set(messages) - known)


@pytest.mark.parametrize(("name", "messages"), sorted(used().items()))
def test_every_text_is_translated(name: str, messages: set[str]) -> None:
    assert missing_in(messages) == [], name


@pytest.mark.parametrize("room", ["shell", "inbox"])
def test_no_translation_is_left_over(room: str) -> None:
    """Other rooms also translate what operations and the record say, which no template names."""
    assert sorted(set(CATALOGUES[room]) - set().union(*used().values()) - _looked_up()) == []


@pytest.mark.parametrize("room", sorted(CATALOGUES))
def test_a_translation_has_the_fields_of_its_text(room: str) -> None:
    """What other rooms say may be said with less: their English holds what only their logs need."""
    fields = {text: (set(_FIELD.findall(text)), set(_FIELD.findall(said))) for text, said in CATALOGUES[room].items()}
    assert [text for text, (of, has) in fields.items() if has != of and not (room == "said" and has < of)] == []


def test_every_code_of_the_ledger_has_words() -> None:
    chinese = words("zh-CN")
    codes = [member.value for kind in CODES for member in kind] + list(STAGES)
    assert [code for code in codes if chinese.code(code).isascii()] == []


def test_every_rule_of_every_regime_is_said_in_chinese_and_only_those_that_there_are() -> None:
    regimes = Law(Settings().regimes_dir).current()
    plain = {rule.plain for rule in RULES.values()} | {other.plain for regime in regimes for other in regime.elsewhere.values()}
    titles = {regime.title for regime in regimes}
    clauses = {terms.clause for of in (HOUSE, *(r.terms for r in regimes), *(r.elsewhere for r in regimes)) for terms in of.values()}
    of_china = {terms.clause for r in regimes if r.regime == "cn" for terms in (*r.terms.values(), *r.elsewhere.values())}
    chinese = {clause for clause in of_china if re.search("[a-z]{2}", clause)}
    assert (plain | titles | chinese) - set(CATALOGUES["rules"]) == set()
    assert set(CATALOGUES["rules"]) - plain - titles - clauses == set()


def test_what_the_inbox_makes_of_codes_is_said_in_both_languages() -> None:
    made = _looked_up()
    for tongue in TONGUES:
        known = words(tongue).singular
        assert [text for text in sorted(made) if text not in known] == [], tongue


def _looked_up() -> set[str]:
    asks = {f"asks {code}" for code in ("locate", "relay", "collect", "step", *Referral)}
    tasks = {f"task {kind}" for kind in TaskKind} | {f"result {result}" for result in TaskResult}
    alerts = {f"{about} {kind}" for kind in AlertKind for about in ("alert", "remedy")}
    reasons = {code for codes in REASONS.values() for code in codes if code != "other"} | {"other_see_note"}
    return {text.replace("_", " ") for text in asks | tasks | alerts | reasons}
