"""Who may do what, cell by cell. The expectation is written out on purpose: a change of the table is seen in review here as well."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from arrears.config.access import packaged_access
from arrears.domain.access import Access, Action
from arrears.domain.strategy import Role

_COLUMNS = {"c": Role.COLLECTOR, "s": Role.SUPERVISOR, "r": Role.RISK_CONTROL, "a": Role.AUDITOR, "m": Role.ADMIN}
_TABLE = """
cases.read        c s r a m
persons.read      c s r a .
messages.read     c s r a .
cases.open        . s . . .
cases.withdraw    . s . . .
payments.record   . s . . .
payments.reverse  . s . . .
promises.make     c s . . .
plans.agree       . s . . .
holds.place       c s r . .
holds.lift        . s r . .
objections.record c s r . .
wishes.record     c s r . .
consents.record   c s . . .
facts.record      . s . . .
approvals.read    c s r a .
approvals.decide  . s r . .
tasks.read        c s r a .
tasks.work        c s r . .
agencies.report   . . . . .
agencies.manage   . . r . .
portfolio.read    . s r a m
lists.export      . s r a .
audit.read        . . . a m
proof.read        . s r a m
events.replay     . . . . m
access.manage     . . . . m
"""
_ROWS = {line.split()[0]: line.split()[1:] for line in _TABLE.strip().splitlines()}
_CELLS = [(Action(name), role, letter in cells) for name, cells in _ROWS.items() for letter, role in _COLUMNS.items()]


@pytest.mark.parametrize(("action", "role", "may"), _CELLS)
def test_a_role_may_do_what_the_table_says_and_nothing_else(action: Action, role: Role, may: bool):
    assert packaged_access().allows(role, action) is may


def test_every_action_and_every_role_is_looked_at():
    assert {Action(name) for name in _ROWS} == set(Action)
    assert set(_COLUMNS.values()) == set(Role)


def test_an_action_without_a_row_is_refused_by_name():
    rows = {action: row for action, row in packaged_access().actions.items() if action is not Action.EXPORT}
    with pytest.raises(ValidationError, match=r"has no row for lists\.export"):
        Access(version=1, actions=rows)
