"""The day of a loan system that docs/integrators.md tells runs as it stands."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from arrears.api.app import create_app
from arrears.api.loan_system import MissedResults, MissedTaken, PaymentResults, PaymentTaken
from arrears.api.operations.case_view import CaseNow
from arrears.api.paging import Page
from arrears.api.reading import CasePage, PaymentBooked, VerdictNow
from arrears.api.serving import serving
from arrears.cli.main import run
from arrears.config.settings import Settings
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.ledger.timeline import TimelineEntry
from tests.api.conftest import nowhere
from tests.ops.compose import ROOT
from tests.ops.pages import blocks

PAGE = ROOT / "docs" / "integrators.md"
ANSWERS: list[type[BaseModel]] = [
    *(MissedTaken, MissedResults, PaymentTaken, PaymentResults),
    *(CasePage, CaseNow, Page[TimelineEntry], Page[VerdictNow], Page[PaymentBooked]),
]


async def said(script: str, environment: dict[str, str]) -> str:
    program = await asyncio.create_subprocess_exec("bash", "-ec", script, env=os.environ | environment, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(program.communicate(), 60)
    assert program.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.timeout(180)
async def test_the_day_of_a_loan_system_runs_as_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (book,) = (b.text for b in blocks(ROOT / "docs" / "import.md") if b.language == "csv")
    (tmp_path / "book.csv").write_text(book, encoding="utf-8")
    data_dir = ["--data-dir", str(tmp_path)]
    (let_in,) = (b.text for b in blocks(PAGE) if "arrears clients add" in b.text)
    words = [word.strip('"') for word in let_in.replace('"Loan system"', "Loan_system").split()][1:]
    for command in (["db", "upgrade"], ["import", str(tmp_path / "book.csv")], [*words, "--json"]):
        capsys.readouterr()
        assert await asyncio.to_thread(run, [*command, *data_dir]) == 0
    token = json.loads(capsys.readouterr().out)["token"]

    settings = Settings(data_dir=tmp_path)
    ledger = Ledger(settings.ledger_url, open_vault(settings))
    told: list[dict[str, Any]] = []
    async with serving(create_app(ledger, nowhere, settings), 0) as port:
        for block in blocks(PAGE):
            if block.label == "curl":
                text = await said(block.text, {"ARREARS_API": f"http://127.0.0.1:{port}", "ARREARS_TOKEN": token})
                told += several(text)
    await ledger.close()
    assert len(told) == len(ANSWERS)
    for body, model in zip(told, ANSWERS, strict=True):
        model.model_validate(body)
        assert set(body) == set(model.model_fields)
    (shown,) = (json.loads(b.text) for b in blocks(PAGE) if b.language == "json" and '"results"' in b.text)
    assert told[3] == shown


def several(text: str) -> list[dict[str, Any]]:
    """The JSON objects of a text, one after the other."""
    found: list[dict[str, Any]] = []
    while text := text.strip():
        body, end = json.JSONDecoder().raw_decode(text)
        found.append(body)
        text = text[end:]
    return found
