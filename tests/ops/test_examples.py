"""The programs in the documentation run as they stand."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from arrears.api.app import create_app
from arrears.api.loan_system import PaymentTaken
from arrears.api.serving import serving
from arrears.cli.main import run
from arrears.config.settings import GatewaySettings, Settings
from arrears.domain.loan import Payment
from arrears.ledger import loans, relays
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.keys import open_vault
from arrears.workers.connection import TemporalUnreachable
from arrears.workflows.contract import Signal
from tests.ops.compose import ROOT
from tests.ops.pages import blocks

SECRET = "whsec_" + "c2lnbmVkLWJ5LXRoZS1sb2FuLXN5c3RlbS1vbmx5"


def block(page: str, language: str) -> str:
    (text,) = (b.text for b in blocks(ROOT / "docs" / page) if b.language == language)
    return text


async def nowhere() -> Any:
    raise TemporalUnreachable("nowhere", "this test has no server")


async def test_the_signed_payment_is_taken_even_while_temporal_is_away(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, loan_system=GatewaySettings(url="http://loans.example", secret=SecretStr(SECRET)))
    book = tmp_path / "book.csv"
    book.write_text(block("import.md", "csv"), encoding="utf-8")
    await upgrade(settings.ledger_url, open_vault(settings))
    assert await asyncio.to_thread(run, ["import", str(book), "--data-dir", str(tmp_path)]) == 0

    ledger = Ledger(settings.ledger_url, open_vault(settings))
    async with serving(create_app(ledger, nowhere, settings), 0) as port:
        environment = os.environ | {"ARREARS_API": f"http://127.0.0.1:{port}", "ARREARS_LOAN_SYSTEM_SECRET": SECRET}
        told: list[PaymentTaken] = []
        for _ in range(2):
            program = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", block("integrators.md", "python")), env=environment, stdout=asyncio.subprocess.PIPE
            )
            said, _ = await asyncio.wait_for(program.communicate(), 30)
            status, _, answer = said.decode().partition(" ")
            assert status == "202"
            told.append(PaymentTaken.model_validate_json(answer))
    assert [taken.new for taken in told] == [True, False]

    async with ledger.reading() as session:
        (paid,) = await loans.payments(session, "L-1001")
        (waiting,) = await relays.undelivered(session)
    await ledger.close()
    assert (paid.payment_id, str(paid.money)) == ("P-7003", "100.00 CNY")
    assert (waiting.name, Payment.model_validate(waiting.body)) == (Signal.PAYMENT_RECEIVED, paid)
