"""The API as a process."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.client import Client

from arrears.api.app import create_app
from arrears.api.serving import serving
from arrears.config.settings import Settings
from arrears.ledger.engine import Ledger
from arrears.workers.connection import connect
from arrears.workers.stopping import stop_signals

_CONNECT_WITHIN = timedelta(seconds=3)


async def serve(settings: Settings) -> None:
    """Serve the API on ``settings.api`` until SIGTERM or Ctrl-C. The ledger must be at its newest version; Temporal may come and go.

    Raises ``OSError`` if the port is taken.
    """
    ledger = Ledger(settings.ledger_url)
    try:
        with stop_signals() as asked:
            async with serving(create_app(ledger, Connection(), settings), settings.api.port, settings.api.host):
                await asked.wait()
    finally:
        await ledger.close()


class Connection:
    """A client of the environment's Temporal (or of the one at ``address``), connected when it is first asked for, and kept."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def __call__(self) -> Client:
        """Raises ``TemporalUnreachable``."""
        async with self._connecting:
            if self._client is None:
                self._client = await connect(address=self._address, within=_CONNECT_WITHIN)
            return self._client
