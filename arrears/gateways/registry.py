"""Which gateways this house has: one place where settings become clients."""

from __future__ import annotations

from typing import Self

from arrears.config.settings import GatewayName, Settings
from arrears.domain.strategy import Channel, Referral
from arrears.gateways.contract import CHANNEL_GATEWAY, REFERRAL_GATEWAY, Gateway
from arrears.gateways.http import HttpGateway
from arrears.gateways.smtp import SmtpGateway


class Gateways:
    """All configured gateways. An absent one is ``None``: nothing is sent there, and the caller records so.

    Use it as an async context manager, or call :meth:`aclose`.
    """

    def __init__(self, settings: Settings) -> None:
        self._held: dict[GatewayName, HttpGateway | SmtpGateway] = {}
        over_http: set[GatewayName] = {*CHANNEL_GATEWAY.values(), *REFERRAL_GATEWAY.values()}
        for name in over_http:
            if (given := settings.gateway(name)) is not None:
                self._held[name] = HttpGateway(name, given)
        if settings.smtp is not None:
            self._held["email"] = SmtpGateway(settings.smtp)

    def channel(self, channel: Channel) -> Gateway | None:
        """The gateway that reaches people by ``channel``; nothing of ours writes paper letters or makes visits, others report theirs."""
        name = CHANNEL_GATEWAY.get(channel)
        return self._held.get(name) if name else None

    def referral(self, referral: Referral) -> Gateway | None:
        """The gateway of the institutions that take this kind of referral."""
        return self._held.get(REFERRAL_GATEWAY[referral])

    async def aclose(self) -> None:
        for gateway in self._held.values():
            await gateway.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
