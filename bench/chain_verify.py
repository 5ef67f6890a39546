"""How long the check of a long chain takes, and how much memory.

    python bench/chain_verify.py [--contacts 1000000] [--ledger FILE]

Writes a ledger of that many contacts by plain SQL, with four records a contact: its verdict, and the attempt reserved, sent and settled. Checks it whole,
then with two breaks, and prints seconds and the peak of memory of the process that checked.
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from prove_million import generate

from arrears.ledger.digest import record_hash, row_digest, row_key
from arrears.prove import chain

AT = "2026-11-21 09:00:00.000000"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--ledger", type=Path, help="keep the ledger in this file, or take it from there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = given.ledger or Path(folder) / "ledger.db"
        if not file.exists():
            generate(file, given.contacts)
            print(f"{append_all(file):,} records, {file.stat().st_size / 2**20:,.0f} MiB")
        measure("whole", file)
        broken = ("UPDATE attempts SET message = 'x' WHERE rowid = 1000", "UPDATE records SET row_key = 'x' WHERE seq = 2000")
        kept = file.with_suffix(".broken")
        kept.write_bytes(file.read_bytes())
        with sqlite3.connect(kept) as connection:
            for statement in broken:
                connection.execute(statement)
        measure("broken", kept)
        kept.unlink()


def measure(name: str, file: Path) -> None:
    """Check in a process of its own, so that the memory is the checker's."""
    with ProcessPoolExecutor(1) as pool:
        verified, seconds, peak = pool.submit(_check, f"sqlite:///{file}").result()
    print(f"{name}: {verified.state}, {verified.records:,} records and {verified.rows:,} rows in {seconds:.1f} s, {peak / 1024:.0f} MiB")
    for one in verified.breaks[:5]:
        print(f"    {one}")


def _check(url: str) -> tuple[chain.Verified, float, int]:
    started = time.perf_counter()
    verified = chain.verify(url)
    return verified, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def append_all(file: Path) -> int:
    """Records for all rows, as if attempts had been reserved, sent and settled; the number of them."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN")
    seq, previous = 0, "0" * 64

    def records() -> Iterator[tuple[str | int, ...]]:
        nonlocal seq, previous
        for table, key, op, digest in _told(connection):
            seq += 1
            stored = record_hash(seq, AT, table, key, op, digest, previous)
            yield seq, AT, table, key, op, digest, previous, stored
            previous = stored

    connection.execute("DELETE FROM records")
    connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", records())
    connection.execute("UPDATE chain_heads SET seq = ?, hash = ?", (seq, previous))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return seq


def _told(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str, str]]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name DESC")]
    for table in names:
        if table in chain.UNCHAINED or table.startswith("sqlite_"):
            continue
        info = list(connection.execute(f"PRAGMA table_info({table})"))
        columns = sorted(row[1] for row in info)
        places = [columns.index(name) for _, name in sorted((row[5], row[1]) for row in info if row[5])]
        for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table}"):
            key = row_key(row[place] for place in places)
            digest = row_digest(columns, row)
            if table == "attempts":
                yield table, key, "insert", "1" * 64
                yield table, key, "update", "2" * 64
                yield table, key, "update", digest
            else:
                yield table, key, "insert", digest


if __name__ == "__main__":
    main()
