"""A browser as the console meets one, without drawing anything: it keeps cookies, says where it comes from, and sends the token of its forms."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from arrears.domain.strategy import Role
from arrears.ledger import accounts
from arrears.ledger.audit import Actor
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import ActorKind, OperatorRow

PASSWORD = "a sentence of mine"
HOUSE = Actor(ActorKind.HOUSE, "test")
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


async def operator(ledger: Ledger, operator_id: str, role: Role, *, password: str | None = PASSWORD, must_change: bool = False) -> str:
    """Somebody who works here; their id."""
    async with ledger.session() as session:
        session.add(OperatorRow(id=operator_id, name=f"{operator_id.title()} Example", role=role))
    if password is not None:
        await accounts.set_password(ledger, operator_id, password, datetime.now(UTC), by=HOUSE, must_change=must_change)
    return operator_id


class Browser:
    """Loads pages and sends their forms."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.csrf = ""

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return self._seen(await self.http.get(path, **more))

    async def send(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        """Send a form of the page that was loaded last."""
        given = {"csrf": self.csrf} | fields
        return self._seen(await self.http.post(path, data=given, headers=SAME_ORIGIN if headers is None else headers))

    async def sign_in(self, name: str, password: str = PASSWORD, wanted: str = "/", **more: Any) -> httpx.Response:
        return await self.send("/login", name=name, password=password, next=wanted, **more)

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        if found := re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text):
            self.csrf = found[1]
        return answer


@asynccontextmanager
async def browsing(app: FastAPI, base: str = "http://arrears", address: str = "127.0.0.1") -> AsyncGenerator[Browser]:
    """A browser at ``address``."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50000))
    async with httpx.AsyncClient(transport=transport, base_url=base, headers={"accept-language": "en"}) as http:
        yield Browser(http)
