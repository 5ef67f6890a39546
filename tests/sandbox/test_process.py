"""The world as a process: what it recorded outlives it, however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from arrears.config.settings import Settings
from arrears.domain.strategy import Channel
from arrears.gateways.registry import Gateways
from arrears.sandbox import temperament as t
from arrears.sandbox.process import environment, write_residents
from arrears.sandbox.world import make_secret
from tests.sandbox.conftest import Listener, order, resident

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from arrears.config.settings import Settings
from arrears.sandbox.process import serve
directory, http_port, smtp_port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
asyncio.run(serve(Settings(), directory=directory, http_port=http_port, smtp_port=smtp_port, residents=directory / "residents.json", answer_seconds=1.5))
"""


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


@asynccontextmanager
async def process(directory: Path, ports: tuple[int, int], env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    here = {k: v for k, v in os.environ.items() if not k.startswith("ARREARS_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, str(directory), *map(str, ports), env=here | env, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(f"http://127.0.0.1:{ports[0]}/healthz")).is_success:
                        break
                except httpx.TransportError:
                    assert child.returncode is None, await child.stderr.read()  # type: ignore[union-attr]
                    await asyncio.sleep(0.05)
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def settings_of(env: dict[str, str], monkeypatch) -> Settings:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return Settings()


async def test_what_left_and_what_is_to_be_told_survive_a_kill(tmp_path: Path, arrears: Listener, monkeypatch):
    ports = free_ports()
    env = environment(*ports, make_secret()) | {"ARREARS_CALLBACK_BASE": arrears.url}
    settings = settings_of(env, monkeypatch)
    arrears.secrets = {"voice": settings.voice.secret}  # type: ignore[union-attr]
    write_residents(tmp_path / "residents.json", [resident(t.refuses())])
    async with Gateways(settings) as gateways:
        voice, email = gateways.channel(Channel.CALL), gateways.channel(Channel.EMAIL)
        assert voice is not None
        assert email is not None
        async with process(tmp_path, ports, env) as first:
            await email.send(order(Channel.EMAIL, "L-1.1/letter.1"))
            await voice.send(order(url=f"{arrears.url}/v1/callbacks/voice"))
            first.kill()
            await first.wait()
        assert arrears.heard == []
        async with process(tmp_path, ports, env) as second, httpx.AsyncClient() as client:
            await voice.send(order(url=f"{arrears.url}/v1/callbacks/voice"))
            await arrears.hear_something()
            sent = (await client.get(f"http://127.0.0.1:{ports[0]}/control/sent")).json()
            assert [(o["key"], o["requests"], o["sends"]) for o in sent] == [("L-1.1/letter.1", 1, 1), ("L-1.1/call.1", 2, 1)]
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0


async def test_borrowers_live_by_the_clock_of_the_settings(tmp_path: Path, arrears: Listener, monkeypatch):
    ports = free_ports()
    clock = '{"real_epoch": "2020-01-01T00:00:00Z", "business_epoch": "2026-11-30T00:00:00Z", "day_seconds": 100000000}'
    env = environment(*ports, make_secret()) | {"ARREARS_CALLBACK_BASE": arrears.url, "ARREARS_CLOCK": clock}
    arrears.secrets = {"loan_system": settings_of(env, monkeypatch).loan_system.secret}  # type: ignore[union-attr]
    write_residents(tmp_path / "residents.json", [resident(t.pays_on_day(3)), resident(t.pays_on_day(60), "L-2")])
    async with process(tmp_path, ports, env):
        await arrears.hear_something()
    assert [message_id for _, message_id, _ in arrears.heard] == ["P-L-1-1"]
