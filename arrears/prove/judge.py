"""Judging: every contact of every file at the instant at which it left, by every rule of every law that applies there. Any breach is a violation.

``run`` judges a whole source, in several processes if it can be opened again in each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from arrears.prove import words
from arrears.prove.debtor import Debtor
from arrears.prove.findings import Coverage, Result, Violation
from arrears.prove.law import agencies, cn, cn_people, eu, house, india, placements, record, uk, us, us_people, wishes
from arrears.prove.law.late import late_breaches
from arrears.prove.law.rule import RULES, Rule
from arrears.prove.law.step import Step
from arrears.prove.model import Book, Contact, DebtorFile, Loan, Placement, Source, Stray
from arrears.prove.parallel import Shared, run_parts
from arrears.prove.sending import Breach, Sending, homes_of, places_of
from arrears.prove.written import Chained, as_written, keys_of
from arrears.prove.zones import Zones

MOST_LISTED = 100_000
"""So many violations are listed one by one; more are only counted."""

MOST_DOUBTFUL = 1_000
"""So many borrowers are judged again by the order in which their facts were written; the violations of more are taken as they seem."""

LAWS = (record, house, wishes, cn, cn_people, us, us_people, uk, india, eu, agencies)
"""The modules whose rules are asked about contacts."""

_Plan = tuple[Rule, ...]
_PlanKey = tuple[frozenset[str], str, str, bool]


@dataclass(slots=True)
class Judge:
    """Judges files one after another, and counts what it judged. It keeps nothing of a file."""

    book: Book
    coverage: Coverage = field(default_factory=Coverage)
    zones: Zones = field(default_factory=Zones)
    _plans: dict[_PlanKey, _Plan] = field(default_factory=dict[_PlanKey, _Plan])
    _made: Counter[_PlanKey] = field(default_factory=Counter[_PlanKey])
    _capped: dict[str, bool] = field(default_factory=dict[str, bool])
    _regimes: dict[tuple[frozenset[str], tuple[str, ...]], frozenset[str]] = field(
        default_factory=dict[tuple[frozenset[str], tuple[str, ...]], frozenset[str]]
    )

    def judge(self, file: DebtorFile) -> Iterator[Violation]:
        """Every violation in a borrower's file: of contacts in the order in which they left, then of placements."""
        self.coverage.borrowers += 1
        self.coverage.persons += len(file.persons)
        self.coverage.loans += len(file.loans)
        debtor = Debtor(file)
        for verdict in file.verdicts:
            self.coverage.regimes.update(verdict.regimes)
        self._capped.clear()
        for contact in file.contacts:
            yield from self._contact(contact, debtor)
        for call, breach in late_breaches(debtor, self._capped, self.book.limits):
            yield _violation("CN-02", words.CN, call, breach)._replace(late=True)
        for placement in file.placements:
            loan = file.loans.get(placement.loan_id)
            if loan is not None and self.book.asks_about(placement.sent_at):
                yield from self._placement(placement, loan, debtor)

    def finished(self) -> Coverage:
        """The coverage figures so far, with how often each rule was asked."""
        for key, times in self._made.items():
            for rule in self._plans[key]:
                self.coverage.asked[rule.id] += times
        self._made.clear()
        return self.coverage

    def _contact(self, contact: Contact, debtor: Debtor) -> Iterator[Violation]:
        loan = debtor.file.loans.get(contact.loan_id)
        if loan is None or contact.direction != "out" or not self.book.asks_about(contact.at):
            self.coverage.counted_only += 1
            debtor.remember(contact, self._day(contact, debtor))
            return
        sending = Sending(contact, loan, debtor, self.book, self.zones, self.coverage)
        self._place(sending)
        if contact.reported:
            self.coverage.reported += 1
        else:
            self.coverage.contacts += 1
        broken = False
        for rule in self._plan(sending):
            breach = rule.check(sending)
            if breach is not None:
                broken = broken or rule.id == "CN-02"
                yield _violation(rule.id, rule.regime, contact, breach)
        if contact.channel == words.CALL and words.CN in sending.regimes:
            self._capped[contact.contact_id] = broken
        debtor.remember(contact, sending.day)

    def _plan(self, s: Sending) -> _Plan:
        key = s.regimes, s.contact.channel, s.standing, s.contact.reported
        self._made[key] += 1
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = tuple(rule for rule in RULES if rule.applies(*key))
        return plan

    def _place(self, s: Sending) -> None:
        """Find out whose law applies: of every place that is named, and of every regime that the verdict on it names."""
        s.homes = self.book.places | homes_of(s.person, s.point)
        s.places = self.book.places | places_of(s.person, s.point, s.loan)
        s.regimes = self._law(s.places, s.debtor, s.contact.contact_id)
        if s.standing != "borrower":
            borrower = s.debtor.file.person(s.loan.borrower_id, s.at)
            if borrower is not None:
                s.regimes |= self._law(places_of(borrower, None, s.loan), s.debtor, s.contact.contact_id)
        if not s.regimes:
            s.cannot("all", "not known whose law applies")

    def _law(self, places: frozenset[str], debtor: Debtor, about: str) -> frozenset[str]:
        verdicts = debtor.verdicts.get(about)
        named = () if not verdicts else tuple(name for name, _, _ in verdicts[-1].regimes)
        key = places, named
        regimes = self._regimes.get(key)
        if regimes is None:
            by_place = {words.REGIME_OF_COUNTRY.get(place.partition("-")[0]) for place in places}
            by_name = {words.REGIMES.get(name.lower().partition("-")[0]) for name in named}
            regimes = self._regimes[key] = frozenset(r for r in by_place | by_name if r is not None)
        return regimes

    def _day(self, contact: Contact, debtor: Debtor) -> int | None:
        person = debtor.file.person(contact.person_id, contact.at)
        clock = None if person is None or person.zone is None else self.zones.local(person.zone, contact.at)
        return None if clock is None else clock[0]

    def _placement(self, placement: Placement, loan: Loan, debtor: Debtor) -> Iterator[Violation]:
        self.coverage.placements += 1
        borrower = debtor.file.person(loan.borrower_id, placement.sent_at)
        places = self.book.places if borrower is None else self.book.places | places_of(borrower, None, loan)
        step = Step(
            placement,
            loan,
            debtor,
            self.book,
            self.coverage,
            self.zones,
            self._law(places, debtor, placement.placement_id),
            placements.borrowers_today(placement, loan, debtor, self.zones),
        )
        self.coverage.asked.update(placements.asked(step))
        for rule, regime, breach in placements.breaches(step):
            yield Violation(
                rule,
                placement.placement_id,
                placement.loan_id,
                loan.borrower_id,
                placement.sent_at,
                breach.observed,
                breach.limit,
                breach.words,
                regime,
                lawful_from=breach.lawful_from,
            )


