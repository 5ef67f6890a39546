"""What the checker reads: facts with the instants at which they became known, grouped by borrower. Everything is immutable and small.

    source = prove.rows.open(url)                 a ledger; prove.foreign and a simulation are sources too
    result = prove.judge.run(source)              -> Result(violations, coverage)
    prove.judge.Judge(source.book()).judge(file)  -> the violations of one borrower's file

A ``Source`` gives one ``Book`` (what is true for everybody) and one ``DebtorFile`` a borrower. A file holds the borrower's loans and everybody tied to
them, with every contact that these people had, also for loans of others: those are counted here, and judged in the file of their own borrower.

Instants are whole microseconds since 1970 in UTC, days are whole days since 1970-01-01, amounts are ten-thousandths of the currency's unit. Codes are
the strings of the ledger. ``None`` is: not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from arrears.prove.limits import THE_LAW, Timeline

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z."""
Day = int
"""Days since 1970-01-01 on somebody's own calendar."""
Amount = int
"""Ten-thousandths of a currency's unit."""

SECOND: Instant = 1_000_000
HOUR: Instant = 3600 * SECOND
DAY: Instant = 24 * HOUR

LENDER = "lender"
"""``Contact.by`` of whatever no agency did."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_TEN_THOUSAND = Decimal(10_000)


def instant(at: datetime) -> Instant:
    """An aware instant as the checker counts it."""
    return (at - _EPOCH) // _MICROSECOND


def moment(at: Instant) -> datetime:
    """The instant as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def day_number(day: date) -> Day:
    return day.toordinal() - _EPOCH_DAY


def amount(value: Decimal | str | int) -> Amount:
    """An amount exactly. Raises ``ValueError`` if it has more than four places after the point."""
    exact = Decimal(value) * _TEN_THOUSAND
    if exact != exact.to_integral_value():
        raise ValueError("an amount has at most 4 digits after the point")
    return int(exact)


class Person(NamedTuple):
    """A borrower, or somebody tied to a loan. ``residence`` is an ISO 3166 country or subdivision, ``zone`` an IANA zone."""

    person_id: str
    zone: str | None = None
    residence: str | None = None
    born: Day | None = None
    opted_out_at: Instant | None = None


class EarlierHome(NamedTuple):
    """Where a person, or the holder of one of their numbers (``point_id``), was taken to be ``until`` the ledger was told otherwise."""

    row: str
    person_id: str
    point_id: str | None
    until: Instant
    zone: str | None = None
    residence: str | None = None
    place: str | None = None


class ContactPoint(NamedTuple):
    """One address. ``country`` is that of a number, if it could be read; ``zone`` that of its holder as far as the number tells."""

    point_id: str
    person_id: str
    kind: str
    line: str = "registered"
    zone: str | None = None
    country: str | None = None
    place: str | None = None
    legal_basis: str | None = None
    invalid_since: Instant | None = None
    opted_out_at: Instant | None = None
    employer_forbids_at: Instant | None = None
    reassignment_checked_at: Instant | None = None
    more_zones: tuple[str, ...] = ()


class Loan(NamedTuple):
    """``seat`` is the lender's country, if it is known. Loans of one ``account`` are one debt where the law says so."""

    loan_id: str
    borrower_id: str
    lender: str = ""
    product: str = ""
    currency: str = ""
    lender_kind: str | None = None
    annual_cost: Amount | None = None
    limitation_ends_on: Day | None = None
    seat: str | None = None
    imported_at: Instant | None = None
    account: str | None = None


class Tie(NamedTuple):
    """What a person other than the borrower is to a loan, also to a loan of somebody else's. ``refused_at``: final, for every loan.

    ``known_at`` is when the tie was written down, if that can be told. ``liable_up_to`` is the most that the evidence makes them liable for,
    ``estate_value`` what the estate is worth that they act for, which an heir may have disclaimed; an attorney may step aside.
    """

    loan_id: str
    person_id: str
    role: str
    evidence: str | None = None
    refused_at: Instant | None = None
    volunteered: str | None = None
    may_ask_again_at: Instant | None = None
    steps_aside_at: Instant | None = None
    liable_up_to: Amount | None = None
    estate_value: Amount | None = None
    disclaimed_at: Instant | None = None
    known_at: Instant | None = None


class Instalment(NamedTuple):
    """What was unpaid of it when the loan came to us; overdue from the day after ``due_on``."""

    loan_id: str
    due_on: Day
    amount: Amount


class Payment(NamedTuple):
    """``received_at`` is when the money came, ``recorded_at`` when we knew. ``heard_at`` is when the case was told, if we can tell.

    ``reversed_at`` is when we knew that it had been taken back: since then it counts no more.
    """

    payment_id: str
    loan_id: str
    amount: Amount
    received_at: Instant
    recorded_at: Instant
    heard_at: Instant | None = None
    reversed_at: Instant | None = None


