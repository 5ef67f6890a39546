"""An API whose ledger key is not the ledger's says so before anybody relies on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrears.ledger.engine import Ledger
from arrears.ledger.vault import Vault
from tests.api.conftest import running_api
from tests.sealing import KEY


async def test_readyz_tells_a_locked_ledger_from_one_that_is_away(ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = Ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", Vault(KEY[::-1]))
    async with running_api(other) as api:
        answer = await api.http.get("/readyz")
    await other.close()
    assert (answer.status_code, answer.json()["ledger"]) == (503, "locked")
    assert "ARREARS_LEDGER_KEY" in caplog.text
