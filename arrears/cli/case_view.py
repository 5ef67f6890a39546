"""A case drawn for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from arrears.workflows.contract import CaseView, RecentContact

_STAGE_STYLES = {"on_hold": "yellow", "awaiting_approval": "magenta", "placed": "blue", "promised": "cyan", "on_plan": "cyan"}


def case_panel(view: CaseView) -> Panel:
    """Everything that the case says of itself."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    for name, value in _facts(view):
        facts.add_row(name, value)
    parts: list[RenderableType] = [facts]
    if view.contacts:
        parts += [Text("\nrecent", style="bold"), _contacts(view.contacts)]
    if view.ignored:
        parts += [Text("\nignored messages", style="bold"), *(Text(line) for line in view.ignored)]
    return Panel(Group(*parts), title=f"case {view.case_id} of loan {view.loan_id}", title_align="left", border_style="dim")


def stage_text(view: CaseView) -> Text:
    """The stage, or how the case ended."""
    return Text(view.outcome or view.stage, style="green" if view.outcome == "cured" else _STAGE_STYLES.get(view.stage, ""))


def contact_text(contact: RecentContact) -> str:
    """One step taken, in a few words."""
    return " ".join(filter(None, (contact.step, contact.outcome.replace("_", " "), *(f"[{rule}]" for rule in contact.rules))))


def _facts(view: CaseView) -> list[tuple[str, RenderableType]]:
    facts: list[tuple[str, RenderableType]] = [
        ("strategy", Text(view.strategy)),
        ("stage", stage_text(view)),
        ("owed", Text(f"{view.owed:,.2f} {view.currency}" + (f", since {view.due_since}" if view.due_since else ""))),
        ("days past due", Text(f"{view.days_past_due} (ladder day {view.ladder_day})")),
        ("attitude", Text(view.attitude)),
        ("next", Text(view.next + (f" at {view.next_at:%Y-%m-%d %H:%M} UTC" if view.next_at else ""))),
        ("why", Text(view.why)),
    ]
    if view.blocked_by:
        facts.append(("blocked by", Text(view.blocked_by, style="yellow")))
    if view.holds:
        facts.append(("held for", Text(", ".join(view.holds), style="yellow")))
    if view.agency:
        facts.append(("with agency", Text(view.agency, style="blue")))
    if asked := view.approval:
        facts.append(
            ("approval", Text(f"{asked.approval_id} for {asked.step}, until {asked.deadline:%Y-%m-%d %H:%M} UTC", style="magenta"))
        )
    return facts


def _contacts(contacts: tuple[RecentContact, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for contact in contacts:
        table.add_row(f"{contact.at:%Y-%m-%d %H:%M}", contact_text(contact), contact.why or "")
    return table
