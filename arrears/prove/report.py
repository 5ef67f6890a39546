"""The report of a proof as one document: what was judged, by which rules, what was found, and what could not be judged. Its JSON form is stable.

``arrears/prove/report.schema.json`` is its schema; fields are only ever added. It holds ids, never names, numbers or texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from arrears.prove.chain import Verified
from arrears.prove.findings import Result, Violation
from arrears.prove.judge import LAWS
from arrears.prove.law import placements
from arrears.prove.law.rule import RULES
from arrears.prove.model import moment
from arrears.prove.overlay import Overlay

FORMAT = "arrears-proof/1"
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")
MOST_LISTED = 10_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(_Part):
    """What was judged: a ledger by its address without a password, or the files of a log."""

    kind: Literal["ledger", "log"]
    name: str
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class FoundViolation(_Part):
    """One rule broken by one contact or one placement."""

    rule: str
    regime: str = Field(description="the law that the rule belongs to; empty for a rule of ours")
    contact: str = Field(description="the attempt's, the placement's or the reported contact's id; of a foreign log its line")
    loan: str
    person: str | None
    at: AwareDatetime
    observed: str
    limit: str
    words: str
    late: bool = Field(description="lawful by what was known when it left; what became known later shows otherwise")
    lawful_from: AwareDatetime | None = Field(
        default=None, description="of a handover that was only too early: from when this rule had nothing against it, by what was known"
    )


class RuleFigures(_Part):
    """How often a rule was asked and broken."""

    rule: str
    regime: str
    plain: str
    asked: int
    broken: int


class NotJudged(_Part):
    """What could not be judged, and for want of what."""

    rule: str
    why: str
    times: int


class RegimeUsed(_Part):
    """A law as the verdicts name it, with its version and hash, and how many verdicts rest on it."""

    name: str
    version: str
    hash: str
    verdicts: int


class OwnNumber(_Part):
    """One number of a lender's overlay: what the law says, what the lender says, and what became of it.

    ``refused``: it would have relaxed what may not be relaxed, or cannot be understood; the law's number was judged by. ``not_judged``: no row shows it.
    """

    rule: str
    number: str
    effect: Literal["tightened", "relaxed", "unchanged", "refused", "not_judged"]
    law: str
    own: str
    since: AwareDatetime | None = Field(description="judged by from this instant on; always, if empty")
    reason: str | None
    decided_by: str | None
    decided_on: date | None
    why: str | None = Field(description="why it was refused, or is not judged")


class OwnNumbers(_Part):
    """The lender's overlay that was judged by beside the law: its name, its file, the SHA-256 of that, and each number in it."""

    name: str
    file: str
    hash: str
    numbers: tuple[OwnNumber, ...]

    @property
    def refused(self) -> tuple[OwnNumber, ...]:
        return tuple(one for one in self.numbers if one.effect == "refused")


def own_numbers(read: Overlay) -> OwnNumbers:
    """What the checker read of an overlay, for the report."""
    return OwnNumbers(
        name=read.name,
        file=read.file,
        hash=read.hash,
        numbers=tuple(
            OwnNumber.model_validate(point._asdict() | {"since": None if point.since is None else moment(point.since)})
            for point in read.points
        ),
    )


class Figures(_Part):
    """How much was judged. ``contacts`` are ours, ``reported`` those that others made; ``counted_only`` came in, or belong to a loan judged elsewhere."""

    borrowers: int
    persons: int
    loans: int
    contacts: int
    reported: int
    counted_only: int
    placements: int
    rules: tuple[RuleFigures, ...]
    not_judged: tuple[NotJudged, ...]


class Break(_Part):
    """A place where the record was broken."""

    seq: int | None
    table: str | None
    row: str | None
    what: str


class Chain(_Part):
    """The tamper-evident record: whether it is whole, how long it is, its head, and the head that was published, if one was given."""

    state: Literal["whole", "broken", "absent"]
    records: int
    head: str | None = Field(description="SEQ:HASH, to be published and compared later")
    published: str | None = None
    breaks: tuple[Break, ...] = ()
    breaks_left_out: int = 0


def chain_found(verified: Verified) -> Chain:
    """What became of the check of the chain. A head that was published cannot be of a ledger without one."""
    found = [Break(seq=one.seq, table=one.table, row=one.row_key, what=one.what) for one in verified.breaks]
    gone = verified.state == "absent" and verified.published is not None
    if gone:
        found.append(Break(seq=None, table="records", row=None, what="published head: there is no record any more"))
    return Chain(
        state="broken" if gone else verified.state,
        records=verified.records,
        head=verified.head,
        published=verified.published,
        breaks=tuple(found),
        breaks_left_out=verified.breaks_left_out,
    )


class Disagreement(_Part):
    """Something that another record knows otherwise than the ledger."""

    what: str
    key: str
    words: str


class CrossCheck(_Part):
    """A comparison of the ledger with somebody else's record of the same contacts."""

    kind: Literal["histories", "export"]
    source: str
    compared: int
    findings: tuple[Disagreement, ...]
    findings_left_out: int = 0
    notes: tuple[str, ...] = ()


