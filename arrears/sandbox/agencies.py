"""The agencies of the sandbox: what the lender's files say of them, and what they report of their own work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from arrears.domain.strategy import ReferralRung, Strategy
from arrears.ledger.facts.kinds import AgencyContacts, AgencyTold

REPORTS_EVERY = timedelta(hours=6)
_YEAR = timedelta(days=365)


def named_in(strategies: Iterable[Strategy]) -> tuple[str, ...]:
    """The agencies that ladders place cases with, each once."""
    rungs = (rung for strategy in strategies for rung in strategy.rungs())
    return tuple(sorted({rung.agency for rung in rungs if isinstance(rung, ReferralRung) and rung.agency is not None}))


def in_good_standing(agencies: Iterable[str], today: date) -> tuple[AgencyTold, ...]:
    """What a lender would record of agencies that may get cases: listed, under contract, reviewed, assessed."""
    return tuple(
        AgencyTold(
            fact="agency",
            agency=agency,
            listed_from=today - _YEAR,
            contract_from=today - _YEAR,
            contract_until=today + 4 * _YEAR,
            reviewed_on=today - timedelta(days=10),
            assessment_id=f"assessment-{agency}",
            agreed=frozenset({"purpose", "term", "manner", "data_kinds", "safeguards"}),
        )
        for agency in agencies
    )


def report(agency: str, up_to: datetime) -> AgencyContacts:
    """These agencies write to nobody: their report says up to when that is so."""
    return AgencyContacts(fact="agency_contacts", agency=agency, up_to=up_to)
