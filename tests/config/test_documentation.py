"""What the page for strategy authors says is so."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from arrears.config import message_lint, wording
from arrears.config.message_templates import FrontMatter, allowed
from arrears.config.messages import MessageLibrary
from arrears.config.settings import PACKAGED
from arrears.config.strategies import check_file
from arrears.config.template_language import FILTERS
from arrears.config.wording import Use
from arrears.domain.attitude import Attitude
from arrears.domain.content import Block
from arrears.domain.message import Lender, MessageClass, NoticeKind, Party, PlanLine, ScheduleLine
from arrears.domain.strategy import (
    Approval,
    Condition,
    ContactRung,
    Offer,
    Promises,
    Referral,
    ReferralRung,
    RelativesRung,
    Repeat,
    Strategy,
    TaskKind,
    TaskRung,
    Track,
)

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
TEXTS = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_whole_example_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "my-ladder.yaml"
    path.write_text(EXAMPLES[0])
    assert check_file(path, MessageLibrary()) == []


def test_the_example_of_a_track_fits_into_it(tmp_path: Path) -> None:
    path = tmp_path / "my-ladder.yaml"
    path.write_text(EXAMPLES[0] + EXAMPLES[1])
    assert check_file(path, MessageLibrary()) == []


def test_the_example_of_a_mistake_is_answered_as_shown(tmp_path: Path) -> None:
    path = tmp_path / "my-ladder.yaml"
    path.write_text(EXAMPLES[0].replace("message: first-call", "mesage: first-call"))
    unknown = next(p for p in check_file(path) if "unknown" in p.problem)
    assert unknown.problem in PAGE
    assert unknown.remedy in PAGE


@pytest.mark.parametrize(
    "model",
    [Strategy, Condition, ContactRung, RelativesRung, TaskRung, ReferralRung, Repeat, Approval, Promises, Track],
    ids=lambda m: m.__name__,
)
def test_every_key_of_the_format_is_explained(model: type) -> None:
    assert [name for name in model.model_fields if not re.search(rf"`[^`\n]*\b{name}\b", PAGE)] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [Offer, TaskKind, Referral, Attitude], ids=lambda w: w.__name__)
def test_every_word_that_a_file_can_use_is_named(words: type) -> None:
    assert [word for word in words if f"`{word}`" not in PAGE] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [MessageClass, NoticeKind, Block], ids=lambda w: w.__name__)
def test_every_word_that_a_text_can_use_is_named(words: type) -> None:
    assert [word for word in words if f"`{word}`" not in TEXTS] == []  # type: ignore[attr-defined]


def test_every_fact_that_a_message_can_name_is_named() -> None:
    parts = {f".{n}" for n in (*Lender.model_fields, *ScheduleLine.model_fields, *PlanLine.model_fields, *Party.model_fields, "total")}
    assert [fact for klass in MessageClass for fact in allowed(klass) | parts if f"`{fact}`" not in TEXTS] == []


def test_every_key_of_the_front_matter_and_every_filter_is_explained() -> None:
    keys = {field.alias or name for name, field in FrontMatter.model_fields.items()}
    assert [word for word in (*keys, *FILTERS, *Use) if f"`{word}`" not in TEXTS] == []


def test_the_example_of_a_text_has_no_problem(tmp_path: Path) -> None:
    example = re.findall(r"```\n(---\n.*?)```", TEXTS, re.DOTALL)[0]
    shutil.copytree(PACKAGED / "messages" / "en", tmp_path / "en")
    (tmp_path / "en" / "my-letter.txt").write_text(example, encoding="utf-8")
    assert message_lint.check(MessageLibrary(tmp_path, "en"), wording.load()) == ()
