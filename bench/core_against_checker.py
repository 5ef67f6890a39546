"""The compliance core and the independent checker in as many random worlds as one likes, and how soon they miss a fault that is planted in the core.

    python bench/core_against_checker.py [--verdicts 1000000] [--processes 2] [--seed 1] [--minutes 5] [--faults]

Every proposed contact and handover is put to the core, and to the checker as if it had left; what the core allowed leaves. Prints how much was tried, how
often each verdict and each rule came, how often they did not agree, and, as they come, the first disagreements with the seeds with which they can be seen
again. With ``--faults`` every fault of ``tests/simulation/faults.py`` is planted first, and looked for from several seeds. Ends with 1 if there was a
disagreement, or a fault was not found.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.pool
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.simulation.faults import FAULTS, worlds_until_found
from tests.simulation.tally import Tally
from tests.simulation.world import World

WORLDS_AT_ONCE = 50
LEAST_VERDICTS = 20
"""Fewer than a world comes to on average."""
SHOWN = 40
SOUGHT_FROM, MOST_WORLDS = 5, 1_000


def main() -> None:
    given = _arguments()
    with multiprocessing.Pool(given.processes) as pool:
        right = all(_sought(pool, n) for n in range(len(FAULTS))) if given.faults else True
        right = _played(pool, given) and right
    sys.exit(0 if right else 1)


def play(seeds: range) -> tuple[Tally, list[str]]:
    """Some worlds, with what they did not agree on, in words."""
    tally, found = Tally(), list[str]()
    for seed in seeds:
        world = World(random.Random(seed))
        tally.add(world.play())
        found += [f"seed {seed}: {disagreement}" for disagreement in world.disagreements]
    return tally, found


def seek(n: int, first: int) -> int | None:
    """How many worlds it takes to miss one of the faults, from a seed on."""
    return worlds_until_found(FAULTS[n], MOST_WORLDS, first)


def _played(pool: multiprocessing.pool.Pool, given: argparse.Namespace) -> bool:
    began = time.perf_counter()
    whole, shown, told = Tally(), 0, 0
    for tally, disagreements in pool.imap_unordered(play, _parts(given.seed, given.verdicts)):
        whole.add(tally)
        for line in disagreements[: max(0, SHOWN - shown)]:
            print(line, flush=True)
        shown += len(disagreements)
        took = time.perf_counter() - began
        if whole.verdicts >= given.verdicts or (given.minutes and took > given.minutes * 60):
            pool.terminate()
            break
        if whole.verdicts // 100_000 > told:
            told = whole.verdicts // 100_000
            print(f"{whole.verdicts:,} verdicts after {took:,.0f} s, {whole.disagreements:,} disagreements", flush=True)
    took = time.perf_counter() - began
    print(whole, whole.by_rule(), sep="\n")
    print(
        f"{whole.disagreements:,} disagreements; {took:.1f} s with {given.processes} processes, {whole.verdicts / took:,.0f} verdicts a second"
    )
    return not whole.disagreements


def _sought(pool: multiprocessing.pool.Pool, n: int) -> bool:
    found = pool.starmap(seek, [(n, 100_000 * k) for k in range(1, SOUGHT_FROM + 1)])
    worlds = [MOST_WORLDS if took is None else took for took in found]
    print(
        f"{FAULTS[n].name:45} found after {statistics.median(worlds):g} worlds, at most {max(worlds)}"
        + (": NOT FOUND" if None in found else "")
    )
    return None not in found


def _parts(seed: int, verdicts: int) -> Iterator[range]:
    """Worlds enough for so many verdicts."""
    last = seed + verdicts // LEAST_VERDICTS + WORLDS_AT_ONCE
    return (range(start, start + WORLDS_AT_ONCE) for start in range(seed, last, WORLDS_AT_ONCE))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=100_000, help="about so many")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, help="stop after so long, whatever was played")
    parser.add_argument("--faults", action="store_true", help="look for every planted fault first, from several seeds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
