"""A lender and the world outside it, for each test its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from arrears.activities import Activities
from arrears.config.settings import Settings
from arrears.gateways.registry import Gateways
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.sandbox.world import SandboxWorld
from tests.activities.house import House, settle_in
from tests.ledger.conftest import backend, migrated_postgres, migrated_sqlite, postgres, url
from tests.sealing import LEDGER_KEY

__all__ = ["backend", "migrated_postgres", "migrated_sqlite", "postgres", "url"]

NOBODY_LISTENS = "http://127.0.0.1:9"


@asynccontextmanager
async def lender(settings: Settings) -> AsyncGenerator[House]:
    """The lender of these settings, with its ledger open."""
    ledger = Ledger(settings.ledger_url, open_vault(settings))
    async with Gateways(settings) as gateways:
        try:
            yield House(ledger, settings, gateways, Activities(ledger, gateways, settings))
        finally:
            await ledger.close()


@pytest.fixture
async def world() -> AsyncGenerator[SandboxWorld]:
    async with SandboxWorld.running() as world:
        yield world


@pytest.fixture
async def settings(tmp_path: Path, world: SandboxWorld, migrated_sqlite: Path) -> Settings:
    shutil.copy(migrated_sqlite, tmp_path / "ledger.db")
    return settings_for(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", world)


def settings_for(ledger_url: str, world: SandboxWorld) -> Settings:
    """The settings of a lender with this ledger in this world, who does not wait long for an answer."""
    quick: dict[str, Any] = {
        name: given.model_copy(update={"answer_seconds": 1.0}) if name != "smtp" else given
        for name, given in world.gateway_settings().items()
    }
    return Settings(ledger_url=ledger_url, ledger_key=SecretStr(LEDGER_KEY), callback_base=NOBODY_LISTENS, **quick)


@pytest.fixture
async def house(settings: Settings) -> AsyncGenerator[House]:
    async with lender(settings) as house:
        await settle_in(house)
        yield house
