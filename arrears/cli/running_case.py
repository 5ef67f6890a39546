"""One loan's case, spoken to from the command line. Whatever goes wrong becomes an error that says what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from pydantic import BaseModel
from temporalio.client import Client

from arrears.cli.output import CommandFailed, Unreachable, refuse
from arrears.ledger import loans
from arrears.ledger.engine import Ledger
from arrears.workflows import asking
from arrears.workflows.contract import CaseRequest, CaseView


class NoSuchCase(CommandFailed):
    """No case of that loan is known, or none that still runs."""


class NotReadyYet(CommandFailed):
    """The case cannot answer at this moment."""


class CaseFailed(CommandFailed):
    """The workflow of the case ended without closing the case."""


async def open_case(client: Client, ledger: Ledger, request: CaseRequest) -> str:
    """Start the loan's case, or join the one that runs; the run's id. Raises ``CommandFailed`` if the loan is not known, ``Unreachable``."""
    try:
        async with ledger.reading() as session:
            known = await loans.known(session, request.loan_id)
    except loans.LoanUnknown as unknown:
        refuse(str(unknown))
    with _explained():
        return await asking.start(client, request, known)


async def view(client: Client, loan_id: str, within: timedelta = asking.ANSWER_WITHIN, tries: int = 5) -> CaseView:
    """Where the case stands, also after it closed. Raises ``NoSuchCase``, ``CaseFailed``, ``NotReadyYet``, ``Unreachable``."""
    with _explained():
        return await asking.view(client, loan_id, within, tries)


async def update(client: Client, loan_id: str, name: str, message: BaseModel, update_id: str | None = None) -> CaseView:
    """Tell the case a fact and wait until it has taken it in.

    Raises ``CommandFailed`` with the case's own reason if it refuses, ``NoSuchCase``, ``Unreachable``.
    """
    with _explained():
        return await asking.update(client, loan_id, name, message, update_id)


async def signal(client: Client, loan_id: str, name: str, message: BaseModel) -> None:
    """Leave a message for the case; it need not be awake. Raises ``NoSuchCase``, ``Unreachable``."""
    with _explained():
        await asking.signal(client, loan_id, name, message)


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except asking.NoSuchCase as gone:
        raise NoSuchCase(f"{gone}; open one with `arrears case open {gone.loan_id}`") from gone
    except asking.NotReadyYet as early:
        raise NotReadyYet(str(early)) from early
    except asking.CaseFailed as failed:
        raise CaseFailed(str(failed)) from failed
    except asking.CaseAway as away:
        raise Unreachable(str(away)) from away
    except asking.CaseRefused as refused:
        raise CommandFailed(refused.why) from refused