class Case(NamedTuple):
    """One run of a loan's ladder."""

    case_id: str
    loan_id: str
    opened_at: Instant
    closed_at: Instant | None = None


class Contact(NamedTuple):
    """A contact that left, or may have left, or that came in.

    ``by`` is ``lender`` or the slug of the agency; ``reported``: we did not make it ourselves, so that it has no verdict and no reserved slot.
    ``at`` is when it was handed over; ``known_at`` when its outcome was known to us, or, of a reported one, when we heard of it at all.
    ``day_only``: only its day is known, so that ``at`` says nothing about the hour.
    ``purpose`` and ``klass`` are codes of ``domain.orders.Purpose`` and ``domain.message.MessageClass``. ``text`` is what was said, if it can be read.
    """

    contact_id: str
    loan_id: str
    person_id: str
    channel: str
    at: Instant
    outcome: str | None = None
    known_at: Instant | None = None
    direction: str = "out"
    by: str = LENDER
    reported: bool = False
    case_id: str | None = None
    point_id: str | None = None
    purpose: str | None = "collect"
    klass: str | None = None
    notice: str | None = None
    reserved_at: Instant | None = None
    sent_at: Instant | None = None
    approval_id: str | None = None
    content_hash: str | None = None
    artificial_voice: bool | None = None
    text: str | None = None
    seq: int = 0
    day_only: bool = False

    def __repr__(self) -> str:
        return f"Contact({self.contact_id!r})"


class Verdict(NamedTuple):
    """What the compliance core wrote down. ``regimes`` are (name, version, hash) of the law that it applied. ``row``: the row's own key, if it has one."""

    about: str
    case_id: str
    decided_at: Instant
    effect: str
    person_id: str | None = None
    approval_id: str | None = None
    regimes: tuple[tuple[str, str, str], ...] = ()
    rules: tuple[str, ...] = ()
    row: str | None = None


class Approval(NamedTuple):
    """A request as the row says now; what it was at an instant follows from the instants. ``contents`` are hashes of the text, by person."""

    approval_id: str
    case_id: str
    state: str
    role: str
    requested_by: str
    asked_at: Instant
    deadline: Instant
    step: str = ""
    purpose: str | None = None
    decided_by: str | None = None
    decided_at: Instant | None = None
    void_at: Instant | None = None
    contents: Mapping[str, str] = {}


class Hold(NamedTuple):
    """``known_at`` and ``lift_known_at`` are when the ledger was told, which may be after ``placed_at`` and ``lifted_at``.

    ``person_id`` is the person whom it is about, the borrower of its loan if nobody is named.
    """

    hold_id: str
    loan_id: str
    reason: str
    placed_at: Instant
    known_at: Instant
    until: Instant | None = None
    lifted_at: Instant | None = None
    lift_known_at: Instant | None = None
    agency: str | None = None
    part: Amount | None = None
    treatment_ends_on: Day | None = None
    person_id: str | None = None


class Wish(NamedTuple):
    """How a person asked not to be contacted: ``no_contact``, ``no_medium``, ``no_address``, ``no_hours``. ``starts``, ``ends``: seconds of the local day."""

    person_id: str
    kind: str
    at: Instant
    channel: str | None = None
    point_id: str | None = None
    starts: int | None = None
    ends: int | None = None
    withdrawn_at: Instant | None = None
    row: str | None = None


class Consent(NamedTuple):
    """What a person agreed to. ``starts``, ``ends`` of agreed ``hours``: seconds of the local day."""

    person_id: str
    kind: str
    given_at: Instant
    channel: str | None = None
    starts: int | None = None
    ends: int | None = None
    ends_at: Instant | None = None
    withdrawn_at: Instant | None = None


class Circumstance(NamedTuple):
    """``vulnerable``, ``student``, ``active_duty``, ``disabled`` or ``elderly``; ``since`` it was known."""

    person_id: str
    kind: str
    since: Instant
    until: Instant | None = None


class Notice(NamedTuple):
    """What a person was told before a step that the law allows only after it."""

    loan_id: str
    person_id: str
    kind: str
    sent_at: Instant
    agency: str | None = None
    delivered_at: Instant | None = None
    bounced_at: Instant | None = None


class Placement(NamedTuple):
    """A case, or a fact about it, that went to an institution: ``target`` is ``agency``, ``credit_report``, ``debt_sale``, ``lawsuit``, …"""

    placement_id: str
    loan_id: str
    case_id: str
    target: str
    sent_at: Instant
    agency: str | None = None
    until: Instant | None = None
    recalled_at: Instant | None = None
    approval_id: str | None = None
    step: str = ""


