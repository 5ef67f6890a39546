"""The demo on a terminal: a table that is kept true, or plain lines where there is no terminal."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from arrears.cli.case_view import contact_text, stage_text
from arrears.cli.demo.board import Board
from arrears.domain.calendar import local_date, local_text
from arrears.domain.outcome import NOT_MADE
from arrears.workflows.contract import CaseView, RecentContact

_LINES_SAID = 3
_AROUND_THE_ROWS = 6 + _LINES_SAID


class Picture:
    """The board as something rich can draw again and again; it shows as many cases as the terminal has room for."""

    def __init__(self, board: Board, zone: str, about: Text) -> None:
        self.board = board
        self.now: datetime | None = None
        self.day = 0
        self.said: deque[str] = deque([""] * _LINES_SAID, _LINES_SAID)
        self._zone = zone
        self.about = about

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(5, (options.height or console.height) - _AROUND_THE_ROWS)
        cases = sorted(self.board.cases.values(), key=_urgency)
        shown = cases if len(cases) <= room else cases[: room - 1]
        table = Table(box=None, header_style="bold", expand=True, padding=(0, 1))
        for title, ratio in (
            ("loan", 2),
            ("strategy", 2),
            ("stage", 3),
            ("days", 1),
            ("owed", 2),
            ("last contact", 6),
            ("next", 5),
            ("why", 6),
        ):
            table.add_column(
                title, ratio=ratio, no_wrap=True, overflow="ellipsis", justify="right" if title in ("days", "owed") else "left"
            )
        for case in shown:
            table.add_row(*self._cells(case), style="dim" if case.outcome else "")
        if len(shown) < len(cases):
            table.add_row("…", f"{len(cases) - len(shown)} more", style="dim")
        said = Text("\n".join(self.said), style="yellow", no_wrap=True, overflow="ellipsis")
        yield Group(self._head(), table, said, self.about)

    def line(self) -> str:
        """The board in one line."""
        counts = ", ".join(f"{n} {outcome}" for outcome, n in sorted(self.board.endings.items()))
        parts = [f"{len(self.board.running)} running", f"{len(self.board.closed)} closed" + (f" ({counts})" if counts else "")]
        if waiting := len(self.board.waiting_for_humans):
            parts.append(f"{waiting} waiting for approval")
        if self.board.silent:
            parts.append("nobody answers just now")
        return f"day {self.day:>3}  {local_text(self.now, self._zone) if self.now else ''}  {'; '.join(parts)}"

    def _cells(self, case: CaseView) -> tuple[str | Text, ...]:
        last = _last_contact(case)
        asked = case.approval
        why = f"{asked.approval_id}: {case.why}" if asked else (case.blocked_by or case.why)
        return (
            case.loan_id,
            case.strategy,
            stage_text(case),
            str(self._days_past_due(case)),
            f"{case.owed:,.0f} {case.currency}",
            contact_text(last) if last else "",
            self._next(case),
            Text(why, style="magenta" if asked else "") if case.outcome is None else "",
        )

    def _next(self, case: CaseView) -> str:
        if case.outcome:
            return ""
        return f"{local_text(case.next_at, self._zone)[5:]} {case.next}" if case.next_at else case.next

    def _days_past_due(self, case: CaseView) -> int:
        """As of now: a sleeping case was asked a while ago."""
        if case.outcome or case.due_since is None or self.now is None:
            return case.days_past_due
        return max(0, (local_date(self.now, self._zone) - case.due_since).days)

    def _head(self) -> Text:
        return Text(self.line(), style="bold", no_wrap=True, overflow="ellipsis")


def _last_contact(case: CaseView) -> RecentContact | None:
    return next((c for c in reversed(case.contacts) if c.channel and c.outcome not in NOT_MADE), None) or (
        case.contacts[-1] if case.contacts else None
    )


def _urgency(case: CaseView) -> tuple[bool, bool, str]:
    return case.outcome is not None, case.approval is None, case.loan_id
