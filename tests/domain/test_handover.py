"""Institutions are told what they need, and nothing else."""

from __future__ import annotations

import pytest

from arrears.domain.handover import ENVELOPE, TOLD, ToldTooMuch, check, told
from arrears.domain.strategy import Referral
from arrears.gateways.contract import Handover

PERSONAL = ("name", "borrower", "phone", "address", "birth_date", "relatives", "text", "email", "person_id")


@pytest.mark.parametrize("target", list(Referral))
def test_every_recipient_has_a_list_of_its_own(target: Referral) -> None:
    check(target, told(target) | ENVELOPE)


@pytest.mark.parametrize("target", list(Referral))
@pytest.mark.parametrize("field", PERSONAL)
def test_nobody_is_told_of_people(target: Referral, field: str) -> None:
    with pytest.raises(ToldTooMuch) as refused:
        check(target, {*told(target), field})
    assert refused.value.fields == (field,)


def test_only_an_agency_is_told_when_its_term_ends() -> None:
    assert [target for target in Referral if "until" in TOLD[target]] == [Referral.AGENCY]


def test_an_order_can_say_nothing_that_no_list_knows() -> None:
    assert set(Handover.model_fields) == ENVELOPE | set().union(*TOLD.values())
