"""The compose file as Compose itself understands it: the real parser, without an engine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
BIN = Path(sys.executable).parent


def environment(text: str) -> dict[str, str]:
    """The variables that an env file sets, comments left out."""
    lines = (line.strip() for line in text.splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def parse(variables: Mapping[str, str], tmp_path: Path, *overrides: Path) -> subprocess.CompletedProcess[str]:
    """What Compose says to the file, and to what overrides it, with these variables and no others."""
    env_file = tmp_path / "compose.env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    files = [part for file in (COMPOSE_FILE, *overrides) for part in ("--file", file)]
    return subprocess.run(
        [BIN / "docker-compose", "--project-directory", ROOT, *files, "--env-file", env_file, "config", "--format", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )


def resolved(variables: Mapping[str, str], tmp_path: Path, *overrides: Path) -> dict[str, Any]:
    """The file with everything merged and filled in."""
    done = parse(variables, tmp_path, *overrides)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def unescaped(command: str) -> str:
    """A command as the container's shell gets it: Compose writes a dollar sign twice."""
    return command.replace("$$", "$")
