"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from arrears.api.cases import TemporalAway
from arrears.api.house import Here
from arrears.ledger.vault import KeyProblem

router = APIRouter(tags=["health"])
_log = logging.getLogger(__name__)

State = Literal["ok", "away", "locked"]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether what the process needs is there. Facts are taken while Temporal is away; without the ledger nothing is.

    ``locked``: the ledger answers, and its personal data are sealed with another key than the one given.
    """

    ledger: State
    temporal: State


@router.get("/healthz")
async def alive() -> Alive:
    """The process lives."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready}})
async def ready(here: Here, response: Response) -> Ready:
    """The ledger and Temporal answer; 503 if one does not."""
    state = Ready(ledger=await _ledger(here), temporal=await _temporal(here))
    if (state.ledger, state.temporal) != ("ok", "ok"):
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return state


async def _ledger(here: Here) -> State:
    try:
        await here.ledger.check()
    except KeyProblem as problem:
        _log.error("%s", problem)
        return "locked"
    except Exception:
        _log.exception("the ledger does not answer")
        return "away"
    return "ok"


async def _temporal(here: Here) -> State:
    try:
        await here.cases.check()
    except TemporalAway:
        return "away"
    return "ok"
