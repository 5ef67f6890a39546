"""Temporal's histories against the ledger: what a case ordered, what it was told of it, and what the ledger says must be the same."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from arrears.prove.histories import HistoryUnreadable, compare, from_files
from arrears.prove.report import CrossCheck
from tests.prove.raw import RawLedger, contact
from tests.replay.record import HISTORIES


@pytest.fixture
def ledger(settled: RawLedger) -> RawLedger:
    """A text that was sent and a call that nobody answered, in the case L.1."""
    contact(settled, "L.1/text", "2026-11-20 10:00")
    contact(settled, "L.1/call", "2026-11-21 10:00", "call", outcome="no_answer")
    return settled


def payloads(body: object) -> dict[str, Any]:
    return {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": base64.b64encode(json.dumps(body).encode()).decode()}]}


class Story:
    """A case's history, event by event."""

    def __init__(self, *, workflow: str = "CollectionCase") -> None:
        self.events: list[dict[str, Any]] = []
        self.add("WORKFLOW_EXECUTION_STARTED", workflowType={"name": workflow}, input=payloads({"loan_id": "L"}))
        self.task()

    def add(self, kind: str, at: str = "2026-11-20T02:00:00Z", **told: Any) -> str:
        number = str(len(self.events) + 1)
        name = kind.title().replace("_", "")
        attributes = {f"{name[0].lower()}{name[1:]}EventAttributes": told}
        self.events.append({"eventId": number, "eventTime": at, "eventType": f"EVENT_TYPE_{kind}", **attributes})
        return number

    def task(self) -> None:
        """A workflow task that is scheduled, started and completed."""
        self.add("WORKFLOW_TASK_SCHEDULED")
        started = self.add("WORKFLOW_TASK_STARTED")
        self.decided = self.add("WORKFLOW_TASK_COMPLETED", startedEventId=started)

    def activity(self, name: str, order: object, result: object | None, at: str) -> None:
        scheduled = self.add(
            "ACTIVITY_TASK_SCHEDULED", at, activityType={"name": name}, input=payloads(order), workflowTaskCompletedEventId=self.decided
        )
        if result is not None:
            self.add("ACTIVITY_TASK_COMPLETED", at, scheduledEventId=scheduled, result=payloads(result))
        self.task()

    def opened(self, owed: str = "500", counted: str = "100") -> Story:
        before = [{"payment_id": "old", "amount": counted}]
        facts = {"case_id": "L.1", "instalments": [{"due_on": "2026-11-01", "amount": owed}], "counted": before}
        self.activity("open_case", {"loan_id": "L"}, {"facts": facts}, "2026-11-02T00:00:00Z")
        return self

    def contact(self, attempt: str, outcome: str = "done", verdict: str = "allow", at: str = "2026-11-20T02:00:00Z") -> Story:
        order = {"attempt_id": attempt, "case_id": "L.1", "loan_id": "L", "purpose": "collect"}
        self.activity("contact", order, {"attempt_id": attempt, "verdict": verdict, "outcome": outcome}, at)
        return self

    def paid(self, amount: str, payment: str = "p") -> Story:
        self.add("WORKFLOW_EXECUTION_SIGNALED", signalName="payment_received", input=payloads({"payment_id": payment, "amount": amount}))
        self.task()
        return self

    def taken_back(self, payment: str = "p") -> Story:
        said = payloads({"payment_id": payment, "reason": "bounced"})
        self.add("WORKFLOW_EXECUTION_UPDATE_ACCEPTED", acceptedRequest={"input": {"name": "reverse_payment", "args": said}})
        self.task()
        return self

    def ended(self) -> dict[str, Any]:
        self.add("WORKFLOW_EXECUTION_COMPLETED")
        return self.told()

    def told(self) -> dict[str, Any]:
        return {"events": self.events}


def whole() -> Story:
    return Story().opened().contact("L.1/text").contact("L.1/call", "no_answer")


def found(check: CrossCheck) -> set[tuple[str, str]]:
    return {(finding.what, finding.key) for finding in check.findings}


def test_a_case_and_its_ledger_agree(ledger: RawLedger) -> None:
    check = compare(ledger.url, [whole().ended()], "here")
    assert (check.compared, found(check), check.notes) == (2, set(), ())


def test_a_contact_that_is_not_in_the_ledger_is_missed(ledger: RawLedger) -> None:
    ledger.run("DELETE FROM attempts WHERE id = 'L.1/text'")
    assert found(compare(ledger.url, [whole().ended()], "here")) == {("missing", "L.1/text")}


