"""What a message of each class is for, and what amounts it may name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from arrears.domain.message import MessageClass, PlanLine, ScheduleLine, figures, purpose_of
from arrears.domain.orders import Purpose


def test_every_class_but_the_one_for_others_has_a_purpose_of_its_own() -> None:
    purposes = {klass: purpose_of(klass) for klass in MessageClass if klass is not MessageClass.LOCATE_ONLY}
    assert purposes[MessageClass.LIMITED_CONTENT] is Purpose.COLLECT
    assert purposes[MessageClass.OPT_OUT_CONFIRMATION] is Purpose.CONFIRM_OPT_OUT
    assert set(purposes.values()) == set(Purpose) - {Purpose.LOCATE, Purpose.RELAY}


def test_a_message_for_others_has_no_purpose_towards_the_borrower() -> None:
    with pytest.raises(ValueError, match="others than the borrower"):
        purpose_of(MessageClass.LOCATE_ONLY)


def test_the_figures_are_what_is_overdue_each_instalment_its_parts_and_a_plans_payments() -> None:
    line = ScheduleLine(n=1, due_on=date(2026, 11, 1), principal=Decimal(100), interest=Decimal(5), fees=Decimal(1), unpaid=Decimal(56))
    plan = PlanLine(due_on=date(2026, 12, 1), amount=Decimal(28))
    assert set(figures(Decimal(56), [line], [plan])) == {Decimal(n) for n in (56, 100, 5, 1, 106, 28)}
