"""Which installation a command talks to: its data directory, settings, ledger and Temporal server.

`arrears up` and `arrears demo` leave a note in their data directory while they run, so that a command in a second terminal finds them without being
told. What the environment says (``ARREARS_…``, ``TEMPORAL_ADDRESS``) and ``--data-dir`` come first.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.engine import make_url
from temporalio.client import Client

from arrears.cli.output import Unreachable, WrongUsage
from arrears.config.settings import Settings
from arrears.domain.clock import Clock
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.workers.connection import TemporalUnreachable, connect

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="The installation's data directory. Default: ARREARS_DATA_DIR, else what runs in .arrears or .arrears/demo."
    ),
]
DEMO_DIR = Path(".arrears/demo")

_NOTE = "running.json"


class Running(BaseModel):
    """The note of an installation that runs. ``embedded_temporal`` is the address of its own server, if it has one."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["demo", "up"]
    pid: int
    embedded_temporal: str | None
    ui_url: str | None
    api_url: str
    clock: Clock


@dataclass(frozen=True)
class Site:
    """An installation as a command sees it; ``running`` is empty if nobody runs it on this machine."""

    settings: Settings
    running: Running | None

    @property
    def now(self) -> datetime:
        """The installation's business time."""
        return self.settings.clock.at(datetime.now(UTC))

    async def temporal(self, within: timedelta = timedelta(seconds=3)) -> Client:
        """A client of the installation's Temporal server. Raises ``Unreachable``."""
        own = self.running.embedded_temporal if self.running else None
        address = None if "TEMPORAL_ADDRESS" in os.environ else own
        try:
            return await connect(address=address, within=within)
        except TemporalUnreachable as gone:
            raise Unreachable(str(gone)) from gone

    @asynccontextmanager
    async def ledger(self) -> AsyncGenerator[Ledger]:
        """The installation's ledger, open while the block runs. Raises ``Unreachable`` if its file was never made, ``KeyProblem`` without its key."""
        if missing := _missing_file(self.settings.ledger_url):
            raise Unreachable(f"there is no ledger at {missing}; make one with `arrears db upgrade`, or name another data directory")
        ledger = Ledger(self.settings.ledger_url, open_vault(self.settings))
        try:
            yield ledger
        finally:
            await ledger.close()


def find_site(data_dir: Path | None) -> Site:
    """The installation that ``--data-dir`` or the environment names, else the one that runs here, else the default one. Raises ``WrongUsage``."""
    chosen = data_dir or (Path(d) if (d := os.environ.get("ARREARS_DATA_DIR")) else None)
    running: Running | None = None
    if chosen:
        running = running_in(chosen)
    elif "ARREARS_LEDGER_URL" not in os.environ:
        default: Path = Settings.model_fields["data_dir"].default
        chosen, running = next(((d, r) for d in (default, DEMO_DIR) if (r := running_in(d))), (None, None))
    more: dict[str, Any] = {}
    if running and "ARREARS_CLOCK" not in os.environ:
        more["clock"] = running.clock
    return Site(settings=load_settings(data_dir=chosen, **more), running=running)


def _missing_file(ledger_url: str) -> str | None:
    url = make_url(ledger_url)
    made = url.get_backend_name() != "sqlite" or url.database is None or Path(url.database).exists()
    return None if made else url.database


def load_settings(*, data_dir: Path | None = None, **more: Any) -> Settings:
    """The settings of the environment, with some given by the command. Raises ``WrongUsage`` naming the variable that is wrong."""
    if data_dir:
        more["data_dir"] = data_dir
    try:
        return Settings(**more)
    except ValidationError as wrong:
        problems = "; ".join(f"{'_'.join(['ARREARS', *map(str, e['loc'])]).upper()}: {e['msg']}" for e in wrong.errors(include_input=False))
        raise WrongUsage(f"a setting is wrong: {problems}") from wrong


def running_in(data_dir: Path) -> Running | None:
    """The installation that runs in a data directory, ``None`` if there is none or its process is gone."""
    try:
        note = Running.model_validate_json((data_dir / _NOTE).read_bytes())
        os.kill(note.pid, 0)
    except (OSError, ValidationError):
        return None
    return note


@contextmanager
def noted(data_dir: Path, note: Running) -> Generator[None]:
    """Leave the note while the block runs."""
    path = data_dir / _NOTE
    path.write_text(note.model_dump_json(indent=2))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
