"""Comparing the ledger with Temporal's histories of the same cases: what was ordered, what came of it, and what stands in the ledger must agree.

A history is the JSON that ``temporal workflow show --output json`` and the SDKs export. Only its orders, reports, payments and their reversals are read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from arrears.prove import words
from arrears.prove.database import connect
from arrears.prove.report import CrossCheck, Disagreement, listed
from arrears.prove.shelf import Shelf

History = dict[str, Any]
_AT_ONCE = 200
_OURS = "CollectionCase"
_SURE = words.ANSWERED | words.RANG | words.REFUSED | {"someone_else", "relayed"}


class HistoryUnreadable(ValueError):
    """A file is no exported history; the message names the file."""


@dataclass(slots=True)
class OrderedContact:
    """A contact that a case ordered. ``report`` is its result, empty while there is none."""

    attempt_id: str
    case_id: str
    purpose: str
    scheduled: datetime
    report: dict[str, Any] = field(default_factory=dict[str, Any])
    settled_before: bool = False

    @property
    def made(self) -> bool:
        """Whether the case was told that something left."""
        return self.report.get("verdict") == "allow" and self.report.get("outcome") not in words.NEVER_LEFT


@dataclass(slots=True)
class CaseRecord:
    """What the runs of one case say. ``whole``: from its opening to its end, so that what is not in it was not ordered."""

    case_id: str
    contacts: list[OrderedContact] = field(default_factory=list[OrderedContact])
    opened: bool = False
    ended: bool = False

    @property
    def whole(self) -> bool:
        return self.opened and self.ended


def from_files(place: Path) -> Iterator[History]:
    """The histories in a file or in the files of a directory. Raises ``HistoryUnreadable``."""
    for path in sorted(place.rglob("*.json")) if place.is_dir() else [place]:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError):
            raise HistoryUnreadable(f"{path.name} is no exported history") from None
        if not isinstance(found, dict) or not isinstance(cast("History", found).get("events"), list):
            raise HistoryUnreadable(f"{path.name} is no exported history: it has no list of events")
        yield cast("History", found)


def compare(url: str, histories: Iterable[History], source: str) -> CrossCheck:
    """Compare a ledger with these histories. Raises ``database.Unreadable`` and what reading them raises."""
    cases: dict[str, CaseRecord] = {}
    unread = 0
    for history in histories:
        unread += not _Run(history, cases).read()
    database = connect(url)
    try:
        findings, left_out = listed(_findings(Shelf(database), list(cases.values())))
    finally:
        database.close()
    partly = sum(not case.whole for case in cases.values())
    notes = (
        [f"{partly} cases are not in their histories from beginning to end: what is not ordered there was not looked for"] if partly else []
    )
    notes += [f"{unread} histories are of other workflows, or their payloads cannot be read"] if unread else []
    return CrossCheck(
        kind="histories",
        source=source,
        compared=sum(len(case.contacts) for case in cases.values()),
        findings=findings,
        findings_left_out=left_out,
        notes=tuple(notes),
    )


def _findings(shelf: Shelf, cases: list[CaseRecord]) -> Iterator[Disagreement]:
    for start in range(0, len(cases), _AT_ONCE):
        some = cases[start : start + _AT_ONCE]
        columns = ("id", "case_id", "state", "outcome", "sent_at", "channel")
        rows = list(shelf.where("attempts", "case_id", [case.case_id for case in some], *columns))
        known = {row[0]: row for row in rows}
        for case in some:
            yield from _of_case(case, known)
        whole = {case.case_id for case in some if case.whole}
        ordered = {contact.attempt_id for case in some for contact in case.contacts}
        for row in rows:
            if row[1] in whole and row[0] not in ordered and row[4] is not None:
                yield Disagreement(what="never ordered", key=row[0], words="the ledger says that it left, and its case never ordered it")


def _of_case(case: CaseRecord, known: dict[str, Any]) -> Iterator[Disagreement]:
    made: set[str] = set()
    for contact in case.contacts:
        key = contact.attempt_id
        if contact.settled_before:
            yield Disagreement(
                what="ordered after payment", key=key, words="it was ordered after the case had taken in that everything due was paid"
            )
        if not contact.made:
            continue
        if key in made:
            yield Disagreement(what="made twice", key=key, words="the case was told twice that this contact was made")
        made.add(key)
        row = known.get(key)
        if row is None:
            yield Disagreement(what="missing", key=key, words="the case was told that it was made, and it is not in the ledger")
        elif row[4] is None and row[2] != "settled":
            yield Disagreement(what="never left", key=key, words=f"the case was told that it was made, and the ledger has it as {row[2]}")
        elif contact.report.get("outcome") in _SURE and row[3] != contact.report["outcome"]:
            yield Disagreement(
                what="other outcome", key=key, words=f"the case was told {contact.report['outcome']}, the ledger has {row[3]}"
            )


class _Run:
    """One history, read event by event."""

    def __init__(self, history: History, cases: dict[str, CaseRecord]) -> None:
        self._events: list[dict[str, Any]] = history["events"]
        self._cases = cases
        self._orders: dict[str, OrderedContact] = {}
        self._openings: set[str] = set()
        self._tasks: dict[str, int] = {}
        self._case_id: str | None = None
        self._instalments: list[tuple[str, Decimal]] = []
        self._payments: dict[str, tuple[int, Decimal]] = {}
        self._counted: dict[str, Decimal] = {}
        self._reversed: dict[str, int] = {}

    def read(self) -> bool:
        """Take the run in; ``False`` if it is none of a case, or cannot be read."""
        if not self._events or _name(_attributes(self._events[0]).get("workflowType")) != _OURS:
            return False
        try:
            for event in self._events:
                self._take(event["eventType"].removeprefix("EVENT_TYPE_"), event, _attributes(event))
        except (KeyError, TypeError, ValueError, InvalidOperation):
            return False
        return True

    def _take(self, kind: str, event: dict[str, Any], told: dict[str, Any]) -> None:
        n = int(event["eventId"])
        match kind:
            case "WORKFLOW_TASK_STARTED":
                self._tasks[str(n)] = n
            case "WORKFLOW_TASK_COMPLETED":
                self._tasks[event["eventId"]] = int(told.get("startedEventId", n))
            case "ACTIVITY_TASK_SCHEDULED":
                self._scheduled(event, told)
            case "ACTIVITY_TASK_COMPLETED":
                self._completed(str(told["scheduledEventId"]), told)
            case "WORKFLOW_EXECUTION_SIGNALED" if told.get("signalName") == "payment_received":
                self._paid(n, _payload(told.get("input")))
            case "WORKFLOW_EXECUTION_SIGNALED" if told.get("signalName") == "payment_reversed":
                self._taken_back(n, _payload(told.get("input")))
            case "WORKFLOW_EXECUTION_UPDATE_ACCEPTED":
                asked = told.get("acceptedRequest", {}).get("input", {})
                match asked.get("name"):
                    case "record_payment":
                        self._paid(n, _payload(asked.get("args")))
                    case "reverse_payment":
                        self._taken_back(n, _payload(asked.get("args")))
                    case _:
                        pass
            case "WORKFLOW_EXECUTION_COMPLETED":
                if self._case_id is not None:
                    self._case(self._case_id).ended = True
            case _:
                pass

    def _scheduled(self, event: dict[str, Any], told: dict[str, Any]) -> None:
        match _name(told.get("activityType")):
            case "open_case":
                self._openings.add(event["eventId"])
            case "contact":
                order = _payload(told.get("input"))
                at = datetime.fromisoformat(event["eventTime"])
                seen = self._tasks.get(str(told.get("workflowTaskCompletedEventId")), 0)
                contact = OrderedContact(order["attempt_id"], order["case_id"], order.get("purpose", "collect"), at)
                contact.settled_before = self._settled(at, seen)
                self._orders[event["eventId"]] = contact
                self._case_id = order["case_id"]
                self._case(order["case_id"]).contacts.append(contact)
            case _:
                pass

    def _completed(self, scheduled: str, told: dict[str, Any]) -> None:
        if scheduled in self._openings:
            facts = _payload(told.get("result")).get("facts", {})
            self._case_id = facts["case_id"]
            self._case(facts["case_id"]).opened = True
            self._instalments = [(i["due_on"], Decimal(i["amount"])) for i in facts.get("instalments", ())]
            self._counted = {p["payment_id"]: Decimal(p["amount"]) for p in facts.get("counted", ())}
        elif scheduled in self._orders:
            self._orders[scheduled].report = _payload(told.get("result"))

    def _paid(self, n: int, payment: dict[str, Any]) -> None:
        if (key := payment.get("payment_id")) and key not in self._payments:
            self._payments[key] = n, Decimal(str(payment["amount"]))

    def _taken_back(self, n: int, reversal: dict[str, Any]) -> None:
        key = reversal.get("payment_id")
        if isinstance(key, str) and key in self._payments.keys() | self._counted.keys():
            self._reversed.setdefault(key, n)

    def _settled(self, at: datetime, seen: int) -> bool:
        """Whether the payments that the case had taken in by a workflow task cover everything that was due by the day after."""
        day = (at.astimezone(UTC) + timedelta(days=1)).date().isoformat()
        due = sum((amount for due_on, amount in self._instalments if due_on <= day), Decimal(0))
        gone = {key for key, n in self._reversed.items() if n < seen}
        due += sum((amount for key, amount in self._counted.items() if key in gone), Decimal(0))
        return 0 < due <= sum((amount for key, (n, amount) in self._payments.items() if n < seen and key not in gone), Decimal(0))

    def _case(self, case_id: str) -> CaseRecord:
        return self._cases.setdefault(case_id, CaseRecord(case_id))


def _attributes(event: dict[str, Any]) -> dict[str, Any]:
    nothing: dict[str, Any] = {}
    return next((value for name, value in event.items() if name.endswith("EventAttributes")), nothing)


def _name(kind: Any) -> str:
    return kind.get("name", "") if isinstance(kind, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _payload(payloads: Any) -> dict[str, Any]:
    """The first payload as JSON. Raises ``ValueError`` if it is encrypted or no JSON object."""
    found = json.loads(base64.b64decode(payloads["payloads"][0]["data"]))
    if not isinstance(found, dict):
        raise ValueError("no object")
    return cast("dict[str, Any]", found)
