"""No output of a full run holds anybody's name, number, address or a text to them: only the outside world's own record does."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from arrears.cli.site import running_in
from arrears.workers.server import free_port
from tests.cli.conftest import ANY_PORTS, ARREARS, clean_environment, eventually

pytestmark = [pytest.mark.timeout(400), pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")]

OUTSIDE = ("world", "portfolio.jsonl", "residents.json")
"""What belongs to the world outside: its record, the file that is imported, and what the people in it are like."""

SHORTEST_LINE = 12


def personal(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Every name, birth date and address in a portfolio, numbers also as one dials them."""
    for row in rows:
        for who in (row["borrower"], *row.get("relatives", ())):
            yield who["name"]
            if who.get("birth_date"):
                yield who["birth_date"]
            for point in who.get("contact_points", ()):
                yield point["address"]
                if point["address"].startswith("+"):
                    yield re.sub(r"^\+(86|1|44|49|33|91)", "", point["address"])


def texts(record: Path) -> Iterator[str]:
    """Every line of what was written and said, as the outside world got it."""
    with closing(sqlite3.connect(record)) as database:
        bodies = [json.loads(body) for (body,) in database.execute("SELECT body FROM orders")]
    for body in bodies:
        for part in ("text", "html", "subject"):
            lines = (body.get(part) or "").splitlines()
            yield from (line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE)


def spellings(word: str) -> set[bytes]:
    """How a word may stand in a file: as it is, with JSON's escapes, in two bytes a character."""
    return {word.encode(), json.dumps(word)[1:-1].encode(), word.encode("utf-16-le")}


def outputs(data_dir: Path) -> dict[str, bytes]:
    files = (path for path in data_dir.rglob("*") if path.is_file() and path.relative_to(data_dir).parts[0] not in OUTSIDE)
    return {str(path.relative_to(data_dir)): path.read_bytes() for path in files}


def test_a_full_run_leaves_nothing_personal_outside_the_ledgers_seals(arrears, tmp_path):
    data_dir, metrics = tmp_path / "demo", free_port()
    options = ("--data-dir", str(data_dir), "--day-seconds", "2.5", "--days", "9", "--json", *ANY_PORTS)
    environment = clean_environment(ARREARS_METRICS_PORT=str(metrics))
    demo = subprocess.Popen([*ARREARS, "demo", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        eventually(lambda: running_in(data_dir) or demo.poll() is not None, within=150)
        on = ("--data-dir", str(data_dir))
        eventually(lambda: len(arrears("case", "list", *on, "--json").json) >= 20)
        exposed = httpx.get(f"http://127.0.0.1:{metrics}/metrics").content
        rows = [json.loads(line) for line in (data_dir / "portfolio.jsonl").read_text(encoding="utf-8").splitlines()]
        said = [arrears("import", str(data_dir / "portfolio.jsonl"), *on).text]
        while_it_runs = {f"{where}, while it runs": content for where, content in outputs(data_dir).items()}
        seen = running_in(data_dir)
        answers = httpx.get(f"{seen.api_url}/readyz").text + httpx.get(f"{seen.api_url}/openapi.json").text
        out, err = demo.communicate()
    finally:
        demo.kill()
    assert demo.returncode == 0, err.decode()
    loans = [row["loan_id"] for row in rows]
    for loan_id in loans:
        said += [arrears("case", "timeline", loan_id, *on, *more).text for more in ((), ("--json",))]
    said += [arrears(*words, *on, "--json").text for words in (("approvals", "list"), ("retention",))]

    everything = (
        outputs(data_dir)
        | while_it_runs
        | {
            "stdout": out,
            "stderr": err,
            "metrics": exposed,
            "API": answers.encode(),
            "commands": "".join(said).encode(),
        }
    )
    world = data_dir / "world"
    written = set(texts(next(path for path in world.iterdir() if path.suffix == ".db")))
    people = set(personal(rows))

    # The search would find it: it does in what the outside world keeps.
    assert len(written) > 50
    assert len(people) > 100
    outside = b"".join(path.read_bytes() for path in world.iterdir())
    assert sum(word.encode() in outside for word in people) > 20
    assert {"ledger.db", "ledger.db-wal, while it runs", "temporal.db", "ledger.key", "logs/worker.log", "logs/api.log"} <= set(everything)
    assert any(b"L-1001" in content for content in everything.values())

    found = {
        (where, word)
        for where, content in everything.items()
        for word in people | written
        if any(spelling in content for spelling in spellings(word))
    }
    assert found == set()
