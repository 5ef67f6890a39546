"""The API as a process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from sqlalchemy.exc import DBAPIError
from temporalio.client import Client
from temporalio.service import RPCError

from arrears.api.app import create_app
from arrears.api.serving import serving
from arrears.config.settings import Settings
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.workers.connection import SearchAttributeMismatch, TemporalUnreachable, connect, register_search_attributes
from arrears.workers.stopping import stop_signals

_CONNECT_WITHIN = timedelta(seconds=3)


async def serve(settings: Settings) -> None:
    """Serve the API on ``settings.api`` until SIGTERM or Ctrl-C. The ledger must be at its newest version; Temporal may come and go.

    Raises ``OSError`` if the port is taken, ``KeyProblem`` if personal data cannot be opened.
    """
    ledger = Ledger(settings.ledger_url, open_vault(settings))
    try:
        with suppress(DBAPIError, OSError):  # a ledger that does not answer may come back; one with another key will not
            await ledger.check()
        with stop_signals() as asked:
            async with serving(create_app(ledger, Connection(), settings), settings.api.port, settings.api.host):
                await asked.wait()
    finally:
        await ledger.close()


class Connection:
    """A client of the environment's Temporal (or of the one at ``address``), connected when it is first asked for, and kept.

    Its namespace is there and knows the attributes that cases are started with, also if no worker ever ran.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def __call__(self) -> Client:
        """Raises ``TemporalUnreachable``."""
        async with self._connecting:
            if self._client is None:
                client = await connect(address=self._address, within=_CONNECT_WITHIN)
                try:
                    await register_search_attributes(client)
                except (RPCError, SearchAttributeMismatch) as refused:  # most likely the namespace is not there, or not yet
                    raise TemporalUnreachable(client.service_client.config.target_host, refused) from refused
                self._client = client
            return self._client