def _violation(rule: str, regime: str, contact: Contact, breach: Breach) -> Violation:
    return Violation(
        rule,
        contact.contact_id,
        contact.loan_id,
        contact.person_id,
        contact.at,
        breach.observed,
        breach.limit,
        breach.words,
        regime,
    )


def run(source: Source, *, processes: int = 1, most_listed: int = MOST_LISTED) -> Result:
    """Judge everything that a source holds.

    ``processes``: how many at once, if the source can be opened again in each; one that cannot is judged in this one. Raises ``parallel.PartFailed``.
    """
    if processes > 1 and isinstance(source, Shared):
        return run_parts(source, processes, most_listed)
    return judge_part(source, 0, 1, most_listed)


def judge_part(source: Source, shard: int, shards: int, most_listed: int) -> Result:
    """Judge one part of a source in this process."""
    judge = Judge(source.book())
    doubtful: dict[str, list[Violation]] = {}
    found = Found(most_listed)
    chained = isinstance(source, Chained)
    for file in source.files(shard, shards):
        violations = list(judge.judge(file))
        if violations and chained and len(doubtful) < MOST_DOUBTFUL:
            doubtful[file.borrower_id] = violations
        else:
            found.take(violations)
    if isinstance(source, Chained) and shard == 0:
        found.take([_stray(stray) for stray in source.strays() if judge.book.asks_about(stray.at)])
    coverage = judge.finished()
    if doubtful and isinstance(source, Chained):
        _judge_again(source, judge.book, doubtful, found, coverage)
    return Result(found.listed, coverage, found.broken)


def _stray(stray: Stray) -> Violation:
    told = "it belongs to no loan of this ledger, or not to the loan of its case, so that nothing else could be judged"
    return Violation("PR-07", stray.contact_id, stray.loan_id, None, stray.at, "a stray row", "a row of a loan and its case", told)


class Found:
    """The violations so far: so many of them listed, all of them counted."""

    def __init__(self, most_listed: int) -> None:
        self._most = most_listed
        self.listed: list[Violation] = []
        self.broken: Counter[str] = Counter()

    def take(self, violations: list[Violation]) -> None:
        self.broken.update(violation.rule for violation in violations)
        self.listed += violations[: self._most - len(self.listed)]


def _judge_again(source: Chained, book: Book, doubtful: dict[str, list[Violation]], found: Found, coverage: Coverage) -> None:
    """Judge the borrowers in whose files something seems to be broken by what can have been known, in the order in which it was written."""
    files = list(source.files_of(list(doubtful)))
    writes = source.writes({key for file in files for key in keys_of(file)})
    judge = Judge(book)
    for file in files:
        before = doubtful[file.borrower_id]
        after = before if writes is None else list(judge.judge(as_written(file, writes)))
        coverage.overtaken += Counter(v.rule for v in before) - Counter(v.rule for v in after)
        found.take(after)
