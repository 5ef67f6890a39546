"""An example of every kind of event, for the documentation and for whoever tries out a receiver."""

from __future__ import annotations

from typing import Any

from arrears.ledger.events_out.kinds import KINDS

_CASE = {"loan_id": "L-1001", "case_id": "L-1001.1"}
_DATA: dict[str, dict[str, Any]] = {
    "case.opened": {"at": "2026-11-02T00:05:00Z", "strategy": "fenqile", "strategy_version": 2},
    "case.stage_changed": {"at": "2026-11-20T08:00:00Z", "stage": "on_hold", "before": "contacting", "hold": "dispute"},
    "contact.made": {
        "at": "2026-11-02T03:30:00Z",
        "contact_id": "L-1001.1/first-call.1",
        "by": "lender",
        "direction": "out",
        "party": "borrower",
        "channel": "call",
        "purpose": "collect",
        "step": "first-call.1",
        "outcome": "answered_willing",
    },
    "contact.outcome_known": {
        "at": "2026-11-02T07:00:09Z",
        "contact_id": "L-1001.1/first-sms.1",
        "channel": "sms",
        "step": "first-sms.1",
        "outcome": "delivered",
    },
    "promise.made": {"at": "2026-11-05T02:10:00Z", "amount": "500.00", "currency": "CNY", "due_on": "2026-11-10"},
    "promise.kept": {"at": "2026-11-10T06:00:00Z", "amount": "500.00", "currency": "CNY", "due_on": "2026-11-10"},
    "promise.broken": {"at": "2026-11-11T16:00:00Z", "amount": "500.00", "currency": "CNY", "due_on": "2026-11-10"},
    "plan.agreed": {
        "at": "2026-11-12T03:00:00Z",
        "instalments": [{"due_on": "2026-12-01", "amount": "300.00"}, {"due_on": "2027-01-01", "amount": "300.00"}],
        "currency": "CNY",
    },
    "plan.broken": {"at": "2026-12-02T16:00:00Z", "due_on": "2026-12-01"},
    "plan.completed": {"at": "2026-12-30T04:00:00Z"},
    "approval.asked": {
        "at": "2026-11-08T03:00:00Z",
        "approval_id": "L-1001.1/relay-by-relatives.1/a1",
        "step": "relay-by-relatives.1",
        "role": "supervisor",
        "purpose": "relay",
        "deadline": "2026-11-10T03:00:00Z",
    },
    "approval.decided": {
        "at": "2026-11-08T09:20:00Z",
        "approval_id": "L-1001.1/relay-by-relatives.1/a1",
        "step": "relay-by-relatives.1",
        "decision": "approve",
    },
    "approval.expired": {"at": "2026-11-10T03:00:00Z", "approval_id": "L-1001.1/relay-by-relatives.1/a1", "step": "relay-by-relatives.1"},
    "approval.void": {"at": "2026-11-09T01:00:00Z", "approval_id": "L-1001.1/relay-by-relatives.1/a1", "step": "relay-by-relatives.1"},
    "case.placed": {
        "at": "2026-11-12T11:00:00Z",
        "placement_id": "L-1001.1/agency.1",
        "agency": "north-star",
        "until": "2027-01-11T11:00:00Z",
    },
    "case.recalled": {"at": "2026-12-20T05:00:00Z", "placement_id": "L-1001.1/agency.1", "agency": "north-star"},
    "hold.placed": {"at": "2026-11-20T08:00:00Z", "hold_id": "17", "reason": "dispute", "until": "2026-12-20T08:00:00Z"},
    "hold.lifted": {"at": "2026-12-20T08:00:00Z", "hold_id": "17", "reason": "dispute", "because": "ended"},
    "opt_out.recorded": {"at": "2026-11-20T09:00:00Z", "opt_out_id": "23", "kind": "no_medium", "channel": "sms"},
    "opt_out.withdrawn": {"at": "2026-12-01T01:00:00Z", "opt_out_id": "23", "kind": "no_medium", "channel": "sms"},
    "payment.reversed": {
        "at": "2026-11-21T02:00:00Z",
        "payment_id": "P-77",
        "amount": "120.50",
        "currency": "CNY",
        "reason": "bank_returned_it",
    },
    "case.closed": {"at": "2026-12-30T04:00:00Z", "outcome": "cured"},
}

EXAMPLES: dict[str, dict[str, Any]] = {kind: {"type": kind, "timestamp": _DATA[kind]["at"], "data": _CASE | _DATA[kind]} for kind in KINDS}
"""By kind, as they are sent. Each was written down at once, so both its times are the same."""
