"""Judging with several processes: each judges its part of the borrowers, and all see the same moment of the ledger.

What is said between them is pickled over their standard streams: a worker says ``there``, is told how to open the source, says ``open``, then answers
with its result. It imports the checker only, and nothing of the program that asks.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol, runtime_checkable

from arrears.prove.findings import Coverage, Result
from arrears.prove.model import Source

_PROGRAM = "from arrears.prove.parallel import work; work()"
_ENDS_SECONDS = 10


class Opening(Protocol):
    """How to open a source in another process; it can be pickled."""

    def open(self) -> Source: ...


@runtime_checkable
class Shared(Protocol):
    """A source that can be opened again. What is opened while the context lasts sees one and the same moment."""

    def shared(self) -> AbstractContextManager[Opening]: ...


class PartFailed(Exception):
    """A process that judged a part of the source ended without a result; the message names the kind of error only."""


class _Worker:
    """Another process, as this one sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603

    def tell(self, said: Any) -> None:
        assert self._process.stdin is not None
        try:
            _say(self._process.stdin, said)
        except OSError:
            raise PartFailed("a process that judges a part of the ledger has gone") from None

    def hear(self) -> Any:
        assert self._process.stdout is not None
        try:
            said: Any = pickle.load(self._process.stdout)  # noqa: S301 (our own process)
        except EOFError:
            raise PartFailed("a process that judged a part of the ledger ended without a word") from None
        if isinstance(said, PartFailed):
            raise said
        return said

    def abandon(self) -> None:
        """What it finds is not wanted any more."""
        self._process.kill()

    def end(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run_parts(source: Shared, processes: int, most_listed: int) -> Result:
    """Judge a source with so many processes. Raises ``PartFailed``."""
    workers: list[_Worker] = []
    try:
        workers.extend(_Worker() for _ in range(processes))
        for worker in workers:
            worker.hear()
        with source.shared() as opening:
            for shard, worker in enumerate(workers):
                worker.tell((opening, shard, processes, most_listed))
            for worker in workers:
                worker.hear()
        return _together([worker.hear() for worker in workers], most_listed)
    except PartFailed:
        for worker in workers:
            worker.abandon()
        raise
    finally:
        for worker in workers:
            worker.end()


def work() -> None:
    """One worker's life."""
    from arrears.prove.judge import judge_part

    inward, outward = sys.stdin.buffer, sys.stdout.buffer
    try:
        _say(outward, "there")
        opening, shard, shards, most_listed = pickle.load(inward)  # noqa: S301 (from who began us)
        source: Source = opening.open()
        _say(outward, "open")
        try:
            result = judge_part(source, shard, shards, most_listed)
        finally:
            source.close()
        _say(outward, result)
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        # An error's own words may quote rows; its kind does not.
        _say(outward, PartFailed(f"a part of the ledger could not be judged: {type(error).__name__}"))


def _say(stream: BinaryIO | Any, said: Any) -> None:
    pickle.dump(said, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def _together(parts: list[Result], most_listed: int) -> Result:
    whole = Result([], Coverage())
    for part in parts:
        whole.violations += part.violations
        whole.coverage.add(part.coverage)
        whole.broken.update(part.broken)
    whole.violations.sort(key=lambda v: (v.at, v.contact_id, v.rule))
    del whole.violations[most_listed:]
    return whole
