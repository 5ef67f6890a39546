"""Where the demo is watched: a table that changes in place on a terminal, lines everywhere else."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.live import Live

from arrears.cli.demo.board import Failed
from arrears.cli.demo.drawing import Picture
from arrears.workflows.contract import CaseView


@runtime_checkable
class Screen(Protocol):
    """What the demo needs of the place where it is watched."""

    def show(self) -> None:
        """The picture has changed."""
        ...

    def say(self, text: str) -> None:
        """Something happened that one may want to read later."""
        ...

    def ended(self, case: CaseView | Failed) -> None:
        """A case is closed, or its workflow failed."""
        ...

    @contextmanager
    def cleared(self) -> Generator[None]:
        """The screen belongs to a question while the block runs."""
        ...


class LiveScreen:
    """A terminal: the table is drawn again in place, what is said last stands below it."""

    def __init__(self, picture: Picture, live: Live) -> None:
        self._picture = picture
        self._live = live

    def show(self) -> None:
        if self._live.is_started:
            self._live.refresh()

    def say(self, text: str) -> None:
        self._picture.said.append(text)

    def ended(self, case: CaseView | Failed) -> None:
        self.say(_ending(case))

    @contextmanager
    def cleared(self) -> Generator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()


class PlainScreen:
    """A pipe or a log: a line for whatever happens, and one for the whole now and then."""

    def __init__(self, picture: Picture, console: Console, every_days: int) -> None:
        self._picture = picture
        self._console = console
        self._every = every_days
        self._shown_on: int | None = None

    def show(self) -> None:
        day = self._picture.day
        if self._shown_on is None or day >= self._shown_on + self._every:
            self._shown_on = day
            self._line(self._picture.line())

    def say(self, text: str) -> None:
        self._line(text)

    def ended(self, case: CaseView | Failed) -> None:
        self._line(_ending(case))

    @contextmanager
    def cleared(self) -> Generator[None]:
        yield

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


def _ending(case: CaseView | Failed) -> str:
    return case.why if isinstance(case, Failed) else f"loan {case.loan_id} is {(case.outcome or '').replace('_', ' ')}"


@contextmanager
def screen(picture: Picture, console: Console, every_days: int) -> Generator[Screen]:
    """A screen on the console while the block runs; ``every_days`` is how often one without a terminal shows the whole."""
    if not console.is_terminal:
        yield PlainScreen(picture, console, every_days)
        return
    with Live(picture, console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield LiveScreen(picture, live)
