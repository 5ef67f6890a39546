"""What is installed from this repository: locked without hosts, and whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.ops.compose import ROOT

HOSTS = re.compile(r"https?://|file:|^\s*--(?:index|extra-index|find-links|trusted-host)", re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_host_and_every_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert HOSTS.findall(text) == []
    pinned = re.findall(r"^[a-z0-9][\w.\[\]-]*==", text, re.MULTILINE)
    assert pinned
    assert len(re.findall(r"^[a-z0-9].*==.*\\$\n\s+--hash=sha256:", text, re.MULTILINE)) == len(pinned)


def test_the_package_carries_everything_that_the_code_reads(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    ours = {str(p.relative_to(ROOT)) for p in (ROOT / "arrears").rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert sorted(ours - carried) == []
    assert {Path(name).suffix for name in carried} >= {".py", ".yaml", ".txt", ".html", ".ini"}


def test_the_check_before_landing_can_be_started() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
