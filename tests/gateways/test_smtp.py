"""Email over a real mail server, and what each way of failing means for a retry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from arrears.config.settings import SmtpSettings
from arrears.domain.outcome import Outcome
from arrears.gateways.contract import GatewayFinal, GatewayRetryable, Outgoing
from arrears.gateways.smtp import SmtpGateway, message_id
from tests.gateways.conftest import Answer, peer


class Office:
    """A mail office that takes every letter, or answers one command in its own way."""

    def __init__(self, at: str = "", says: str = "") -> None:
        self.at, self.says = at, says
        self.letters: list[bytes] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.at == "RCPT":
            return self.says
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.at == "DATA":
            return self.says
        if self.at == "CUT":
            assert server.transport is not None
            server.transport.abort()
        assert isinstance(envelope.content, bytes)
        self.letters.append(envelope.content)
        return "250 OK queued as q-1"


def settings(port: int) -> SmtpSettings:
    return SmtpSettings(host="127.0.0.1", port=port, sender="collections@lender.example", tls="none", timeout_seconds=0.5)


@asynccontextmanager
async def running(office: Office) -> AsyncIterator[SmtpGateway]:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(office, hostname="office"), "127.0.0.1", 0)
    try:
        yield SmtpGateway(settings(server.sockets[0].getsockname()[1]))
    finally:
        server.close()


@pytest.fixture
def letter(order: Outgoing) -> Outgoing:
    return order.model_copy(update={"to": "zhang.san@mail.example"})


async def test_a_letter_arrives_whole_in_text_and_html(letter: Outgoing):
    office = Office()
    async with running(office) as gateway:
        receipt = await gateway.send(letter)
    assert (receipt.status, receipt.outcome) == ("accepted", None)
    mail = message_from_bytes(office.letters[0], policy=policy.default)
    assert mail["To"] == letter.to
    assert mail["Subject"] == "Your loan"
    text, html = mail.iter_parts()  # type: ignore[attr-defined]
    assert text.get_content().strip() == letter.text
    assert html.get_content().strip() == letter.html


async def test_the_message_id_comes_from_the_attempt_and_is_the_same_on_every_try(letter: Outgoing):
    office = Office()
    async with running(office) as gateway:
        await gateway.send(letter)
        await gateway.send(letter)
    ids = {message_from_bytes(mail)["Message-ID"] for mail in office.letters}
    assert ids == {message_id(letter.key, "collections@lender.example")}


async def test_mail_cannot_be_looked_up_so_its_fate_is_unknown(letter: Outgoing):
    async with running(Office()) as gateway:
        receipt = await gateway.look_up(letter.key)
    assert receipt is not None
    assert (receipt.status, receipt.outcome) == ("final", Outcome.UNKNOWN)


@pytest.mark.parametrize(("at", "says", "code"), [("RCPT", "550 no such mailbox zhang.san", "smtp_550"), ("DATA", "554 spam", "smtp_554")])
async def test_a_permanent_refusal_is_final_and_names_nobody(letter: Outgoing, at: str, says: str, code: str):
    async with running(Office(at, says)) as gateway:
        with pytest.raises(GatewayFinal) as raised:
            await gateway.send(letter)
    assert str(raised.value) == f"gateway email: {code}"


@pytest.mark.parametrize(("at", "says"), [("RCPT", "451 greylisted"), ("DATA", "452 no space")])
async def test_a_passing_refusal_may_be_retried_and_nothing_was_sent(letter: Outgoing, at: str, says: str):
    async with running(Office(at, says)) as gateway:
        with pytest.raises(GatewayRetryable) as raised:
            await gateway.send(letter)
    assert not raised.value.maybe_sent


async def test_a_connection_cut_after_the_letter_may_have_delivered_it(letter: Outgoing):
    async with running(Office("CUT")) as gateway:
        with pytest.raises(GatewayRetryable) as raised:
            await gateway.send(letter)
    assert raised.value.maybe_sent


async def test_no_mail_server_means_that_nothing_was_sent(letter: Outgoing):
    async with peer(b"") as gone:
        port = gone.port
    with pytest.raises(GatewayRetryable) as raised:
        await SmtpGateway(settings(port)).send(letter)
    assert not raised.value.maybe_sent


async def test_an_address_that_the_server_cannot_write_is_final_and_nothing_was_sent(letter: Outgoing):
    office = Office()
    async with running(office) as gateway:
        with pytest.raises(GatewayFinal, match="address_not_supported"):
            await gateway.send(letter.model_copy(update={"to": "张三@mail.example"}))
    assert office.letters == []


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def _strange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("answer", [_silent, _strange, b""])
async def test_a_server_that_does_not_greet_was_sent_nothing(letter: Outgoing, answer: Answer):
    async with peer(answer) as there:
        with pytest.raises(GatewayRetryable) as raised:
            await SmtpGateway(settings(there.port)).send(letter)
    assert not raised.value.maybe_sent


@pytest.mark.parametrize("field", ["to", "subject"])
async def test_an_address_or_subject_that_would_add_headers_is_refused(letter: Outgoing, field: str):
    office = Office()
    async with running(office) as gateway:
        with pytest.raises(GatewayFinal, match="unmailable"):
            await gateway.send(letter.model_copy(update={field: "a@b.example\r\nBcc: all@b.example"}))
    assert office.letters == []
