"""The world's mail server: takes letters on loopback and records each one that really came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import ValidationError

from arrears.domain.strategy import Channel
from arrears.gateways.contract import Outgoing
from arrears.gateways.smtp import key_of

if TYPE_CHECKING:
    from arrears.sandbox.world import SandboxWorld

_LARGEST_LETTER = 2 * 1024 * 1024


class Mailroom:
    """Answers the SMTP commands; its method names are aiosmtpd's."""

    def __init__(self, world: SandboxWorld) -> None:
        self._world = world

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002
        """Record the letter, or fail as commanded."""
        try:
            letter = read_letter(envelope)
        except (ValidationError, ValueError, TypeError):
            return "554 5.6.0 this letter cannot be read"
        match self._world.faults.strike("email", ("timeout", "error", "rate_limited", "refused", "garbage"), letter.key):
            case None:
                pass
            case fault:
                match fault.kind:
                    case "timeout":
                        await asyncio.sleep(fault.seconds)
                        return "421 4.4.2 too late"
                    case "refused":
                        return "550 5.1.1 no such mailbox"
                    case "garbage":
                        return "banana"
                    case _:
                        return "451 4.3.0 try again"
        self._world.take("email", letter, letter.to)
        if self._world.faults.strike("email", ("lost_answer",), letter.key):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 2.0.0 OK"


def read_letter(envelope: Envelope) -> Outgoing:
    """The order that a letter carries. Raises ``ValueError`` or ``TypeError`` for one that Arrears would not write."""
    if not isinstance(envelope.content, bytes):
        raise TypeError("a letter is bytes")
    mail = message_from_bytes(envelope.content, policy=policy.default)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return Outgoing(
        key=key_of(str(mail["Message-ID"])),
        channel=Channel.EMAIL,
        to=envelope.rcpt_tos[0],
        text="" if text is None else text.get_content(),
        html=None if html is None else html.get_content(),
        subject=str(mail["Subject"]),
        language=str(mail["Content-Language"]),
        requested_at=parsedate_to_datetime(str(mail["Date"])),
    )


@asynccontextmanager
async def serving_mail(world: SandboxWorld, port: int) -> AsyncGenerator[int]:
    """Serve SMTP on loopback; yields the port (a free one for 0)."""
    mailroom = Mailroom(world)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailroom, hostname="sandbox.example", data_size_limit=_LARGEST_LETTER, ident="sandbox"), "127.0.0.1", port
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
