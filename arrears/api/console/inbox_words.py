"""What is said in the inbox: reasons that can be chosen, and what went wrong, in the operator's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arrears.api.console.desk import Desk
from arrears.api.console.render import words
from arrears.api.problems import Problem

REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "approve": ("evidence_complete", "nothing_milder_left", "other"),
    "deny": ("evidence_incomplete", "borrower_can_be_reached", "person_or_words_unfit", "borrower_is_vulnerable", "other"),
}
"""Why a request is decided as it is, as codes; ``other`` wants a note."""


def decision_of(reason: str) -> str:
    """``approve:evidence_complete`` is a reason to approve. Empty for what is no reason of ours."""
    decision, _, code = reason.partition(":")
    return decision if code in REASONS.get(decision, ()) else ""


def reason_text(reason: str, note: str) -> str | None:
    """What is kept of a reason: its code and the note. ``None`` if there is none, or ``other`` without a note."""
    if not decision_of(reason):
        return None
    code, said = reason.partition(":")[2], note.strip()
    if code == "other":
        return said or None
    return f"{code}: {said}" if said else code


def trouble(desk: Desk, problem: Problem) -> str:
    """A problem of an operation for whoever has the card before them."""
    say = desk.gettext
    match problem.code:
        case "already_decided":
            return say("Somebody else was faster. Your decision was not taken.")
        case "expired":
            return say("The time to decide is over. Your decision was not taken.")
        case "void":
            return say("Events have overtaken this request. Your decision was not taken.")
        case "wrong_role":
            return say("This is for another role.")
        case "own_request":
            return say("You asked for this yourself: somebody else must decide.")
        case "temporal_away":
            return say("The case does not answer just now. Nothing was decided; try again in a moment.")
        case "task_taken":
            return say("Somebody else has taken this task.")
        case "task_over":
            return say("This task is over already.")
        case "forbidden":
            return say("Your role may not do this.")
        case _:
            return words(desk.tongue).told(problem.detail)
