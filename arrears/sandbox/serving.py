"""An HTTP server inside this event loop, which leaves the process's signal handlers alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator

import uvicorn
from fastapi import FastAPI


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: FastAPI, port: int, host: str = "127.0.0.1") -> AsyncGenerator[int]:
    """Serve ``app``; yields the port (a free one for 0) once connections are taken."""
    with socket.create_server((host, port)) as listener:
        # Cutting a connection on command makes the server log an error: only what really breaks it is worth a line.
        server = _Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        running = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started and not running.done():  # noqa: ASYNC110 (it has no event for this)
                await asyncio.sleep(0.005)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await running
