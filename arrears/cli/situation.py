"""`arrears case situation`: what a contact would be judged on right now, as a document that `arrears verdict` reads."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from arrears.cli.output import print_json
from arrears.cli.site import DataDir, Site, find_site
from arrears.domain.orders import Purpose
from arrears.domain.situation import Situation
from arrears.domain.strategy import Channel
from arrears.ledger import situations
from arrears.ledger.situations import Office


def situation(
    loan_id: Annotated[str, typer.Argument(help="The loan.")],
    channel: Annotated[Channel, typer.Option(help="How the person would be reached.")] = Channel.SMS,
    person: Annotated[str | None, typer.Option(help="Who, by id, if not the borrower.")] = None,
    purpose: Annotated[Purpose, typer.Option(help="What for.")] = Purpose.COLLECT,
    approval: Annotated[str | None, typer.Option(help="The approval that the contact would rely on.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Print the situation of a contact for a loan's case, as JSON for `arrears verdict`.

    It holds ids, dates, amounts and codes; of personal data, dates of birth and time zones only. The text of the message is not in it.
    """
    site = find_site(data_dir)
    print_json(
        asyncio.run(_read(site, loan_id, channel, person, purpose, approval)).model_dump(mode="json", by_alias=True, exclude_none=True)
    )


async def _read(site: Site, loan_id: str, channel: Channel, person: str | None, purpose: Purpose, approval: str | None) -> Situation:
    office = Office(seat=site.settings.lender_seat, capacity=site.settings.lender_capacity)
    async with site.ledger() as ledger, ledger.exclusive() as session:
        return await situations.situation_of(
            session, loan_id, site.now, office, channel=channel, person_id=person, purpose=purpose, approval_id=approval
        )
