"""What the API's description shows: one loan's story, told in every request and answer. Tests hold each of them against its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arrears.ledger.events_out.examples import EXAMPLES

Example = dict[str, Any]

_PAYMENT: Example = {
    "loan_id": "L-1001",
    "payment_id": "P-7003",
    "amount": "100.00",
    "currency": "CNY",
    "received_at": "2026-11-21T11:00:00+08:00",
    "value_date": "2026-11-20",
}
_TAKEN: Example = {"loan_id": "L-1001", "payment_id": "P-7003", "new": True}
_UNKNOWN_LOAN: Example = {
    "code": "unknown_loan",
    "detail": "loan L-404 is not in the ledger; import it first",
    "errors": [{"field": "loan_id", "problem": "loan L-404 is not in the ledger; import it first"}],
}
_UNKNOWN_LOAN_BODY: Example = {"type": "about:blank", "title": "Not Found", "status": 404} | _UNKNOWN_LOAN

REQUESTS: Mapping[str, Example] = {
    "PaymentReport": _PAYMENT,
    "PaymentBatch": {"payments": [_PAYMENT, _PAYMENT | {"loan_id": "L-1002", "payment_id": "P-7004", "amount": "59.90"}]},
    "MissedPayment": {"loan_id": "L-1001"},
    "MissedBatch": {"missed_payments": [{"loan_id": "L-1001"}, {"loan_id": "L-1002", "strategy": "huabei"}]},
    "PaymentReversal": {"reason": "returned", "reversed_at": "2026-11-24T08:00:00+08:00"},
    "CallbackBody": {"kind": "call_outcome", "key": "L-1001.1/first-call.1", "outcome": "no_answer", "at": "2026-11-21T10:02:41+08:00"},
}
"""Bodies of requests, by the name of their schema."""

REQUEST_BODIES: Mapping[str, Mapping[str, Example]] = {
    "tell_fact": {
        "a hold": {"fact": "hold", "loan_id": "L-1001", "reason": "bankruptcy", "at": "2026-11-21T09:00:00+08:00"},
        "a wish": {"fact": "wish", "person_id": "B-1001", "kind": "no_medium", "channel": "sms", "at": "2026-11-21T09:30:00+08:00"},
        "a refusal": {"fact": "refusal", "person_id": "B-2001", "at": "2026-11-21T09:30:00+08:00"},
    },
    "report_as_agency": {
        "a refusal": {"fact": "refusal", "person_id": "B-2001", "at": "2026-11-21T15:00:00+08:00"},
    },
}
"""Bodies that are one of several kinds, by the id of the operation."""

_RUN: Example = {
    "case_id": "L-1001.1",
    "strategy": "fenqile",
    "strategy_version": 1,
    "opened_at": "2026-11-21T02:00:00Z",
    "closed_at": None,
    "outcome": None,
    "stage": "awaiting_approval",
}
_VIEW: Example = {
    "case_id": "L-1001.1",
    "loan_id": "L-1001",
    "borrower_id": "B-1001",
    "strategy": "fenqile v1",
    "stage": "promised",
    "outcome": None,
    "owed": "259.00",
    "currency": "CNY",
    "due_since": "2026-11-20",
    "days_past_due": 2,
    "ladder_day": 1,
    "attitude": "willing",
    "next": "promise due on 2026-11-25",
    "next_at": "2026-11-25T16:00:00Z",
    "why": "the ladder stands still: promise",
    "blocked_by": "promise",
    "approval": None,
    "agency": None,
    "holds": [],
    "contacts": [{"step": "first-sms.1", "at": "2026-11-21T02:12:00Z", "outcome": "delivered", "channel": "sms", "rules": [], "why": None}],
    "ignored": [],
}
_REQUEST: Example = {
    "approval_id": "L-1001.1/ask-relatives.1/a1",
    "case_id": "L-1001.1",
    "loan_id": "L-1001",
    "step": "ask-relatives.1",
    "role": "supervisor",
    "purpose": "locate",
    "message": "locate",
    "people": ["B-2001"],
    "evidence": {"failed_attempts": 4},
    "requested_by": "workflow",
    "asked_at": "2026-11-22T02:00:00Z",
    "remind_at": "2026-11-22T06:00:00Z",
    "deadline": "2026-11-23T02:00:00Z",
    "reminded_at": None,
}
_TASK: Example = {
    "task_id": "L-1001.1/assign.1",
    "case_id": "L-1001.1",
    "loan_id": "L-1001",
    "step": "assign.1",
    "kind": "dedicated_collector",
    "role": "collector",
    "state": "open",
    "opened_at": "2026-11-22T02:00:00Z",
    "done_at": None,
    "assignee": "wei",
    "result": None,
    "finished_by": None,
    "noted": False,
}
_FINDING: Example = {
    "rule": "CN-11",
    "effect": "deny",
    "observed": "3 calls since midnight",
    "limit": "3 calls in a day",
    "source": "person",
    "facts": ["L-1001.1/first-call.3"],
    "until": None,
    "role": None,
    "permanent": False,
}
_EVENT: Example = {
    "id": "evt_000000000042",
    "type": "case.opened",
    "loan_id": "L-1001",
    "state": "delivered",
    "recorded_at": "2026-11-21T02:00:00Z",
    "due_at": None,
    "tries": 1,
    "last_status": 204,
    "last_problem": None,
    "delivered_at": "2026-11-21T02:00:01Z",
}
_BOOKED: Example = {
    "payment_id": "P-7003",
    "loan_id": "L-1001",
    "amount": "100.00",
    "currency": "CNY",
    "received_at": "2026-11-21T03:00:00Z",
    "value_date": "2026-11-20",
    "source": "loan_system",
    "recorded_at": "2026-11-21T03:00:02Z",
    "reversed_at": None,
    "why_reversed": None,
}
_LISTED: Example = {
    "loan_id": "L-1001",
    "case_id": "L-1001.1",
    "borrower_id": "B-1001",
    "stage": "awaiting_approval",
    "strategy": "fenqile",
    "strategy_version": 1,
    "owed": "259.00",
    "currency": "CNY",
    "days_past_due": 2,
    "due_since": "2026-11-20",
    "holds": [],
    "agency": None,
    "owners": ["wei"],
    "waiting": ["decision", "task"],
    "waits_until": "2026-11-23T02:00:00Z",
    "opened_at": "2026-11-21T02:00:00Z",
    "closed_at": None,
    "outcome": None,
    "zone": "Asia/Shanghai",
}
_ENTRY: Example = {
    "at": "2026-11-21T02:12:00Z",
    "kind": "contact",
    "text": "sms to B-1001 (first-sms): delivered",
    "case_id": "L-1001.1",
    "step": "first-sms.1",
    "rules": [],
    "outcome": "delivered",
    "channel": "sms",
    "person_id": "B-1001",
}
_CONTACT: Example = {
    "attempt_id": "L-1001.1/first-sms.1",
    "at": "2026-11-21T02:12:00Z",
    "person_id": "B-1001",
    "channel": "sms",
    "purpose": "collect",
    "message": "first-sms",
    "state": "settled",
    "outcome": "delivered",
    "approval_id": None,
}
_LOAN: Example = {
    "loan_id": "L-1001",
    "borrower_id": "B-1001",
    "lender": "Example Consumer Finance",
    "lender_kind": "consumer_finance",
    "product": "instalment",
    "currency": "CNY",
    "strategy": "fenqile",
    "annual_cost": "24.00",
    "limitation_ends_on": None,
    "owed": "259.00",
    "due_since": "2026-11-20",
    "days_past_due": 2,
    "zone": "Asia/Shanghai",
}
_CASE: Example = {
    "loan": _LOAN,
    "case": _RUN,
    "earlier": [],
    "instalments": [{"due_on": "2026-11-20", "amount": "359.00"}],
    "payments": [{name: _BOOKED[name] for name in _BOOKED if name not in ("loan_id", "currency", "recorded_at")}],
    "holds": [],
    "promises": [{"made_at": "2026-11-21T06:00:00Z", "amount": "259.00", "due_on": "2026-11-25", "kept": None}],
    "plan": None,
    "approvals": [_REQUEST],
    "tasks": [_TASK],
    "placements": [],
    "contacts": [_CONTACT],
    "running": {"state": "answers", "says": _VIEW, "why": None},
}
_PERSON: Example = {
    "person_id": "B-1001",
    "role": "borrower",
    "erased": False,
    "name": "测试",
    "language": "zh-CN",
    "zone": "Asia/Shanghai",
    "residence": "CN",
    "refused_at": None,
    "contact_points": [],
    "wishes": [],
    "consents": [],
    "circumstances": [],
}
_MESSAGE: Example = {
    **_CONTACT,
    "klass": "remind",
    "notice": None,
    "locale": "zh-CN",
    "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "text": "您的账单已逾期，请尽快还款。",
}
_AGENCY: Example = {
    "agency": "agency-one",
    "listed_from": "2026-01-01",
    "listed_until": None,
    "contract_from": "2026-01-01",
    "contract_until": "2027-12-31",
    "reviewed_on": "2026-06-30",
    "closing_review_on": None,
    "sub_agency": False,
    "misconduct_since": None,
    "assessment_id": "assessment-7",
    "agreed": ["data_kinds", "manner", "purpose", "safeguards", "term"],
    "feed_at": "2026-11-21T00:00:00Z",
    "recorded_at": "2026-11-21T02:00:00Z",
}


def _page(item: Example) -> Example:
    return {"items": [item], "next": None}


ANSWERS: Mapping[str, Example] = {
    "PaymentTaken": _TAKEN,
    "PaymentResults": {
        "taken": 1,
        "refused": 1,
        "results": [
            {"status": 202, "taken": _TAKEN, "problem": None},
            {"status": 404, "taken": None, "problem": _UNKNOWN_LOAN_BODY},
        ],
    },
    "MissedTaken": {"loan_id": "L-1001", "new": True},
    "MissedResults": {
        "taken": 1,
        "refused": 1,
        "results": [
            {"status": 202, "taken": {"loan_id": "L-1001", "new": True}, "problem": None},
            {"status": 404, "taken": None, "problem": _UNKNOWN_LOAN_BODY},
        ],
    },
    "ReversalTaken": _TAKEN,
    "CasePage": {"items": [_LISTED], "next": "WyJvcGVuZWQiLFswLCIiLC0xLCJMLTEwMDEuMSJdXQ", "total": 2, "owed": {"CNY": "318.90"}},
    "Page_TimelineEntry_": _page(_ENTRY),
    "Page_VerdictNow_": _page(
        {
            "verdict_id": 17,
            "case_id": "L-1001.1",
            "attempt_id": "L-1001.1/first-call.4",
            "action": "contact",
            "person_id": "B-1001",
            "decided_at": "2026-11-21T09:00:00Z",
            "verdict": "deny",
            "until": None,
            "permanent": False,
            "rules": ["CN-11"],
            "findings": [_FINDING],
            "regimes": [{"name": "cn", "version": 3, "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
            "approval_id": None,
        }
    ),
    "Page_PaymentBooked_": _page(_BOOKED),
    "CaseNow": _CASE,
    "CaseView": _VIEW,
    "Recorded": {"fact": "hold", "new": True, "told": ["L-1001"]},
    "People": {"items": [_PERSON]},
    "Messages": {"items": [_MESSAGE]},
    "Page_OpenRequest_": _page(_REQUEST),
    "ApprovalNow": {
        **_REQUEST,
        "state": "open",
        "decided_by": None,
        "decided_at": None,
        "void_at": None,
        "why_void": None,
    },
    "Decided": {
        "approval_id": "L-1001.1/ask-relatives.1/a1",
        "loan_id": "L-1001",
        "decision": "approve",
        "decided_by": "wei",
        "decided_at": "2026-11-22T03:00:00Z",
        "case": _VIEW,
    },
    "Page_TaskNow_": _page(_TASK),
    "TaskNow": _TASK,
    "Agencies": {"items": [_AGENCY]},
    "Page_EventNow_": _page(_EVENT),
    "EventNow": _EVENT,
    "EventWhole": {**_EVENT, "body": EXAMPLES["case.opened"]},
    "Replayed": {"events": 3},
    "Figures": {
        "asked": {"since": "2026-11-01", "until": "2026-11-21", "zone": "Asia/Shanghai", "strategy": None},
        "at": "2026-11-21T02:00:00Z",
        "seq": 4711,
        "strategies": ["fenqile"],
        "promises": {"made": 4, "kept": 3, "broken": 1, "kept_rate": 0.75},
        "verdicts": 120,
        "stopped": 17,
        **{
            name: []
            for name in ("overdue", "closed", "cohorts", "received", "contacts", "refusals", "waiting", "decided", "tasks", "placements")
        },
    },
    "Page_AuditLine_": _page(
        {
            "id": 31,
            "at": "2026-11-21T03:00:02Z",
            "actor_kind": "gateway",
            "actor": "loan_system",
            "role": None,
            "action": "payments.record",
            "allowed": True,
            "loan_id": "L-1001",
            "person_id": None,
            "subject": "P-7003",
            "reason": None,
            "request_id": "5d1f0c2a9b8e7f60",
            "details": None,
        }
    ),
    "Proof": {"head": f"4711:{'0' * 63}1", "latest": None, "records_since": None},
    "Alive": {"status": "ok"},
    "Ready": {"ledger": "ok", "temporal": "away"},
}
"""Bodies of answers, by the name of their schema."""
