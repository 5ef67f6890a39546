"""`arrears case verdicts`: one case's verdicts as a compliance officer reads them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from arrears.config.settings import Settings
from arrears.domain.verdict import Effect
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import CaseRow, InstalmentRow, LoanRow, VerdictRow
from tests.sealing import LEDGER_KEY, person

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
NIGHT = {"rule": "CN-01", "effect": "defer", "observed": "22:30 local", "limit": "08:00–22:00", "source": "people.zone"}


@pytest.fixture
def here(arrears, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A ledger with a loan whose case was judged twice."""
    monkeypatch.setenv("ARREARS_LEDGER_KEY", LEDGER_KEY)
    data_dir = tmp_path / "data"
    here = ("--data-dir", str(data_dir))
    assert arrears("db", "upgrade", *here).code == 0
    asyncio.run(judged(data_dir))
    return here


async def judged(data_dir: Path) -> None:
    ledger = Ledger(Settings(data_dir=data_dir).ledger_url)
    told = {"case_id": "L-1.1", "person_id": "B-1", "facts_hash": "0" * 64, "action": "contact", "decided_at": NOON}
    law = [{"name": "cn", "version": 2, "hash": "1" * 64}]
    async with ledger.session() as session:
        session.add_all(person("B-1", "王示例", zone="Asia/Shanghai", language="zh-CN"))
        await session.flush()
        session.add(LoanRow(id="L-1", borrower_id="B-1", lender="x", product="cash", currency="CNY", strategy="fenqile", imported_at=NOON))
        await session.flush()
        session.add(InstalmentRow(loan_id="L-1", n=1, due_on=NOON.date(), principal=Decimal(1)))
        opened = {"strategy": "fenqile", "strategy_version": 1, "strategy_hash": "0" * 64, "opened_at": NOON}
        session.add(CaseRow(id="L-1.1", loan_id="L-1", cycle=1, run_key="r", **opened))
        await session.flush()
        refused = {"verdict": Effect.DEFER, "until": NOON.replace(day=19, hour=0), "rules": ["CN-01"], "observed": [NIGHT]}
        session.add(VerdictRow(attempt_id="L-1.1/first-sms.1", regimes=law, **refused, **told))
        session.add(VerdictRow(attempt_id="L-1.1/first-sms.1", regimes=law, verdict=Effect.ALLOW, rules=[], observed=[], **told))
    await ledger.close()


def test_every_verdict_is_told_with_the_rule_what_it_saw_and_what_it_allows(arrears, here, wide_terminal):
    said = arrears("case", "verdicts", "L-1", *here)
    assert said.code == 0
    assert "2026-11-18 12:00 in Asia/Shanghai  L-1.1/first-sms.1  contact to B-1" in said.text
    assert "Not before 2026-11-19 08:00 in Asia/Shanghai (by cn 2)." in said.text
    assert "CN-01 (defer): No collection activity of any kind between 22:00 and 8:00" in said.text
    assert "Seen: 22:30 local; allowed: 08:00–22:00; from people.zone." in said.text
    assert said.text.count("Allowed (by cn 2).") == 1


def test_only_the_refusals_are_told_if_asked(arrears, here):
    assert [one["rules"] for one in arrears("case", "verdicts", "L-1", "--refused", *here, "--json").json] == [["CN-01"]]
    assert len(arrears("case", "verdicts", "L-1", *here, "--json").json) == 2


def test_a_loan_that_was_never_judged_is_said_to_be_none(arrears, here):
    said = arrears("case", "verdicts", "L-9", *here)
    assert said.code == 1
    assert "the ledger has no verdict for loan L-9" in said.text
