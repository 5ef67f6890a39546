"""One column of one row of a lawful ledger is changed, in every table that is judged: the law objects, without any help of the chain.

``test_planted.py`` does the same with the whole command. Here the lawful ledger is rich: payments, holds, wishes, a placement, an agency's own contacts.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from datetime import date
from pathlib import Path

import pytest

from arrears.prove import judge, rows
from tests.prove.raw import HASH, RawLedger, approve, contact, plain, settle_in, verdict
from tests.prove.scenes import at

Plant = Callable[[RawLedger], object]

MATTERS = ["purpose", "term", "manner", "data_kinds", "safeguards"]


def _furnish(ledger: RawLedger) -> None:
    settle_in(ledger)
    for day in (16, 17, 18):
        contact(ledger, f"call-{day}", f"2026-11-{day} 10:00", "call")
    approve(ledger, "2026-11-19 09:00")
    ledger.add("operators", id="rob", name="Rob", role="risk_control", active=True)
    contact(ledger, "sister", "2026-11-19 10:00", person="B-sister", point=2, approval_id="A")
    ledger.add(
        "wishes", id=1, person_id="B", kind="no_medium", channel="sms", at=at("2026-11-18 12:00"), withdrawn_at=at("2026-11-19 12:00"),
        source="call", recorded_at=at("2026-11-18 12:00"),
    )  # fmt: skip
    contact(ledger, "text", "2026-11-20 10:00")
    _pay(ledger)
    ledger.add(
        "holds", id=1, case_id="L.1", loan_id="L", reason="dispute", placed_at=at("2026-11-20 12:00"), recorded_at=at("2026-11-20 12:00"),
        lifted_at=at("2026-11-20 14:00"), lift_recorded_at=at("2026-11-20 14:00"),
    )  # fmt: skip
    contact(ledger, "reminder", "2026-11-20 15:00", klass="remind", purpose="remind")
    ledger.add("circumstances", id=1, person_id="B", kind="elderly", source="call", recorded_at=at("2026-11-20 10:30"))
    _place(ledger)


def _pay(ledger: RawLedger) -> None:
    ledger.add(
        "payments", payment_id="pay", loan_id="L", amount="100.0000", currency="CNY", received_at=at("2026-11-20 09:00"),
        recorded_at=at("2026-11-20 11:00"), source="bank",
    )  # fmt: skip
    ledger.add(
        "case_events", id=1, case_id="L.1", event_key="pay", kind="payment_received", at=at("2026-11-20 09:00"),
        recorded_at=at("2026-11-20 11:00:01"), body={"payment": {"payment_id": "pay"}},
    )  # fmt: skip


def _place(ledger: RawLedger) -> None:
    ledger.add(
        "agencies", id="swift", listed_from=date(2026, 1, 1), contract_from=date(2026, 1, 1), contract_until=date(2027, 1, 1),
        reviewed_on=date(2026, 6, 1), assessment_id="pia-1", sub_agency=False, agreed=MATTERS, feed_at=at("2026-11-26 10:00"),
        recorded_at=at("2026-11-01 10:00"),
    )  # fmt: skip
    ledger.add(
        "notices", id=1, loan_id="L", person_id="B", kind="agency", agency="swift", sent_at=at("2026-11-24 10:00"),
        delivered_at=at("2026-11-24 10:01"), recorded_at=at("2026-11-24 10:01"),
    )  # fmt: skip
    ledger.add(
        "approvals", id="Y", case_id="L.1", step="agency", role="supervisor", evidence={}, requested_by="system", state="approved",
        decided_by="sue", asked_at=at("2026-11-24 09:00"), remind_at=at("2026-11-24 12:00"), deadline=at("2026-11-26 09:00"),
        decided_at=at("2026-11-24 10:00"),
    )  # fmt: skip
    ledger.add(
        "referrals", id="placed", case_id="L.1", loan_id="L", step="agency", target="agency", agency="swift", state="recalled",
        sent_at=at("2026-11-25 10:00"), recalled_at=at("2026-11-28 10:00"), approval_id="Y",
    )  # fmt: skip
    verdict(ledger, "placed", "2026-11-25 10:00", person=None)
    ledger.add(
        "reported_contacts", id=1, source="swift", key="k", loan_id="L", person_id="B", channel="call", direction="out", outcome="no_answer",
        contact_point_id=1, purpose="collect", at=at("2026-11-26 09:00"), recorded_at=at("2026-11-26 09:30"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def lawful(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("planted") / "ledger.db"
    shutil.copy(migrated_sqlite, file)
    ledger = RawLedger(f"sqlite+aiosqlite:///{file}")
    _furnish(ledger)
    ledger.close()
    return file


@pytest.fixture
def ledger(lawful: Path, tmp_path: Path) -> Generator[RawLedger]:
    shutil.copy(lawful, tmp_path / "ledger.db")
    ledger = RawLedger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    ledger.run("PRAGMA ignore_check_constraints = ON")
    ledger.run("PRAGMA foreign_keys = OFF")
    ledger.run("DROP TABLE records")  # whoever made the chain anew; its order of writing excuses nothing
    yield ledger
    ledger.close()


def broken(ledger: RawLedger) -> set[tuple[str, str]]:
    source = rows.open(ledger.url, plain)
    try:
        return {(v.contact_id, v.rule) for v in judge.run(source).violations}
    finally:
        source.close()


def sql(statement: str, *values: object) -> Plant:
    return lambda ledger: ledger.run(statement, *values)


def moved(attempt: str, when: str) -> Plant:
    """An attempt with everything of its own at another instant, its verdict too."""

    def plant(ledger: RawLedger) -> None:
        ledger.run("UPDATE attempts SET reserved_at = ?, sent_at = ?, settled_at = ? WHERE id = ?", *[at(when)] * 3, attempt)
        ledger.run("UPDATE verdicts SET decided_at = ? WHERE attempt_id = ?", at(when), attempt)

    return plant


def denied(ledger: RawLedger) -> None:
    verdict(ledger, "text", "2026-11-20 10:00")
    ledger.run("UPDATE verdicts SET verdict = 'deny' WHERE id = (SELECT max(id) FROM verdicts)")


def doubled(ledger: RawLedger) -> None:
    """The same key a second time, in a table that has lost what forbids it."""
    ledger.run("CREATE TABLE more AS SELECT * FROM attempts")
    ledger.run("INSERT INTO more SELECT * FROM attempts WHERE id = 'reminder'")
    ledger.run("DROP TABLE attempts")
    ledger.run("ALTER TABLE more RENAME TO attempts")


PLANTED: dict[str, tuple[Plant, str]] = {
    # attempts
    "an attempt moved into the evening": (moved("reminder", "2026-11-20 22:00"), "reminder CN-01"),
    "an attempt moved to before its slot": (sql("UPDATE attempts SET sent_at = ? WHERE id = 'text'", at("2026-11-20 09:59:59")), "text PR-04, text PR-01"),
    "an attempt moved away from its verdict": (sql("UPDATE attempts SET sent_at = ? WHERE id = 'text'", at("2026-11-20 11:00:01")), "text PR-05"),
    "an attempt that nobody sent and that has an outcome": (sql("UPDATE attempts SET sent_at = NULL WHERE id = 'text'"), "text PR-04"),
    "an attempt of another case": (sql("UPDATE attempts SET case_id = 'L.9' WHERE id = 'text'"), "text AR-08, text PR-03"),
    "an attempt to somebody else": (sql("UPDATE attempts SET person_id = 'B-sister' WHERE id = 'text'"), "text PR-03, text AR-02, text AR-03"),
    "an attempt to somebody else's number": (sql("UPDATE attempts SET contact_point_id = 2 WHERE id = 'text'"), "text AR-03"),
    "an attempt to no number": (sql("UPDATE attempts SET contact_point_id = NULL WHERE id = 'text'"), "text AR-03"),
    "a channel that the address does not fit": (sql("UPDATE attempts SET channel = 'email' WHERE id = 'text'"), "text AR-03"),
    "a purpose that nobody approved": (sql("UPDATE attempts SET purpose = 'locate' WHERE id = 'sister'"), "sister AR-02"),
    "a class that speaks of the debt": (sql("UPDATE attempts SET klass = 'remind' WHERE id = 'sister'"), "sister CN-12"),
    "the hash of another text": (sql("UPDATE attempts SET content_hash = ? WHERE id = 'text'", HASH), "text AR-06"),
    "another text under the same hash": (sql("UPDATE attempts SET text = ? WHERE id = 'text'", b"Pay now."), "text AR-06"),
    "an approval that it did not have": (sql("UPDATE attempts SET approval_id = 'Y' WHERE id = 'sister'"), "sister AR-02, sister PR-03"),
    "an attempt that was answered after all": (sql("UPDATE attempts SET outcome = 'answered_delaying' WHERE id = 'call-17'"), "sister CN-10"),
    "an attempt that never was": (sql("DELETE FROM attempts WHERE id = 'call-17'"), "sister CN-10"),
    "a key that stands there twice": (doubled, "reminder PR-06"),
    # verdicts
    "a verdict that is gone": (sql("DELETE FROM verdicts WHERE attempt_id = 'placed'"), "placed PR-01"),
    "a verdict turned into a yes came after a no": (
        denied,
        "text PR-02",
    ),
    "a verdict on somebody else": (sql("UPDATE verdicts SET person_id = 'B-sister' WHERE attempt_id = 'text'"), "text PR-03"),
    "a verdict with an approval": (sql("UPDATE verdicts SET approval_id = 'A' WHERE attempt_id = 'text'"), "text PR-03"),
    "a verdict from long before": (sql("UPDATE verdicts SET decided_at = ? WHERE attempt_id = 'text'", at("2026-11-20 08:59:59")), "text PR-05"),
    # approvals
    "an approval given by who asked for it": (sql("UPDATE approvals SET requested_by = decided_by"), "sister AR-02, placed AR-02"),
    "an approval given after the contact": (sql("UPDATE approvals SET decided_at = ? WHERE id = 'A'", at("2026-11-19 10:00:01")), "sister AR-02"),
    "an approval given before it was asked for": (sql("UPDATE approvals SET asked_at = ? WHERE id = 'A'", at("2026-11-19 09:00:01")), "sister AR-02"),
    "an approval of another case": (sql("UPDATE approvals SET case_id = 'L.9'"), "sister AR-02, placed AR-02"),
    "an approval of another step": (sql("UPDATE approvals SET step = 'lawsuit' WHERE id = 'Y'"), "placed AR-02"),
    "an approval that had become void": (sql("UPDATE approvals SET void_at = ?, state = 'void' WHERE id = 'A'", at("2026-11-19 09:59:59")), "sister AR-02"),
    "an approval asked of somebody else's role": (sql("UPDATE approvals SET role = 'collector'"), "sister AR-02, placed AR-02"),
    "an approval that is gone": (sql("DELETE FROM approvals WHERE id = 'Y'"), "placed AR-02, placed CN-52"),
    "an approval of nobody": (sql("DELETE FROM approval_persons"), "sister AR-02"),
    "an operator who is gone": (sql("DELETE FROM operators WHERE id = 'sue'"), "sister AR-02, placed AR-02"),
    # money
    "a payment that was booked earlier": (sql("UPDATE payments SET recorded_at = ?", at("2026-11-20 09:59:59")), "text AR-05"),
    "a payment of everything": (sql("UPDATE payments SET amount = '500.0000'"), "reminder AR-01, placed AR-01, reported/1 AR-01"),
    "a payment that nobody was told of": (sql("DELETE FROM case_events"), "reminder AR-05, placed AR-05"),
    "an instalment that was not due yet": (sql("UPDATE instalments SET due_on = ?", date(2026, 11, 18)), "call-16 AR-01, call-17 AR-01, call-18 AR-01"),
    "an instalment of nothing": (sql("UPDATE instalments SET principal = '0.0000'"), "text AR-01"),
    "an instalment that is gone": (sql("DELETE FROM instalments"), "text AR-01"),
    "a cost above the ceiling": (sql("UPDATE loans SET annual_cost = '24.0100'"), "text CN-27, placed CN-27"),
    "a loan of a purchaser": (sql("UPDATE loans SET lender_kind = 'purchaser'"), "text CN-69"),
    # cases
    "a case that began later": (sql("UPDATE cases SET opened_at = ?", at("2026-11-20 10:00:01")), "text AR-08"),
    "a case that had ended": (sql("UPDATE cases SET closed_at = ?", at("2026-11-20 09:59:59")), "text AR-08, placed AR-08"),
    # holds
    "a hold known of earlier": (sql("UPDATE holds SET placed_at = ?, recorded_at = ?", *[at("2026-11-20 09:00")] * 2), "text AR-04"),
    "a hold lifted later": (sql("UPDATE holds SET lifted_at = ?, lift_recorded_at = ?", *[at("2026-11-20 16:00")] * 2), "reminder AR-04"),
    "a hold whose lifting was known of later": (sql("UPDATE holds SET lift_recorded_at = ?", at("2026-11-20 16:00")), "reminder AR-04"),
    "a hold that was never lifted": (sql("UPDATE holds SET lifted_at = NULL, lift_recorded_at = NULL"), "reminder AR-04, placed AR-04, reported/1 AR-04"),
    # people and their wishes
    "an opt-out backdated": (sql("UPDATE wishes SET withdrawn_at = NULL"), "text CN-16, reminder CN-16"),
    "an opt-out withdrawn a day later": (sql("UPDATE wishes SET withdrawn_at = ?", at("2026-11-20 12:00")), "text CN-16"),
    "an opt-out of everything": (sql("UPDATE wishes SET kind = 'no_contact', channel = NULL, withdrawn_at = NULL"), "text CN-16"),
    "an address opted out": (sql("UPDATE wishes SET kind = 'no_address', contact_point_id = 1, channel = NULL, withdrawn_at = NULL"), "text CN-16"),
    "an address that was invalid": (sql("UPDATE contact_points SET invalid_since = ? WHERE id = 1", at("2026-11-20 09:00")), "text AR-03"),
    "an address without a legal basis": (sql("UPDATE contact_points SET legal_basis = '' WHERE id = 1"), "text CN-41"),
    "a contact's number on somebody else's contract": (sql("UPDATE contact_points SET legal_basis = 'contract' WHERE id = 2"), "sister CN-41"),
    "a zone in which it was night": (sql("UPDATE persons SET zone = 'Europe/London' WHERE id = 'B'"), "text CN-01"),
    "a zone that nobody knows": (sql("UPDATE persons SET zone = NULL WHERE id = 'B'"), "text CN-01"),
    "a debtor who is no adult": (sql("UPDATE persons SET birth_date = ? WHERE id = 'B'", b"2009-01-01"), "text CN-64"),
    "a contact who is a child": (sql("UPDATE persons SET birth_date = ? WHERE id = 'B-sister'", b"2013-01-01"), "sister CN-65"),
    "somebody who needed care before": (sql("UPDATE circumstances SET recorded_at = ?", at("2026-11-20 09:00")), "text CN-67"),
    "a sister who had refused": (sql("UPDATE relations SET refused_at = ?", at("2026-11-19 09:00")), "sister CN-13"),
    "a sister who is an employer": (sql("UPDATE relations SET role = 'employer'"), "sister CN-14"),
    "a sister who is made a guarantor and asked for money": (
        lambda ledger: [ledger.run("UPDATE relations SET role = 'guarantor'"), ledger.run("UPDATE attempts SET purpose = 'collect' WHERE id = 'sister'")],
        "sister CN-09, sister AR-02",
    ),
    # handovers
    "a placement before its notice": (sql("UPDATE notices SET delivered_at = ?", at("2026-11-25 10:00")), "placed CN-44"),
    "a notice that came back": (sql("UPDATE notices SET bounced_at = ?", at("2026-11-24 12:00")), "placed CN-44"),
    "a notice of another agency": (sql("UPDATE notices SET agency = 'other'"), "placed CN-44"),
    "a notice of another loan": (sql("UPDATE notices SET loan_id = 'M'"), "placed CN-44"),
    "a contract that had ended": (sql("UPDATE agencies SET contract_until = ?", date(2026, 11, 24)), "placed CN-42"),
    "a contract that leaves something out": (sql("UPDATE agencies SET agreed = '[\"purpose\"]'"), "placed CN-42"),
    "an agency that passes cases on": (sql("UPDATE agencies SET sub_agency = 1"), "placed CN-42"),
    "an agency that was listed later": (sql("UPDATE agencies SET listed_from = ?", date(2026, 11, 26)), "placed CN-45"),
    "an agency that was not reviewed": (sql("UPDATE agencies SET reviewed_on = ?", date(2025, 11, 24)), "placed CN-46"),
    "an agency that was not assessed": (sql("UPDATE agencies SET assessment_id = NULL"), "placed CN-50"),
    "an agency with misconduct on its record": (sql("UPDATE agencies SET misconduct_since = ?", date(2026, 11, 1)), "placed CN-72"),
    "a placement without a yes": (sql("UPDATE referrals SET approval_id = NULL"), "placed CN-52"),
    "a placement turned into a lawsuit": (sql("UPDATE referrals SET target = 'lawsuit'"), "placed CN-52"),
    "a placement at another instant than its verdict": (sql("UPDATE referrals SET sent_at = ?", at("2026-11-25 12:00")), "placed PR-05"),
    "a placement of another loan": (sql("UPDATE referrals SET loan_id = 'M'"), "placed PR-07"),
    "a placement of a case that there is not": (sql("UPDATE referrals SET case_id = 'L.9'"), "placed PR-07"),
    "an attempt of a loan that there is not": (sql("UPDATE attempts SET loan_id = 'M' WHERE id = 'text'"), "text PR-07"),
    "an agency's call about a loan that there is not": (sql("UPDATE reported_contacts SET loan_id = 'M'"), "reported/1 PR-07"),
    "a verdict on a placement of another case": (sql("UPDATE verdicts SET case_id = 'L.9' WHERE attempt_id = 'placed'"), "placed PR-03"),
    # what agencies report
    "an agency's call after its recall": (sql("UPDATE referrals SET recalled_at = ?", at("2026-11-26 08:00")), "reported/1 CN-42"),
    "an agency's call at night": (sql("UPDATE reported_contacts SET at = ?", at("2026-11-25 23:00")), "reported/1 CN-01"),
    "an agency's call that asked the sister for money": (
        sql("UPDATE reported_contacts SET person_id = 'B-sister', contact_point_id = 2"),
        "reported/1 CN-10",
    ),
    "an agency's call by another agency": (sql("UPDATE reported_contacts SET source = 'other'"), "reported/1 CN-42"),
    "agency calls too many": (
        lambda ledger: [
            ledger.add(
                "reported_contacts", id=n, source="swift", key=f"k{n}", loan_id="L", person_id="B", channel="call", direction="out", outcome="answered",
                contact_point_id=1, purpose="collect", at=at(f"2026-11-26 1{n}:00"), recorded_at=at(f"2026-11-26 1{n}:05"),
            )
            for n in range(2, 6)
        ],
        "reported/5 CN-02",
    ),
}  # fmt: skip


def test_the_ledger_without_a_plant_is_lawful(ledger: RawLedger) -> None:
    assert broken(ledger) == set()


@pytest.mark.parametrize("planted", PLANTED)
def test_the_law_objects_to_one_changed_row(ledger: RawLedger, planted: str) -> None:
    plant, expected = PLANTED[planted]
    plant(ledger)
    found = broken(ledger)
    assert {tuple(one.split(" ")) for one in expected.split(", ")} <= found, found
