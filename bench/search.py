"""How long a search takes: twenty thousand open cases on SQLite, each with instalments, payments and a history.

python bench/search.py [cases]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert
from sqlmodel import SQLModel

from arrears.domain.strategy import Referral, Role, TaskKind
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.search import Query, find
from arrears.ledger.tables import (
    ApprovalRow,
    CaseEventRow,
    CaseRow,
    HoldRow,
    InstalmentRow,
    LoanRow,
    OperatorRow,
    PaymentRow,
    PersonRow,
    ReferralRow,
    TaskRow,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_ZONES = ("Asia/Shanghai", "Asia/Shanghai", "Asia/Kolkata", "America/New_York", None)
_INSTALMENTS, _EVENTS, _TIMES = 12, 12, 7

QUESTIONS: dict[str, dict[str, str]] = {
    "all open, most urgent first": {},
    "all open, by days past due": {"sort": "days"},
    "more than 90 days past due": {"days_from": "91"},
    "more than 500 owed": {"owed_from": "500", "sort": "amount"},
    "stage promised": {"stage": "promised"},
    "waiting for a decision": {"waiting": "decision"},
    "held for a dispute": {"hold": "dispute"},
    "one loan": {"text": "L-78"},
    "closed and open": {"state": "all"},
}


def rows(cases: int) -> dict[type[SQLModel], list[dict[str, Any]]]:
    """The portfolio, table by table."""
    people = range(cases)
    made: dict[type[SQLModel], list[dict[str, Any]]] = {
        OperatorRow: [{"id": "col", "name": "Col", "role": Role.COLLECTOR}],
        PersonRow: [{"id": f"B-{n}", "name": b"x", "zone": _ZONES[n % 5], "language": "zh-CN"} for n in people],
        LoanRow: [_loan(n) for n in people],
        InstalmentRow: [_instalment(n, k) for n in people for k in range(_INSTALMENTS)],
        PaymentRow: [_payment(n, k) for n in people for k in range(n % 3)],
        CaseRow: [_case(n) for n in people],
        CaseEventRow: [_event(n, k) for n in people for k in range(_EVENTS)],
        HoldRow: [_hold(n) for n in people if n % 20 == 1],
        ApprovalRow: [_approval(n) for n in people if n % 50 == 2],
        TaskRow: [_task(n) for n in people if n % 25 == 3],
        ReferralRow: [_referral(n) for n in people if n % 30 == 4],
    }
    return made


def _loan(n: int) -> dict[str, Any]:
    return {
        "id": f"L-{n}",
        "borrower_id": f"B-{n}",
        "lender": "x",
        "product": "cash",
        "currency": "CNY",
        "strategy": "fenqile",
        "imported_at": NOW,
    }


def _instalment(n: int, k: int) -> dict[str, Any]:
    due_on = date(2026, 6, 1) + timedelta(days=30 * k + n % 29)
    amount = Decimal(n % 977 + 100) / 7
    return {
        "loan_id": f"L-{n}",
        "n": k + 1,
        "due_on": due_on,
        "principal": amount.quantize(Decimal("0.01")),
        "interest": Decimal("1.50"),
        "fees": Decimal(0),
    }


def _payment(n: int, k: int) -> dict[str, Any]:
    paid = {"amount": Decimal("50.25"), "currency": "CNY", "received_at": NOW, "source": "loan_system", "recorded_at": NOW}
    return {"payment_id": f"P-{n}-{k}", "loan_id": f"L-{n}"} | paid


def _case(n: int) -> dict[str, Any]:
    closed = {"closed_at": NOW, "outcome": "cured"} if n % 11 == 0 else {"closed_at": None, "outcome": None}
    case = {
        "id": f"L-{n}.1",
        "loan_id": f"L-{n}",
        "cycle": 1,
        "run_key": f"r-{n}",
        "strategy": "fenqile",
        "strategy_version": 1,
        "strategy_hash": "0" * 64,
    }
    return {**case, "payments_counted": list[str](), "opened_at": NOW - timedelta(hours=n % 3000), **closed}


def _event(n: int, k: int) -> dict[str, Any]:
    kinds = ("contact_reported", "step_taken", "payment_received", "promise_made" if n % 4 == 0 else "message_ignored")
    kind = kinds[k % 4]
    body = {"kind": kind, "at": NOW.isoformat(), "amount": f"{k}.00", "due_on": "2026-11-25", "why": "x" * 120}
    return {"case_id": f"L-{n}.1", "event_key": f"{kind}/{k}", "kind": kind, "at": NOW, "body": body, "recorded_at": NOW}


def _hold(n: int) -> dict[str, Any]:
    return {"case_id": f"L-{n}.1", "loan_id": f"L-{n}", "reason": "dispute", "placed_at": NOW - timedelta(days=1)}


def _approval(n: int) -> dict[str, Any]:
    times = {"asked_at": NOW, "remind_at": NOW + timedelta(hours=24), "deadline": NOW + timedelta(hours=48)}
    return {
        "id": f"A-{n}",
        "case_id": f"L-{n}.1",
        "step": "x.1",
        "role": Role.SUPERVISOR,
        "evidence": dict[str, str](),
        "requested_by": "case",
        "state": "open",
    } | times


def _task(n: int) -> dict[str, Any]:
    kind = {"kind": TaskKind.DEDICATED_COLLECTOR, "role": Role.COLLECTOR, "state": "open", "opened_at": NOW, "assignee": "col"}
    return {"id": f"T-{n}", "case_id": f"L-{n}.1", "loan_id": f"L-{n}", "step": "x.1"} | kind


def _referral(n: int) -> dict[str, Any]:
    sent = {"target": Referral.AGENCY, "agency": "acme", "state": "sent", "sent_at": NOW, "until": NOW + timedelta(days=60)}
    return {"id": f"R-{n}", "case_id": f"L-{n}.1", "loan_id": f"L-{n}", "step": "x.1"} | sent


def fill(file: Path, cases: int) -> None:
    """Write the portfolio past the chain: only reading is measured."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        for table, content in rows(cases).items():
            if content:
                connection.execute(insert(table), content)
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


async def main(cases: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        url = f"sqlite+aiosqlite:///{file}"
        await upgrade(url)
        fill(file, cases)
        ledger = Ledger(url)
        for said, question in QUESTIONS.items():
            took: list[float] = []
            total = 0
            for _ in range(_TIMES):
                began = time.perf_counter()
                async with ledger.reading() as session:
                    found = await find(session, Query.model_validate(question), NOW, {})
                took.append(time.perf_counter() - began)
                total = found.total
            print(f"{said:30} {total:6} found   median {statistics.median(took) * 1000:6.0f} ms   worst {max(took) * 1000:6.0f} ms")
        await ledger.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
