"""Email through a mail server. SMTP knows no idempotency and cannot be asked: what is not surely unsent counts as sent."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import quote, unquote

import aiosmtplib

from arrears.config.settings import GatewayName, SmtpSettings
from arrears.domain.outcome import Outcome
from arrears.gateways.contract import GatewayFinal, GatewayRetryable, Handover, Outgoing, Receipt


class SmtpGateway:
    """Sends one mail a connection; the ``Message-ID`` is derived from the key, so a second copy can be recognised by whoever receives it."""

    name: GatewayName = "email"

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, order: Outgoing | Handover) -> Receipt:
        """Hand the mail to the server; see :class:`arrears.gateways.contract.Gateway`."""
        if isinstance(order, Handover):
            raise GatewayFinal(self.name, "not_a_message")
        try:
            mail = compose(order, self._settings.sender)
        except ValueError:
            raise GatewayFinal(self.name, "unmailable") from None
        answer = await self._deliver(mail)
        return Receipt(status="accepted", gateway_ref=answer[:200] or None)

    async def look_up(self, key: str) -> Receipt | None:  # noqa: ARG002 (the wire cannot be asked about any key)
        """Always final and unknown; see :class:`arrears.gateways.contract.Gateway`."""
        return Receipt(status="final", outcome=Outcome.UNKNOWN)

    async def aclose(self) -> None:
        """Nothing is held between mails."""

    async def _deliver(self, mail: EmailMessage) -> str:
        """The server's last word. Connecting and sending may take ``timeout_seconds`` each."""
        given = self._settings
        client = aiosmtplib.SMTP(
            hostname=given.host,
            port=given.port,
            timeout=given.timeout_seconds,
            use_tls=given.tls == "implicit",
            start_tls=given.tls == "starttls",
        )
        try:
            await self._connect(client)
            return await self._hand_over(client, mail)
        finally:
            client.close()

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        given = self._settings
        try:
            async with asyncio.timeout(given.timeout_seconds):
                await client.connect()
                if given.username is not None and given.password is not None:
                    await client.login(given.username, given.password.get_secret_value())
        except aiosmtplib.SMTPResponseException as refused:
            raise self._refused(refused.code) from None
        except (aiosmtplib.SMTPException, OSError):
            raise GatewayRetryable(self.name, "mail_server_unreachable", maybe_sent=False) from None

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: EmailMessage) -> str:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                _, answer = await client.send_message(mail)
                return answer
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise self._refused(refused.recipients[0].code) from None
        except aiosmtplib.SMTPResponseException as refused:
            raise self._refused(refused.code) from None
        except aiosmtplib.SMTPNotSupported:
            raise GatewayFinal(self.name, "address_not_supported") from None
        except (aiosmtplib.SMTPException, OSError):
            raise GatewayRetryable(self.name, "mail_connection_lost", maybe_sent=True) from None

    def _refused(self, code: int) -> GatewayRetryable | GatewayFinal:
        if code >= 500:
            return GatewayFinal(self.name, f"smtp_{code}")
        return GatewayRetryable(self.name, f"smtp_{code}" if code >= 400 else "no_smtp_answer", maybe_sent=False)


def compose(order: Outgoing, sender: str) -> EmailMessage:
    """The mail: plain text, with the HTML beside it if there is any.

    Raises:
        ValueError: the address or the subject cannot stand in a mail header.
    """
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = order.to
    mail["Subject"] = order.subject or ""
    mail["Date"] = format_datetime(order.requested_at)
    mail["Message-ID"] = message_id(order.key, sender)
    mail["Content-Language"] = order.language
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(order.text)
    if order.html is not None:
        mail.add_alternative(order.html, subtype="html")
    return mail


def message_id(key: str, sender: str) -> str:
    """The same for the same attempt; :func:`key_of` finds the key again."""
    return f"<{quote(key, safe='/')}@{sender.rpartition('@')[2]}>"


def key_of(message_id: str) -> str:
    """The key that a ``Message-ID`` of ours was made from."""
    return unquote(message_id.strip("<> ").rpartition("@")[0])
