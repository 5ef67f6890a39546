"""Borrowers live the same life for the same seed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from arrears.domain.loan import Instalment
from arrears.domain.outcome import UNREACHED, Outcome
from arrears.sandbox import temperament as t

RESIDENT = t.Resident(
    loan_id="L-1",
    temperament=t.willing(2),
    instalments=(Instalment(due_on=date(2026, 11, 1), amount=Decimal("100.01")),),
    zone="Asia/Shanghai",
)


def said(temperament: t.Temperament, calls: int, whom: t.Whom = "registered", seed: int = 7) -> list[Outcome]:
    return [t.answer(temperament, whom, n, seed, f"L-1.1/call.{n}") for n in range(calls)]


def test_who_never_answers_is_never_reached_and_the_same_seed_gives_the_same_reasons():
    first = said(t.never_answers(), 40)
    assert set(first) == {Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL}
    assert said(t.never_answers(), 40) == first
    assert said(t.never_answers(), 40, seed=8) != first


def test_who_delays_does_so_some_times_and_then_refuses():
    assert said(t.delays(2), 4) == [Outcome.ANSWERED_DELAYING] * 2 + [Outcome.ANSWERED_REFUSING] * 2


def test_who_moved_away_is_reached_neither_at_the_old_nor_at_the_reserve_number():
    assert said(t.moved_away(), 3) == [Outcome.SOMEONE_ELSE, Outcome.INVALID_NUMBER, Outcome.INVALID_NUMBER]
    assert said(t.moved_away(), 1, "reserve") == [Outcome.SOMEONE_ELSE]


def test_relatives_relay_or_refuse():
    assert said(t.never_answers(), 1, "relative") == [Outcome.RELAYED]
    assert said(t.relative_refuses(), 1, "relative") == [Outcome.RELATIVE_REFUSED]
    assert set(said(t.relative_refuses(), 5)) <= UNREACHED


def test_a_willing_borrower_pays_days_after_they_were_reached_and_not_before():
    assert t.payment_instants(RESIDENT, ()) == (None,)
    reached = t.Spoken(whom="registered", outcome=Outcome.ANSWERED_WILLING, at=datetime(2026, 11, 2, 16, 30, tzinfo=UTC))
    again = reached.model_copy(update={"at": datetime(2026, 11, 9, 2, 0, tzinfo=UTC)})
    # 16:30 UTC is already the 3rd in Shanghai.
    assert t.payment_instants(RESIDENT, (reached, again)) == (datetime(2026, 11, 5, 4, 30, tzinfo=UTC),)


@pytest.mark.parametrize("days", [(3,), (3, 9), (3, 9, 16)])
def test_paying_in_parts_settles_everything_to_the_cent(days: tuple[int, ...]):
    owed = Decimal("100.01")
    parts: list[Decimal] = []
    for pays in t.pays_in_parts(*days).pays:
        parts.append(t.part_of(owed, pays.share))
        owed -= parts[-1]
    assert owed == 0
    assert max(parts) - min(parts) <= Decimal("0.02")


@pytest.mark.parametrize("name", t.TEMPERAMENTS)
def test_every_temperament_survives_being_written_down(name: str):
    person = t.TEMPERAMENTS[name]()
    assert person.name == name
    assert t.Temperament.model_validate_json(person.model_dump_json()) == person
