"""Delivers what the world has to tell Arrears: signed, at least once, for as long as it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import httpx
from pydantic import SecretStr

from arrears.config.settings import GatewayName
from arrears.gateways.signing import signature_headers
from arrears.gateways.trust import trusted
from arrears.sandbox.record import Record, Report

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_GIVEN_UP = frozenset({400, 404, 409, 413, 422})


class Post:
    """The world's post office: whatever the record holds as waiting is delivered when it is due, and again until it is taken or refused for good."""

    def __init__(self, record: Record, secrets: Mapping[GatewayName, SecretStr]) -> None:
        self._record = record
        self._secrets = secrets
        self._new = asyncio.Event()
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(10, connect=2), trust_env=False, verify=trusted())

    def ring(self) -> None:
        """Something was put into the record."""
        self._new.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._new.clear()
                if due := self._record.reports(due_before=time.time()):
                    await asyncio.gather(*(self._deliver(report) for report in due))
                else:
                    await self._until_next()
        finally:
            await self._http.aclose()

    async def _until_next(self) -> None:
        due_at = self._record.next_report_due()
        try:
            await asyncio.wait_for(self._new.wait(), None if due_at is None else max(due_at - time.time(), 0.001))
        except TimeoutError:
            return

    async def _deliver(self, report: Report) -> None:
        body = report.body.encode()
        headers = signature_headers(self._secrets[report.gateway], report.message_id, body) | {"content-type": "application/json"}
        try:
            answer = await self._http.post(report.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as unreached:
            return self._later(report, type(unreached).__name__)
        if answer.is_success:
            return self._record.report_told(report.n, "delivered", str(answer.status_code))
        if answer.status_code in _GIVEN_UP:
            return self._record.report_told(report.n, "refused", f"{answer.status_code} {answer.text[:500]}")
        return self._later(report, str(answer.status_code))

    def _later(self, report: Report, answer: str) -> None:
        pause = min(_FIRST_PAUSE * 2**report.tries, _LONGEST_PAUSE)
        self._record.report_again(report.n, time.time() + pause, answer)