def listed(findings: Iterable[Disagreement], most: int = 1_000) -> tuple[tuple[Disagreement, ...], int]:
    """The first so many findings, and how many more there are."""
    rest = iter(findings)
    first = tuple(islice(rest, most))
    return first, sum(1 for _ in rest)


class WordRead(_Part):
    """A word of a foreign log and what it was taken for; ``taken_for`` is empty if nothing was concluded from it."""

    column: str
    word: str
    taken_for: str
    lines: int


class LineRefused(_Part):
    """A line of a foreign log that could not be read."""

    file: str
    line: int
    field: str
    problem: str
    remedy: str


class LogRead(_Part):
    """How a foreign log was read."""

    lines: int
    refused: int
    refused_lines: tuple[LineRefused, ...]
    columns: dict[str, dict[str, str]] = Field(description="of each file: our column → its own")
    words: tuple[WordRead, ...]
    notes: tuple[str, ...]


class Report(_Part):
    """A proof. ``clean``: no rule was broken, the ledger's chain is whole (a log has none), no other record disagrees, and no overlay relaxes the law."""

    format: Literal["arrears-proof/1"] = FORMAT
    clean: bool
    subject: Subject
    proved_at: AwareDatetime
    seconds: float
    violations: tuple[FoundViolation, ...]
    violations_left_out: int
    figures: Figures
    regimes: tuple[RegimeUsed, ...]
    chain: Chain | None = None
    cross_checks: tuple[CrossCheck, ...] = ()
    log: LogRead | None = None
    overlay: OwnNumbers | None = None

    @property
    def violated(self) -> int:
        """How many violations there are, listed or not."""
        return len(self.violations) + self.violations_left_out


def report(
    subject: Subject,
    result: Result,
    seconds: float,
    *,
    chain: Chain | None = None,
    cross_checks: Sequence[CrossCheck] = (),
    log: LogRead | None = None,
    overlay: OwnNumbers | None = None,
    most_listed: int = MOST_LISTED,
) -> Report:
    """Put everything that was found into one document."""
    violated = sum(result.broken.values())
    listed = tuple(_found(v) for v in result.violations[:most_listed])
    against = any(check.findings for check in cross_checks) or (overlay is not None and overlay.refused)
    return Report(
        clean=not violated and not against and (chain is None or chain.state == "whole"),
        subject=subject,
        proved_at=datetime.now(UTC).replace(microsecond=0),
        seconds=round(seconds, 2),
        violations=listed,
        violations_left_out=violated - len(listed),
        figures=_figures(result),
        regimes=tuple(
            RegimeUsed(name=n, version=v, hash=h, verdicts=times) for (n, v, h), times in sorted(result.coverage.regimes.items())
        ),
        chain=chain,
        cross_checks=tuple(cross_checks),
        log=log,
        overlay=overlay,
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    return Report.model_json_schema(mode="serialization")


def schema_text() -> str:
    """The schema as it is kept in the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def plain_words() -> dict[str, str]:
    """Every rule of the checker in plain words."""
    asked_of_contacts = {law.__name__ for law in LAWS}
    found: dict[str, list[str]] = {}
    for rule, plain in [*((r.id, r.plain) for r in RULES if r.check.__module__ in asked_of_contacts), *placements.RULES.items()]:
        if plain not in found.setdefault(rule, []):
            found[rule].append(plain)
    found["PR-07"] = ["Whatever left belongs to a loan of the ledger, and to a case of that loan."]
    return {rule: " ".join(plains) for rule, plains in found.items()}


def _found(violation: Violation) -> FoundViolation:
    return FoundViolation(
        rule=violation.rule,
        regime=violation.regime,
        contact=violation.contact_id,
        loan=violation.loan_id,
        person=violation.person_id,
        at=moment(violation.at),
        observed=violation.observed,
        limit=violation.limit,
        words=violation.words,
        late=violation.late,
        lawful_from=None if violation.lawful_from is None else moment(violation.lawful_from),
    )


def _figures(result: Result) -> Figures:
    coverage, plain = result.coverage, plain_words()
    regime_of = {rule.id: rule.regime for rule in RULES}
    rules = sorted(set(coverage.asked) | set(result.broken))
    return Figures(
        borrowers=coverage.borrowers,
        persons=coverage.persons,
        loans=coverage.loans,
        contacts=coverage.contacts,
        reported=coverage.reported,
        counted_only=coverage.counted_only,
        placements=coverage.placements,
        rules=tuple(
            RuleFigures(rule=r, regime=regime_of.get(r, ""), plain=plain.get(r, ""), asked=coverage.asked[r], broken=result.broken[r])
            for r in rules
        ),
        not_judged=tuple(NotJudged(rule=rule, why=why, times=times) for (rule, why), times in _in_order(coverage.unjudged.items())),
    )


def _in_order(unjudged: Iterable[tuple[tuple[str, str], int]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(unjudged)
