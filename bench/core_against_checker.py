"""The compliance core and the independent checker in as many random worlds as one likes.

    python bench/core_against_checker.py [--worlds 100000] [--processes 2] [--seed 1] [--minutes 5]

Every proposed contact is put to the core, and to the checker as if it had left; what the core allowed leaves. Prints how much was tried, how often they did
not agree, and the seeds with which the first disagreements can be seen again. Ends with 1 if there was one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.simulation.world import Tally, World

WORLDS_AT_ONCE = 50
SHOWN = 10


def main() -> None:
    given = _arguments()
    began = time.perf_counter()
    until = began + given.minutes * 60 if given.minutes else None
    whole, found, first = Tally(), 0, list[str]()
    with multiprocessing.Pool(given.processes) as pool:
        for tally, disagreements in pool.imap_unordered(play, _parts(given.worlds, given.seed)):
            whole.add(tally)
            found += len(disagreements)
            first += disagreements[: SHOWN - len(first)]
            if until is not None and time.perf_counter() > until:
                pool.terminate()
                break
    took = time.perf_counter() - began
    print(whole)
    print(f"{found:,} disagreements; {took:.1f} s with {given.processes} processes, {whole.verdicts / took:,.0f} verdicts a second")
    for line in first:
        print(line)
    sys.exit(1 if found else 0)


def play(seeds: range) -> tuple[Tally, list[str]]:
    """Some worlds, with what they did not agree on, in words."""
    tally, found = Tally(), list[str]()
    for seed in seeds:
        world = World(random.Random(seed))
        tally.add(world.play())
        found += [f"seed {seed}: {disagreement}" for disagreement in world.disagreements]
    return tally, found


def _parts(worlds: int, seed: int) -> Iterator[range]:
    for start in range(seed, seed + worlds, WORLDS_AT_ONCE):
        yield range(start, min(start + WORLDS_AT_ONCE, seed + worlds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, help="stop after so long, whatever was played")
    return parser.parse_args()


if __name__ == "__main__":
    main()
