"""The world as a process of its own: how it is run, and how Arrears is told where it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr, TypeAdapter

from arrears.config.settings import GatewayName, Settings
from arrears.sandbox.http import EVENTS_PATH, LOAN_SYSTEM
from arrears.sandbox.temperament import Resident
from arrears.sandbox.world import HTTP_GATEWAYS, SandboxWorld
from arrears.workers.stopping import stop_signals

_LIVE_EVERY = timedelta(hours=1)
_LONGEST_NAP = timedelta(seconds=5)
_SHORTEST_NAP = timedelta(milliseconds=50)
_RESIDENTS = TypeAdapter(tuple[Resident, ...])


def environment(http_port: int, smtp_port: int, secret: SecretStr) -> dict[str, str]:
    """The ``ARREARS_…`` variables with which every process of Arrears, and the world's own, finds the world on this machine."""
    found = {"ARREARS_SMTP_HOST": "127.0.0.1", "ARREARS_SMTP_PORT": str(smtp_port), "ARREARS_SMTP_TLS": "none"}
    found["ARREARS_SMTP_SENDER"] = "collections@lender.example"
    for name in HTTP_GATEWAYS:
        group = f"ARREARS_{name.upper()}"
        found |= {f"{group}_URL": f"http://127.0.0.1:{http_port}/{name}", f"{group}_SECRET": secret.get_secret_value()}
    events = f"http://127.0.0.1:{http_port}/{LOAN_SYSTEM}{EVENTS_PATH}"
    return found | {"ARREARS_EVENTS_URL": events, "ARREARS_EVENTS_SECRET": secret.get_secret_value()}


def write_residents(path: Path, residents: Iterable[Resident]) -> None:
    """Write residents down for a world that is started later."""
    path.write_text(json.dumps([r.model_dump(mode="json") for r in residents], ensure_ascii=False, indent=1), encoding="utf-8")


def read_residents(path: Path) -> tuple[Resident, ...]:
    """Raises ``pydantic.ValidationError`` for a file that holds anything else."""
    return _RESIDENTS.validate_json(path.read_bytes())


async def serve(
    settings: Settings,
    *,
    directory: Path,
    http_port: int,
    smtp_port: int,
    residents: Path | None = None,
    seed: int = 1,
    answer_seconds: float = 0.3,
) -> None:
    """Run a world until SIGTERM or Ctrl-C. Its borrowers live by ``settings.clock``, its secrets are those of the settings.

    ``residents`` is a file of :func:`write_residents`; whoever lived there before still does. Raises ``ValueError`` if a gateway has no secret.
    """
    with stop_signals() as asked:
        async with SandboxWorld.running(
            seed=seed,
            residents=() if residents is None else read_residents(residents),
            callback_base=settings.callback_base,
            directory=directory,
            http_port=http_port,
            smtp_port=smtp_port,
            secrets=_secrets(settings),
            answer_seconds=answer_seconds,
        ) as world:
            nap = max(min(settings.clock.real_duration(_LIVE_EVERY), _LONGEST_NAP), _SHORTEST_NAP)
            while not asked.is_set():
                world.tick(settings.clock.at(datetime.now(UTC)))
                try:
                    await asyncio.wait_for(asked.wait(), nap.total_seconds())
                except TimeoutError:
                    continue


def _secrets(settings: Settings) -> Mapping[GatewayName, SecretStr]:
    secrets: dict[GatewayName, SecretStr] = {}
    for name in HTTP_GATEWAYS:
        if (given := settings.gateway(name)) is None:
            raise ValueError(f"the sandbox needs ARREARS_{name.upper()}_URL and ARREARS_{name.upper()}_SECRET")
        secrets[name] = given.secret
    return secrets
