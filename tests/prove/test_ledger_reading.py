"""The checker on a ledger's raw rows, SQLite's and PostgreSQL's: what is lawful passes, and one changed row is found."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from arrears.prove import judge, rows
from arrears.prove.findings import Result
from arrears.prove.span import spanned
from tests.prove.raw import RawLedger, approve, contact, plain, settle_in, verdict
from tests.prove.scenes import at


@pytest.fixture
def ledger(url: str) -> Generator[RawLedger]:
    """Three failed calls on three days, an approved message to the sister, a text to the borrower."""
    ledger = RawLedger(url)
    settle_in(ledger)
    for day in (16, 17, 18):
        contact(ledger, f"call-{day}", f"2026-11-{day} 10:00", "call")
    approve(ledger, "2026-11-19 09:00")
    contact(ledger, "sister", "2026-11-19 10:00", person="B-sister", point=2, approval_id="A")
    contact(ledger, "text", "2026-11-20 10:00")
    yield ledger
    ledger.close()


def proved(ledger: RawLedger, *, processes: int = 1, unseal: rows.Unseal | None = plain) -> Result:
    source = rows.open(ledger.url, unseal)
    try:
        return judge.run(source, processes=processes)
    finally:
        source.close()


def broken(ledger: RawLedger) -> set[tuple[str, str]]:
    return {(v.contact_id, v.rule) for v in proved(ledger).violations}


def test_a_lawful_ledger_has_no_violation(ledger: RawLedger) -> None:
    result = proved(ledger)
    assert result.violations == []
    assert (result.coverage.borrowers, result.coverage.persons, result.coverage.contacts) == (1, 2, 5)
    assert result.coverage.regimes["cn", "2", "a" * 64] == 5
    assert not result.coverage.unjudged


Planted = tuple[Callable[[RawLedger], object], set[tuple[str, str]]]

PLANTED: dict[str, Planted] = {
    "a contact moved into the night": (
        lambda ledger: ledger.run(
            "UPDATE attempts SET sent_at = ?, settled_at = ? WHERE id = 'text'", at("2026-11-20 22:00"), at("2026-11-20 22:00")
        ),
        {("text", "CN-01"), ("text", "PR-05")},
    ),
    "a contact moved before its verdict": (
        lambda ledger: ledger.run("UPDATE attempts SET sent_at = ? WHERE id = 'text'", at("2026-11-20 09:59:59")),
        {("text", "PR-01"), ("text", "PR-04")},
    ),
    "a verdict that is gone": (lambda ledger: ledger.run("DELETE FROM verdicts WHERE attempt_id = 'text'"), {("text", "PR-01")}),
    "a verdict that said no": (
        lambda ledger: ledger.run("UPDATE verdicts SET verdict = 'deny' WHERE attempt_id = 'text'"),
        {("text", "PR-02")},
    ),
    "a verdict on somebody else": (
        lambda ledger: ledger.run("UPDATE verdicts SET person_id = 'B-sister' WHERE attempt_id = 'text'"),
        {("text", "PR-03")},
    ),
    "a payment that was known": (lambda ledger: pay(ledger, "2026-11-20 09:59:59", "500"), {("text", "AR-01"), ("text", "AR-05")}),
    "a payment that was taken back only afterwards": (
        lambda ledger: (pay(ledger, "2026-11-20 09:59:59", "500"), take_back(ledger, "2026-11-20 10:00:01")),
        {("text", "AR-01"), ("text", "AR-05")},
    ),
    "a hold that stood": (
        lambda ledger: ledger.add(
            "holds",
            id=1,
            case_id="L.1",
            loan_id="L",
            reason="dispute",
            placed_at=at("2026-11-19 12:00"),
            recorded_at=at("2026-11-19 12:00"),
        ),
        {("text", "AR-04")},
    ),
    "a dead number": (
        lambda ledger: ledger.run("UPDATE contact_points SET invalid_since = ? WHERE id = 1", at("2026-11-20 09:00")),
        {("text", "AR-03")},
    ),
    "another text": (lambda ledger: ledger.run("UPDATE attempts SET text = ? WHERE id = 'text'", b"Something else."), {("text", "AR-06")}),
    "a case that was closed": (
        lambda ledger: ledger.run("UPDATE cases SET closed_at = ?, outcome = 'withdrawn'", at("2026-11-20 09:59:59")),
        {("text", "AR-08")},
    ),
    "an approval that came afterwards": (
        lambda ledger: ledger.run("UPDATE approvals SET decided_at = ?", at("2026-11-19 10:00:01")),
        {("sister", "AR-02")},
    ),
    "an approval of another text": (
        lambda ledger: ledger.run("UPDATE approvals SET purpose = 'locate'"),
        {("sister", "AR-02")},
    ),
    "a sister who had refused": (
        lambda ledger: ledger.run("UPDATE relations SET refused_at = ?", at("2026-11-19 09:59")),
        {("sister", "CN-13")},
    ),
    "a borrower who had answered": (
        lambda ledger: ledger.run("UPDATE attempts SET outcome = 'answered_willing' WHERE id = 'call-18'"),
        {("sister", "CN-10")},
    ),
    "a call too many": (lambda ledger: too_many_calls(ledger), {("call-4", "CN-02")}),
    "agency and lender together": (lambda ledger: with_the_agencys(ledger), {("call-3", "CN-02")}),
    "a message too many": (
        lambda ledger: [contact(ledger, f"more-{n}", f"2026-11-20 1{n}:30") for n in (0, 1)],
        {("more-1", "CN-07")},
    ),
    "a wish": (
        lambda ledger: ledger.add(
            "wishes", id=1, person_id="B", kind="no_medium", channel="sms", at=at("2026-11-20 09:00"), source="letter"
        ),
        {("text", "CN-16")},
    ),
    "a child": (lambda ledger: ledger.run("UPDATE persons SET birth_date = ? WHERE id = 'B-sister'", b"2013-01-01"), {("sister", "CN-65")}),
    "a placement without a notice": (lambda ledger: place(ledger), {("R", "CN-44")}),
    "a placement that nobody decided on": (
        lambda ledger: (place(ledger), tell(ledger), ledger.run("UPDATE referrals SET approval_id = NULL")),
        {("R", "CN-52")},
    ),
    "a placement of a loan that costs too much": (
        lambda ledger: (place(ledger), tell(ledger), ledger.run("UPDATE loans SET annual_cost = '36'")),
        {(key, "CN-27") for key in ("R", "text", *(f"call-{n}" for n in (16, 17, 18)))},
    ),
    "a placement without an assessment": (
        lambda ledger: (place(ledger), tell(ledger), ledger.run("UPDATE agencies SET assessment_id = NULL")),
        {("R", "CN-50")},
    ),
}


def pay(ledger: RawLedger, when: str, amount: str) -> None:
    ledger.add(
        "payments", payment_id="pay", loan_id="L", amount=Decimal(amount), currency="CNY", received_at=at(when), source="loan_system", recorded_at=at(when)
    )  # fmt: skip


def take_back(ledger: RawLedger, when: str) -> None:
    ledger.add(
        "payment_reversals", payment_id="pay", reversed_at=at("2026-11-20 09:00"), reason="bounced", source="bank", recorded_at=at(when)
    )


def test_a_payment_that_was_known_to_be_taken_back_forbids_nothing(ledger: RawLedger) -> None:
    pay(ledger, "2026-11-20 09:00", "500")
    take_back(ledger, "2026-11-20 09:59:59")
    assert broken(ledger) == set()


def test_when_the_bank_took_it_back_does_not_matter_only_when_we_knew(ledger: RawLedger) -> None:
    """The bank's own instant, nine o'clock, lies before the contact; nobody here knew before half past ten."""
    pay(ledger, "2026-11-20 08:00", "500")
    take_back(ledger, "2026-11-20 10:30")
    assert ("text", "AR-01") in broken(ledger)


def too_many_calls(ledger: RawLedger) -> None:
    for n in range(1, 5):
        contact(ledger, f"call-{n}", f"2026-11-25 1{n}:00", "call", outcome="answered_delaying")


def with_the_agencys(ledger: RawLedger) -> None:
    for n in (1, 2):
        contact(ledger, f"call-{n}", f"2026-11-25 1{n}:00", "call", outcome="answered_delaying")
    ledger.add(
        "reported_contacts", id=1, source="lender", key="k", loan_id="L", person_id="B", channel="call", direction="out", outcome="answered_delaying",
        contact_point_id=1, at=at("2026-11-25 12:30"), recorded_at=at("2026-11-25 12:40"),
    )  # fmt: skip
    contact(ledger, "call-3", "2026-11-25 13:00", "call", outcome="no_answer")


def place(ledger: RawLedger) -> None:
    ledger.add(
        "agencies", id="swift", listed_from=date(2026, 1, 1), contract_from=date(2026, 1, 1), contract_until=date(2027, 1, 1), reviewed_on=date(2026, 6, 1),
        assessment_id="pia-1", sub_agency=False, agreed=["purpose", "term", "manner", "data_kinds", "safeguards"],
        feed_at=at("2026-11-26 10:00"), recorded_at=at("2026-11-01 10:00"),
    )  # fmt: skip
    ledger.add(
        "approvals", id="Y", case_id="L.1", step="agency", role="supervisor", evidence={}, requested_by="system", state="approved", decided_by="sue",
        asked_at=at("2026-11-24 09:00"), remind_at=at("2026-11-24 12:00"), deadline=at("2026-11-26 09:00"), decided_at=at("2026-11-24 10:00"),
    )  # fmt: skip
    ledger.add(
        "referrals", id="R", case_id="L.1", loan_id="L", step="agency", target="agency", agency="swift", state="sent", sent_at=at("2026-11-25 10:00"),
        approval_id="Y",
    )  # fmt: skip
    verdict(ledger, "R", "2026-11-25 10:00", person=None)


def tell(ledger: RawLedger) -> None:
    ledger.add(
        "notices", id=1, loan_id="L", person_id="B", kind="agency", agency="swift", sent_at=at("2026-11-24 10:00"), delivered_at=at("2026-11-24 10:01"),
        recorded_at=at("2026-11-24 10:01"),
    )  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_one_changed_row_is_found(ledger: RawLedger, planted: str) -> None:
    plant, expected = PLANTED[planted]
    plant(ledger)
    assert broken(ledger) == expected


def test_a_notice_that_was_delivered_makes_the_placement_lawful(ledger: RawLedger) -> None:
    place(ledger)
    tell(ledger)
    assert broken(ledger) == set()


def test_a_notice_that_was_a_message_of_ours_counts(ledger: RawLedger) -> None:
    place(ledger)
    contact(ledger, "notice", "2026-11-24 10:00", purpose="notice", klass="notice", notice="agency", outcome="delivered")
    assert broken(ledger) == set()


def record(ledger: RawLedger, seq: int, table: str, key: str, op: str = "insert") -> None:
    """A record of the chain, as far as its order goes."""
    ledger.add(
        "records", seq=seq, at=at("2026-11-20 10:00"), tbl=table, row_key=key, op=op, row_digest="a" * 64, previous="b" * 64, hash="c" * 64
    )  # fmt: skip


def verdict_on(ledger: RawLedger, key: str) -> str:
    return str(ledger.run("SELECT id FROM verdicts WHERE attempt_id = ?", key)[0][0])


def test_what_was_written_after_the_decision_was_not_known_to_it(ledger: RawLedger) -> None:
    """A payment that was announced at ten and waited for its turn, while a contact was decided."""
    pay(ledger, "2026-11-20 09:59:59", "500")
    ledger.run("DELETE FROM records")
    record(ledger, 101, "verdicts", verdict_on(ledger, "text"))
    record(ledger, 102, "payments", "pay")
    result = proved(ledger)
    assert result.violations == []
    assert result.coverage.overtaken == {"AR-01": 1, "AR-05": 1}


def test_the_order_of_writing_counts_in_a_span_of_time_too(ledger: RawLedger) -> None:
    pay(ledger, "2026-11-20 09:59:59", "500")
    ledger.run("DELETE FROM records")
    record(ledger, 101, "verdicts", verdict_on(ledger, "text"))
    record(ledger, 102, "payments", "pay")
    source = rows.open(ledger.url)
    try:
        assert judge.run(spanned(source, None, None)).violations == []
    finally:
        source.close()


def test_what_was_written_before_the_decision_was_known_to_it(ledger: RawLedger) -> None:
    pay(ledger, "2026-11-20 09:59:59", "500")
    ledger.run("DELETE FROM records")
    record(ledger, 101, "payments", "pay")
    record(ledger, 102, "verdicts", verdict_on(ledger, "text"))
    assert broken(ledger) == {("text", "AR-01"), ("text", "AR-05")}


def test_a_contact_that_was_moved_finds_no_excuse_in_the_order_of_writing(ledger: RawLedger) -> None:
    pay(ledger, "2026-11-21 10:00", "500")
    ledger.run("DELETE FROM records")
    record(ledger, 101, "verdicts", verdict_on(ledger, "text"))
    record(ledger, 102, "payments", "pay")
    assert broken(ledger) == set()
    ledger.run("UPDATE attempts SET sent_at = ?, settled_at = ? WHERE id = 'text'", at("2026-11-22 10:00"), at("2026-11-22 10:00"))
    assert broken(ledger) == {("text", "AR-01"), ("text", "AR-05"), ("text", "PR-05")}


def test_a_refusal_on_somebody_elses_loan_is_final_here_too(ledger: RawLedger) -> None:
    settle_in(ledger, "C", "M", first_point=10)
    ledger.add("relations", loan_id="M", person_id="B-sister", role="contact", refused_at=at("2026-11-18 10:00"))
    assert broken(ledger) == {("sister", "CN-13")}


def test_contacts_with_a_shared_person_count_on_both_loans(ledger: RawLedger) -> None:
    settle_in(ledger, "C", "M", first_point=10)
    ledger.add("relations", loan_id="M", person_id="B-sister", role="contact")
    for n in (1, 2):
        contact(ledger, f"for-c-{n}", f"2026-11-19 0{n + 7}:30", loan="M", person="B-sister", point=2, approval_id="A")
    found = broken(ledger)
    assert ("sister", "CN-07") in found
    assert ("for-c-1", "CN-07") not in found


def test_several_processes_find_the_same(ledger: RawLedger) -> None:
    for n in range(5):
        settle_in(ledger, f"C{n}", f"M{n}", first_point=100 + 2 * n)
        contact(
            ledger, f"night-{n}", "2026-11-20 23:00", loan=f"M{n}", person=f"C{n}", point=100 + 2 * n, purpose="collect", klass="collect"
        )
    alone, together = proved(ledger), proved(ledger, processes=2)
    assert sorted(alone.violations) == sorted(together.violations)
    assert alone.broken == together.broken == {"CN-01": 5}
    assert alone.coverage == together.coverage


def test_what_is_written_meanwhile_is_not_seen(ledger: RawLedger) -> None:
    source = rows.open(ledger.url, plain)
    try:
        contact(ledger, "late", "2026-11-20 23:00")
        assert judge.run(source).violations == []
    finally:
        source.close()
    assert broken(ledger) == {("late", "CN-01")}


def test_without_the_keys_it_says_what_it_could_not_read(ledger: RawLedger) -> None:
    unjudged = proved(ledger, unseal=None).coverage.unjudged
    assert unjudged["AR-06", "text not readable"] == 5
    assert unjudged["CN-65", "birth date not readable"] == 5


def test_only_so_many_are_listed_and_all_are_counted(ledger: RawLedger) -> None:
    ledger.run("DELETE FROM verdicts")
    source = rows.open(ledger.url, plain)
    result = judge.run(source, most_listed=2)
    source.close()
    assert (len(result.violations), result.broken, result.left_out) == (2, {"PR-01": 5}, 3)


def test_an_older_ledger_is_read_too(tmp_path: Path) -> None:
    """One of version 0.1.0, which has neither wishes nor agencies nor classes of messages."""
    from alembic import command
    from sqlalchemy import create_engine

    from arrears.ledger.engine import alembic_config

    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    engine.dispose()
    ledger = RawLedger(f"sqlite+aiosqlite:///{tmp_path}/old.db")
    settle_in(ledger)
    contact(ledger, "text", "2026-11-20 10:00")
    contact(ledger, "night", "2026-11-20 22:00")
    result = proved(ledger, unseal=None)
    ledger.close()
    assert {(v.contact_id, v.rule) for v in result.violations} == {("night", "CN-01")}
    assert result.coverage.regimes["cn", "2", ""] == 2


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("sqlite+aiosqlite:////nowhere/at/all.db", "no ledger in that file"),
        ("mysql://host/db", "begins with sqlite:// or postgresql://"),
        ("postgresql+asyncpg://nobody@127.0.0.1:9/none", "server cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(where: str, why: str) -> None:
    with pytest.raises(rows.Unreadable, match=why):
        rows.open(where)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    other = RawLedger(f"sqlite:///{file}")
    other.run("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(rows.Unreadable, match="there is no table loans"):
        rows.open(f"sqlite:///{file}")
    file.write_bytes(b"no database at all, but long enough to be read as one" * 40)
    with pytest.raises(rows.Unreadable):
        rows.open(f"sqlite:///{file}")
