"""The check of templates: every message written with specimen facts, in each language, and held against the words and parts of every law at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from arrears.config.message_templates import MessageProblem
from arrears.config.messages import FrontMatter, MessageLibrary, Rendered
from arrears.config.wording import Use, WordBook
from arrears.domain.content import (
    Block,
    Flaw,
    Quoted,
    Words,
    account_numbers,
    amounts,
    deadlines,
    debt_facts,
    found_in,
    limited_content,
    premium_rate,
    says,
    wrong_amounts,
)
from arrears.domain.message import Capacity, Lender, MessageClass, MessageFacts, NoticeKind, Party, PlanLine, ScheduleLine, figures
from arrears.domain.money import Money
from arrears.domain.strategy import Channel, Offer

_SPEAKS_OF_LAWSUITS = frozenset({MessageClass.MAY_REMEDY, MessageClass.WILL_REMEDY})
_VALIDATION_DAYS = 30


@dataclass(frozen=True)
class Finding:
    """What is wrong with a template: its file and line, what, and what its author should do."""

    file: str
    line: int
    problem: str
    remedy: str


@dataclass(frozen=True)
class _Written:
    """A message as it reads with one specimen."""

    path: Path
    front: FrontMatter
    rendered: Rendered
    facts: MessageFacts
    words: Words


def check(library: MessageLibrary, book: WordBook) -> tuple[Finding, ...]:
    """Everything that is wrong with the messages of a directory, whichever law applies to whom."""
    found = [Finding(problem.file, problem.line, problem.problem, "correct the file") for problem in library.problems()]
    for locale in library.locales:
        for slug in sorted(library.slugs(locale)):
            found.extend(_message(library, book, slug, locale))
    return tuple(dict.fromkeys(found))


def specimens() -> tuple[MessageFacts, ...]:
    """Facts of people who do not exist, so unlike each other that every branch of a text is read: currencies, capacities, counts, decisions."""
    return (
        _specimen("CNY", Decimal("1234.50"), 2, "first_party", "granted"),
        _specimen("USD", Decimal("987.65"), 1, "third_party", "declined"),
        _specimen("GBP", Decimal("4321.00"), 30, "third_party", "granted"),
        _specimen("INR", Decimal("123456.70"), 400, "first_party", "declined"),
    )


def _specimen(currency: str, owed: Decimal, days: int, capacity: Capacity, decision: Literal["granted", "declined"]) -> MessageFacts:
    today = date(2026, 1, 31)
    due = today - timedelta(days=days)
    interest, fees = Decimal("30.00"), Decimal("4.50")
    return MessageFacts(
        lender=Lender(name="Specimen House", service_line="400-000-0000", complaint_line="400-000-0001", pay_url="https://house.example"),
        recipient_name="Robin Specimen",
        borrower_name="Kim Specimen",
        reference="L-1001",
        product="cash_loan",
        today=today,
        owed=Money(amount=owed, currency=currency),
        due_since=due,
        days_past_due=days,
        schedule=(
            ScheduleLine(n=1, due_on=due, principal=owed - interest - fees, interest=interest, fees=fees, unpaid=owed),
            ScheduleLine(
                n=2, due_on=today + timedelta(days=28), principal=owed, interest=interest, fees=Decimal(0), unpaid=owed + interest
            ),
        ),
        offers=tuple(Offer),
        plan=(PlanLine(due_on=today + timedelta(days=14), amount=owed / 2), PlanLine(due_on=today + timedelta(days=44), amount=owed / 2)),
        capacity=capacity,
        agent_name="Sam Specimen",
        party=Party(name="Other House", phone="400-000-0002"),
        decision=decision,
    )


def _message(library: MessageLibrary, book: WordBook, slug: str, locale: str) -> Iterator[Finding]:
    path = library.path(slug, locale)
    for facts in specimens():
        try:
            front, rendered = library.about(slug, locale), library.render(slug, locale, facts)
        except MessageProblem as problem:
            yield Finding(problem.file, problem.line, problem.problem, "correct the file")
            return
        known = (facts.lender.service_line, facts.lender.complaint_line, facts.lender.pay_url, facts.reference)
        words = rendered.words.model_copy(update={"known": (*known, *([facts.party.phone] if facts.party else ()))})
        written = _Written(path, front, rendered, facts, words)
        for each in (_words_said, _figures, _disclosure, _voicemail, _parts, _marks, _haste):
            yield from each(written, book)


def _words_said(it: _Written, book: WordBook) -> Iterator[Finding]:
    uses = [Use.ALWAYS, *([] if it.front.klass in _SPEAKS_OF_LAWSUITS else [Use.UNLESS_DECIDED])]
    for flaw in found_in(it.words, book.used(*uses)):
        decided = flaw.list in {a_list.name for a_list in book.used(Use.UNLESS_DECIDED)}
        remedy = "only a message of class may_remedy or will_remedy speaks of a lawsuit" if decided else "leave it out, or say it otherwise"
        yield _at(it, flaw, f"says {flaw.entry!r} ({flaw.list}: {flaw.clause})", remedy, book)


def _figures(it: _Written, book: WordBook) -> Iterator[Finding]:
    facts = it.facts
    for quoted in wrong_amounts(it.words, figures(facts.owed.amount, facts.schedule, facts.plan), facts.owed.currency):
        yield Finding(str(it.path), _line_naming(it, quoted), f"names {quoted}, which is none of the loan's figures", "name a fact")
    for flaw in account_numbers(it.words):
        yield Finding(str(it.path), 1, f"contains {flaw.entry}", "no account number goes into a message; leave it out")
    for flaw in premium_rate(it.words, book.premium_rate):
        yield Finding(
            str(it.path), _line(it.path, flaw.entry), f"names a number that costs extra ({flaw.entry}…)", "name an ordinary number"
        )


def _disclosure(it: _Written, book: WordBook) -> Iterator[Finding]:
    if it.front.klass is not MessageClass.LOCATE_ONLY:
        return
    words = it.words.model_copy(
        update={"known": (it.facts.lender.service_line,), "names": (it.facts.recipient_name, it.facts.borrower_name)}
    )
    for flaw in debt_facts(words, book.used(Use.OTHERS), (it.facts.lender.name, it.facts.reference, it.facts.product)):
        yield _at(
            it, flaw, f"tells others of the debt: {flaw.entry}", "whoever is asked to pass a message on may learn nothing of it", book
        )


def _voicemail(it: _Written, book: WordBook) -> Iterator[Finding]:
    if it.front.klass is MessageClass.LIMITED_CONTENT and book.limited_content:
        for flaw in limited_content(it.rendered.text, book.limited_content):
            yield Finding(
                str(it.path), 1, f"is no limited-content message: {flaw.entry} ({flaw.clause})", "use the sentences that are permitted"
            )


def _parts(it: _Written, book: WordBook) -> Iterator[Finding]:
    present, front = it.rendered.blocks, it.front
    # What a collector adds is not there when the creditor collects in its own name.
    for block in sorted(front.blocks - present):
        remedy = f'include "{block.part}" in the text and in the HTML part'
        if block is Block.RIGHT_PARTY_CHECK:
            remedy += ", before anything is said of the debt"
        yield Finding(str(it.path), _line(it.path, "blocks"), f"says that it contains the block {block}, and does not", remedy)
    channels: tuple[Channel | None, ...] = tuple(front.channels) if front.channels else (None,)
    for required in book.required:
        if any(required.concerns(front.klass, channel, front.notice, it.facts.capacity) for channel in channels):
            for block in sorted(required.blocks - present - front.blocks):
                yield Finding(
                    str(it.path), 1, f"lacks the block {block} ({required.clause})", f'include "{block.part}" and name it in `blocks`'
                )
    if front.channels and Channel.EMAIL in front.channels and front.subject is None:
        yield Finding(str(it.path), _line(it.path, "channels"), "goes by e-mail and has no subject", "add `subject: …`")


def _marks(it: _Written, book: WordBook) -> Iterator[Finding]:
    for block in sorted(it.rendered.blocks):
        mark = book.marks.get(block)
        if mark is not None and not says(it.words.whole, mark):
            yield Finding(
                str(it.path), 1, f"the block {block} says nothing of its kind", f"see the words for it in content/common.yaml ({block})"
            )


def _haste(it: _Written, book: WordBook) -> Iterator[Finding]:
    if it.front.notice is not NoticeKind.VALIDATION:
        return
    for flaw in found_in(it.words, book.used(Use.VALIDATION)):
        yield _at(it, flaw, f"hurries: {flaw.entry!r} ({flaw.clause})", "leave it out", book)
    ends = it.facts.today + timedelta(days=_VALIDATION_DAYS)
    for day in deadlines(it.words, it.facts.today):
        if day < ends:
            yield Finding(
                str(it.path), 1, f"names a day within {_VALIDATION_DAYS} days", "the right to dispute lasts longer; see dispute_within_days"
            )


def _at(it: _Written, flaw: Flaw, problem: str, remedy: str, book: WordBook) -> Finding:
    """A finding on the line where the words stand: in the text, in its HTML part, or in a part that they include."""
    own = next((a_list.model_copy(update={"entries": (flaw.entry,)}) for a_list in book.lists if a_list.name == flaw.list), None)
    files = (it.path, it.path.with_suffix(".html"), *sorted(it.path.parent.glob("_*")))
    for file in files if own else ():
        if file.is_file():
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
                if found_in(Words(text=line), (own,)):  # pyright: ignore[reportArgumentType]
                    return Finding(str(file), number, problem, remedy)
    return Finding(str(it.path), 1, problem, remedy)


def _line_naming(it: _Written, quoted: Quoted) -> int:
    """The line on which an author wrote an amount out."""
    lines = it.path.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, start=1) if quoted in amounts(Words(text=line, locale=it.words.locale))), 1)


def _line(path: Path, word: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if word in line), 1)