def test_a_contact_that_its_case_never_ordered_is_found(ledger: RawLedger) -> None:
    contact(ledger, "L.1/extra", "2026-11-22 10:00")
    assert found(compare(ledger.url, [whole().ended()], "here")) == {("never ordered", "L.1/extra")}


def test_a_changed_outcome_is_found(ledger: RawLedger) -> None:
    ledger.run("UPDATE attempts SET outcome = 'answered_willing' WHERE id = 'L.1/call'")
    assert found(compare(ledger.url, [whole().ended()], "here")) == {("other outcome", "L.1/call")}


def test_an_attempt_that_was_cancelled_in_the_ledger_only_is_found(ledger: RawLedger) -> None:
    ledger.run("UPDATE attempts SET state = 'cancelled', outcome = NULL, sent_at = NULL WHERE id = 'L.1/text'")
    assert found(compare(ledger.url, [whole().ended()], "here")) == {("never left", "L.1/text")}


def test_a_contact_that_was_told_of_twice_is_found(ledger: RawLedger) -> None:
    assert found(compare(ledger.url, [whole().contact("L.1/text").ended()], "here")) == {("made twice", "L.1/text")}


def test_what_the_law_stopped_need_not_be_in_the_ledger(ledger: RawLedger) -> None:
    story = whole().contact("L.1/no", verdict="deny").contact("L.1/later", verdict="defer").contact("L.1/nobody", "not_sent")
    assert found(compare(ledger.url, [story.ended()], "here")) == set()


def test_a_contact_ordered_after_everything_was_paid_is_found(ledger: RawLedger) -> None:
    story = Story().opened().contact("L.1/text").paid("499.99").contact("L.1/call", "no_answer")
    assert found(compare(ledger.url, [story.ended()], "here")) == set()
    story = Story().opened().contact("L.1/text").paid("499.99").paid("0.01", "q").contact("L.1/call", "no_answer")
    assert found(compare(ledger.url, [story.ended()], "here")) == {("ordered after payment", "L.1/call")}


def test_a_contact_ordered_after_the_payment_was_taken_back_is_none_after_payment(ledger: RawLedger) -> None:
    story = Story().opened().contact("L.1/text").paid("500").taken_back().contact("L.1/call", "no_answer")
    assert found(compare(ledger.url, [story.ended()], "here")) == set()
    story = Story().opened().contact("L.1/text").paid("500").taken_back("another").contact("L.1/call", "no_answer")
    assert found(compare(ledger.url, [story.ended()], "here")) == {("ordered after payment", "L.1/call")}


def test_what_was_paid_before_the_opening_and_taken_back_is_owed_too(ledger: RawLedger) -> None:
    story = Story().opened(counted="200").contact("L.1/text").paid("500").taken_back("old").contact("L.1/call", "no_answer")
    assert found(compare(ledger.url, [story.ended()], "here")) == set()


def test_a_payment_told_twice_counts_once(ledger: RawLedger) -> None:
    story = Story().opened().contact("L.1/text").paid("300").paid("300").contact("L.1/call", "no_answer")
    assert found(compare(ledger.url, [story.ended()], "here")) == set()


def test_a_case_that_goes_on_is_not_searched_for_what_it_never_ordered(ledger: RawLedger) -> None:
    check = compare(ledger.url, [Story().opened().contact("L.1/text").told()], "here")
    assert found(check) == set()
    assert "1 cases" in check.notes[0]


def test_other_workflows_and_sealed_payloads_are_counted_and_left_out(ledger: RawLedger) -> None:
    sealed = Story()
    sealed.add("ACTIVITY_TASK_SCHEDULED", activityType={"name": "contact"}, input={"payloads": [{"data": "AAEC"}]})
    check = compare(ledger.url, [Story(workflow="Other").told(), sealed.told()], "here")
    assert check.compared == 0
    assert "2 histories" in check.notes[0]


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
def test_histories_of_a_real_run_are_read(ledger: RawLedger, path: Path) -> None:
    check = compare(ledger.url, from_files(path), path.name)
    assert check.compared >= 5
    assert {what for what, _ in found(check)} == {"missing"}, "they are of another loan, and tell nothing worse"


def test_a_file_that_is_no_history_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(HistoryUnreadable, match=r"odd\.json"):
        list(from_files(tmp_path))
