"""What a rule of the checker is: a function that looks at a contact at the instant it left, and tells how it broke the rule, if it did."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from arrears.prove.sending import Breach, Sending

Check = Callable[[Sending], Breach | None]

EVERYBODY = frozenset({"borrower", "liable", "joint_spouse", "representative", "volunteer", "third"})
DEBTORS = frozenset({"borrower", "liable", "joint_spouse"})
NOT_THE_BORROWER = EVERYBODY - {"borrower"}
OTHERS = frozenset({"third"})
NOT_LIABLE = frozenset({"third", "volunteer", "joint_spouse"})


@dataclass(frozen=True, slots=True)
class Rule:
    """``regime`` is the law that it belongs to, empty for ours. Only what left towards a person of one of ``standings`` by one of ``channels`` is asked.

    ``reported``: contacts that others made are asked too; rules about our own records are not for them.
    """

    id: str
    regime: str
    plain: str
    check: Check
    channels: frozenset[str] | None
    standings: frozenset[str]
    reported: bool

    def applies(self, regimes: frozenset[str], channel: str, standing: str, reported: bool) -> bool:
        return (
            (not self.regime or self.regime in regimes)
            and (self.channels is None or channel in self.channels)
            and standing in self.standings
            and (self.reported or not reported)
        )


RULES: list[Rule] = []
"""Every rule about contacts, in the order in which the modules of this room define them."""


def law(
    rule_id: str,
    regime: str = "",
    *,
    by: frozenset[str] | None = None,
    to: frozenset[str] = EVERYBODY,
    reported: bool = True,
) -> Callable[[Check], Check]:
    """Make a function a rule. Its docstring's first paragraph is the rule in plain words."""

    def define(check: Check) -> Check:
        plain = (inspect.getdoc(check) or "").split("\n\n")[0].replace("\n", " ")
        RULES.append(Rule(rule_id, regime, plain, check, by, to, reported))
        return check

    return define