class Sign(NamedTuple):
    """A promise, or a plan agreed to: the borrower was reached."""

    loan_id: str
    kind: str
    at: Instant
    known_at: Instant
    row: str | None = None


class Agency(NamedTuple):
    """An agency as its row says now. ``agreed`` are the matters that the contract settles."""

    agency: str
    listed_from: Day | None = None
    listed_until: Day | None = None
    contract_from: Day | None = None
    contract_until: Day | None = None
    reviewed_on: Day | None = None
    closing_review_on: Day | None = None
    sub_agency: bool = False
    misconduct_since: Day | None = None
    assessment_id: str | None = None
    agreed: frozenset[str] = frozenset()
    feed_at: Instant | None = None


class Operator(NamedTuple):
    operator_id: str
    role: str
    active: bool = True


@dataclass(slots=True)
class Book:
    """What is true for all files. ``unknown`` are facts that the source cannot give at all, in words, for the coverage figures.

    ``places`` are countries whose law protects everybody in these files, beside those that their own facts name.
    Only what left from ``since`` on and before ``until`` is judged; the rest is counted. ``limits`` are the law's numbers, with a lender's own on them.
    """

    agencies: Mapping[str, Agency] = field(default_factory=dict[str, Agency])
    operators: Mapping[str, Operator] = field(default_factory=dict[str, Operator])
    unknown: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    since: Instant | None = None
    until: Instant | None = None
    limits: Timeline = THE_LAW

    def asks_about(self, at: Instant) -> bool:
        """Whether what left at an instant is to be judged."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(slots=True)
class DebtorFile:
    """All facts of one borrower and of the people tied to their loans.

    ``contacts`` are all contacts of these people in order of ``at``; those whose loan is not in ``loans`` are counted, not judged. ``ties`` include
    those of the same people to other loans. ``persons`` and ``points`` are as they are now; :meth:`person` and :meth:`point` as they were.
    """

    borrower_id: str
    persons: dict[str, Person] = field(default_factory=dict[str, Person])
    points: dict[str, ContactPoint] = field(default_factory=dict[str, ContactPoint])
    earlier_homes: list[EarlierHome] = field(default_factory=list[EarlierHome])
    loans: dict[str, Loan] = field(default_factory=dict[str, Loan])
    ties: list[Tie] = field(default_factory=list[Tie])
    instalments: list[Instalment] = field(default_factory=list[Instalment])
    payments: list[Payment] = field(default_factory=list[Payment])
    cases: dict[str, Case] = field(default_factory=dict[str, Case])
    contacts: list[Contact] = field(default_factory=list[Contact])
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    approvals: dict[str, Approval] = field(default_factory=dict[str, Approval])
    holds: list[Hold] = field(default_factory=list[Hold])
    wishes: list[Wish] = field(default_factory=list[Wish])
    consents: list[Consent] = field(default_factory=list[Consent])
    circumstances: list[Circumstance] = field(default_factory=list[Circumstance])
    notices: list[Notice] = field(default_factory=list[Notice])
    placements: list[Placement] = field(default_factory=list[Placement])
    signs: list[Sign] = field(default_factory=list[Sign])

    def person(self, person_id: str, at: Instant) -> Person | None:
        """A person, where they were taken to be at an instant."""
        now = self.persons.get(person_id)
        then = self._earlier_home(person_id, None, at)
        return now if now is None or then is None else now._replace(zone=then.zone, residence=then.residence)

    def point(self, point_id: str, at: Instant) -> ContactPoint | None:
        """A contact point, where its holder was taken to be at an instant."""
        now = self.points.get(point_id)
        then = None if now is None else self._earlier_home(now.person_id, point_id, at)
        return now if now is None or then is None else now._replace(zone=then.zone, place=then.place)

    def _earlier_home(self, person_id: str, point_id: str | None, at: Instant) -> EarlierHome | None:
        if not self.earlier_homes:
            return None
        of_then = (home for home in self.earlier_homes if (home.person_id, home.point_id) == (person_id, point_id) and at < home.until)
        return min(of_then, key=lambda home: (home.until, int(home.row)), default=None)


class Stray(NamedTuple):
    """What left and is in nobody's file: it names a loan that there is not, or another one than its case."""

    contact_id: str
    loan_id: str
    at: Instant


class Source(Protocol):
    """Where files come from. ``shard`` of ``shards`` says which part of the borrowers; together the parts are all, each once."""

    def book(self) -> Book: ...

    def files(self, shard: int = 0, shards: int = 1) -> Iterator[DebtorFile]: ...

    def close(self) -> None: ...
