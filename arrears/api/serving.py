"""An HTTP server inside this event loop, which leaves the process's signal handlers alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator

import uvicorn
from fastapi import FastAPI

_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: FastAPI, port: int, host: str = "127.0.0.1", *, log_level: str = "warning") -> AsyncGenerator[int]:
    """Serve ``app``; yields the port (a free one for 0) once requests are answered. Raises ``OSError`` if the port is taken."""
    with socket.create_server((host, port)) as listener:
        config = uvicorn.Config(app, log_level=log_level, access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS)
        server = _Server(config)
        running = asyncio.create_task(server.serve([listener]), name="http")
        try:
            while not server.started and not running.done():  # noqa: ASYNC110 (it has no event for this)
                await asyncio.sleep(0.005)
            yield listener.getsockname()[1]
        finally:
            # Answers that go on for as long as somebody listens would hold the server up.
            getattr(app.state, "before_closing", lambda: None)()
            server.should_exit = True
            await running
