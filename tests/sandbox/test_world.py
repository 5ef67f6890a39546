"""The sandbox world, through the clients that Arrears really uses."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from arrears.config.settings import Settings
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral
from arrears.gateways.contract import CallbackBody, GatewayFinal, GatewayRetryable, Handover
from arrears.gateways.registry import Gateways
from arrears.sandbox import temperament as t
from arrears.sandbox.faults import Fault, FaultKind
from arrears.sandbox.world import SandboxWorld
from tests.sandbox.conftest import DAY_ONE, Listener, gateways_of, order, resident


async def test_every_channel_of_ours_and_every_referral_has_a_gateway_in_the_world():
    async with SandboxWorld.running() as world, gateways_of(world) as gateways:
        ours = (Channel.CALL, Channel.SMS, Channel.EMAIL, Channel.IN_APP)
        for channel in ours:
            gateway = gateways.channel(channel)
            assert gateway is not None
            assert (await gateway.send(order(channel, f"L-1.1/{channel}.1"))).status == "accepted"
        for target in Referral:
            gateway = gateways.referral(target)
            assert gateway is not None
            handover = Handover(
                key=f"L-1.1/{target}.1",
                target=target,
                loan_id="L-1",
                case_id="L-1.1",
                owed=Decimal(1),
                currency="CNY",
                requested_at=DAY_ONE,
            )
            assert (await gateway.send(handover)).status == "accepted"
        assert {(o.key, o.sends) for o in world.sent("L-1")} == {(f"L-1.1/{x}.1", 1) for x in (*ours, *Referral)}


async def test_the_same_key_leaves_once_however_often_it_is_sent():
    async with SandboxWorld.running() as world, gateways_of(world) as gateways:
        sms = gateways.channel(Channel.SMS)
        assert sms is not None
        receipts = [await sms.send(order(Channel.SMS, at=DAY_ONE + timedelta(minutes=n))) for n in range(3)]
        assert len({r.gateway_ref for r in receipts}) == 1
        (sent,) = world.sent()
        assert (sent.requests, sent.sends) == (3, 1)


async def test_a_second_letter_is_really_a_second_letter():
    async with SandboxWorld.running() as world, gateways_of(world) as gateways:
        email = gateways.channel(Channel.EMAIL)
        assert email is not None
        for _ in range(2):
            await email.send(order(Channel.EMAIL, "L-1.1/letter.1"))
        (sent,) = world.sent()
        assert (sent.key, sent.sends) == ("L-1.1/letter.1", 2)


async def test_a_key_cannot_be_used_for_another_recipient():
    async with SandboxWorld.running() as world, gateways_of(world) as gateways:
        sms = gateways.channel(Channel.SMS)
        assert sms is not None
        await sms.send(order(Channel.SMS))
        with pytest.raises(GatewayFinal, match="key_reused"):
            await sms.send(order(Channel.SMS).model_copy(update={"to": "+8613000000002"}))


async def test_a_calls_outcome_comes_by_a_signed_callback_in_business_time(arrears: Listener):
    async with SandboxWorld.running(temperaments={"L-1": t.refuses()}) as world, gateways_of(world) as gateways:
        arrears.secrets = world.secrets
        voice = gateways.channel(Channel.CALL)
        assert voice is not None
        receipt = await voice.send(order(url=f"{arrears.url}/v1/callbacks/voice"))
        assert (receipt.status, receipt.outcome) == ("accepted", None)
        await world.told()
        [(path, _, body)] = arrears.heard
        told = CallbackBody.model_validate_json(body)
        assert (path, told.kind, told.outcome, told.party) == ("v1/callbacks/voice", "call_outcome", Outcome.ANSWERED_REFUSING, "borrower")
        assert timedelta(seconds=20) < told.at - DAY_ONE < timedelta(minutes=3)


async def test_a_call_that_is_going_on_has_no_outcome_when_it_is_looked_up():
    async with SandboxWorld.running(temperaments={"L-1": t.refuses()}, answer_seconds=0.2) as world, gateways_of(world) as gateways:
        voice = gateways.channel(Channel.CALL)
        assert voice is not None
        assert await voice.look_up("L-1.1/call.1") is None
        await voice.send(order())
        first = await voice.look_up("L-1.1/call.1")
        assert first is not None
        assert first.outcome is None
        await asyncio.sleep(0.25)
        last = await voice.look_up("L-1.1/call.1")
        assert last is not None
        assert (last.status, last.outcome) == ("final", Outcome.ANSWERED_REFUSING)


async def test_a_known_address_decides_whose_line_it_is(arrears: Listener):
    home = t.Resident(
        loan_id="L-1",
        temperament=t.moved_away(),
        addresses={"+8613000000001": "registered", "+8613000000002": "reserve", "+8613000000003": "relative"},
    )
    async with SandboxWorld.running(residents=[home]) as world, gateways_of(world) as gateways:
        voice = gateways.channel(Channel.CALL)
        assert voice is not None
        for n in (1, 2, 3):
            await voice.send(order(key=f"L-1.1/call.{n}").model_copy(update={"to": f"+861300000000{n}"}))
        assert [(o.whom, o.outcome) for o in world.sent()] == [
            ("registered", Outcome.SOMEONE_ELSE),
            ("reserve", Outcome.SOMEONE_ELSE),
            ("relative", Outcome.RELAYED),
        ]


@pytest.mark.parametrize(
    ("kind", "error", "maybe_sent", "left"),
    [
        ("timeout", GatewayRetryable, True, 0),
        ("error", GatewayRetryable, True, 0),
        ("garbage", GatewayRetryable, True, 0),
        ("rate_limited", GatewayRetryable, False, 0),
        ("refused", GatewayFinal, False, 0),
        ("lost_answer", GatewayRetryable, True, 1),
    ],
)
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
async def test_the_world_fails_on_command_and_then_works_again(
    kind: FaultKind, error: type[Exception], maybe_sent: bool, left: int, channel: Channel
):
    async with SandboxWorld.running() as world:
        hasty = {
            name: given.model_copy(update={"answer_seconds": 0.2, "timeout_seconds": 0.2})
            for name, given in world.gateway_settings().items()
        }
        async with Gateways(Settings.model_validate(hasty)) as gateways:
            gateway = gateways.channel(channel)
            assert gateway is not None
            world.fail(Fault(kind=kind, seconds=0.4))
            with pytest.raises(error) as raised:
                await gateway.send(order(channel))
            if channel is Channel.SMS:
                assert raised.value.maybe_sent is maybe_sent  # type: ignore[attr-defined]
                assert len(world.sent()) == left
            await gateway.send(order(channel))
            (sent,) = world.sent()
            assert sent.sends == (2 if left and channel is Channel.EMAIL else 1)


async def test_retry_after_is_what_the_fault_says():
    async with SandboxWorld.running() as world, gateways_of(world) as gateways:
        sms = gateways.channel(Channel.SMS)
        assert sms is not None
        world.fail(Fault(kind="rate_limited", gateway="sms", seconds=9))
        with pytest.raises(GatewayRetryable) as raised:
            await sms.send(order(Channel.SMS))
        assert raised.value.retry_after == timedelta(seconds=9)


async def test_callbacks_come_late_twice_or_never_on_command(arrears: Listener):
    async with SandboxWorld.running(temperaments={"L-1": t.refuses()}) as world, gateways_of(world) as gateways:
        arrears.secrets = world.secrets
        voice = gateways.channel(Channel.CALL)
        assert voice is not None
        for kind in ("late_callback", "duplicate_callback", "lost_callback"):
            world.fail(Fault(kind=kind, seconds=0.3))
            await voice.send(order(key=f"L-1.1/{kind}", url=f"{arrears.url}/v1/callbacks/voice"))
        await world.told()
        heard = [message_id for _, message_id, _ in arrears.heard]
        assert heard[0] == "L-1.1/duplicate_callback/told"
        assert sorted(heard[1:]) == ["L-1.1/duplicate_callback/told", "L-1.1/late_callback/told"]


async def test_a_borrower_pays_when_their_day_comes_and_arrears_is_told(arrears: Listener):
    async with SandboxWorld.running(residents=[resident(t.pays_on_day(3))], callback_base=arrears.url) as world:
        arrears.secrets = world.secrets
        assert world.tick(DAY_ONE) == ()
        (paid,) = world.tick(DAY_ONE + timedelta(days=5))
        assert world.tick(DAY_ONE + timedelta(days=9)) == ()
        await world.told()
        [(path, message_id, body)] = arrears.heard
        assert (path, message_id) == ("v1/payments", "P-L-1-1")
        assert json.loads(body) == {
            "loan_id": "L-1",
            "payment_id": "P-L-1-1",
            "amount": "300.00",
            "currency": "CNY",
            "received_at": "2026-11-04T04:30:00Z",
        }
        assert paid.payment.amount == Decimal("300.00")


async def test_parts_are_paid_in_turn_even_if_the_world_slept_over_both_days():
    async with SandboxWorld.running(residents=[resident(t.pays_in_parts(3, 9))]) as world:
        assert [p.payment.amount for p in world.tick(DAY_ONE + timedelta(days=20))] == [Decimal("150.00"), Decimal("150.00")]


async def test_a_willing_borrower_pays_after_they_were_reached():
    async with SandboxWorld.running(residents=[resident(t.willing(2))]) as world, gateways_of(world) as gateways:
        assert world.tick(DAY_ONE + timedelta(days=30)) == ()
        voice = gateways.channel(Channel.CALL)
        assert voice is not None
        await voice.send(order())
        assert [p.payment.received_at.isoformat() for p in world.tick(DAY_ONE + timedelta(days=3))] == ["2026-11-04T04:30:00+00:00"]


async def test_who_is_to_pay_needs_a_loan():
    async with SandboxWorld.running() as world:
        with pytest.raises(ValueError, match="give the resident the loan's instalments"):
            world.settle_in([t.Resident(loan_id="L-1", temperament=t.willing())])


async def test_what_arrears_does_not_take_is_told_again_until_it_does(arrears: Listener):
    async with SandboxWorld.running(residents=[resident(t.pays_on_day(3))], callback_base=arrears.url) as world:
        arrears.secrets, arrears.answers = world.secrets, [503, 401]
        world.tick(DAY_ONE + timedelta(days=5))
        await world.told()
        assert [path for path, _, _ in arrears.heard] == ["v1/payments"] * 3
        assert [(r.state, r.tries) for r in world.record.reports()] == [("delivered", 3)]


async def test_what_arrears_refuses_for_good_is_kept_as_refused(arrears: Listener):
    async with SandboxWorld.running(callback_base=arrears.url) as world:
        arrears.secrets, arrears.answers = world.secrets, [422]
        world.miss("L-404")
        await world.told()
        assert [r.state for r in world.record.reports()] == ["refused"]


async def test_a_request_without_a_valid_signature_is_refused():
    async with SandboxWorld.running() as world, httpx.AsyncClient() as client:
        answer = await client.post(f"{world.url}/sms/v1/orders", content=order(Channel.SMS).model_dump_json())
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
        assert (await client.get(f"{world.url}/sms/v1/orders/L-1.1%2Fcall.1")).status_code == 401
        assert world.sent() == ()


async def test_the_levers_work_over_http():
    async with SandboxWorld.running() as world, httpx.AsyncClient(base_url=world.url) as client:
        home = resident(t.pays_on_day(3)).model_dump(mode="json")
        assert (await client.post("/control/residents", json=[home])).json() == {"residents": 1}
        paid = (await client.post("/control/tick", json={"now": "2026-11-08T00:00:00Z"})).json()
        assert paid == (await client.get("/control/payments?loan_id=L-1")).json()
        assert (await client.post("/control/faults", json={"kind": "error"})).status_code == 201
        assert [f["kind"] for f in (await client.get("/control/faults")).json()] == ["error"]
        assert (await client.delete("/control/faults")).status_code == 204
        assert (await client.get("/control/faults")).json() == []
        assert (await client.get("/control/sent")).json() == []


async def test_a_world_that_starts_again_knows_what_left_and_who_paid(tmp_path: Path):
    async with SandboxWorld.running(directory=tmp_path, residents=[resident(t.delays(1))]) as world, gateways_of(world) as gateways:
        voice = gateways.channel(Channel.CALL)
        assert voice is not None
        await voice.send(order())
    async with SandboxWorld.running(directory=tmp_path) as world, gateways_of(world) as gateways:
        voice = gateways.channel(Channel.CALL)
        assert voice is not None
        await voice.send(order())
        await voice.send(order(key="L-1.1/call.2"))
        assert [(o.key, o.sends, o.requests, o.outcome) for o in world.sent()] == [
            ("L-1.1/call.1", 1, 2, Outcome.ANSWERED_DELAYING),
            ("L-1.1/call.2", 1, 1, Outcome.ANSWERED_REFUSING),
        ]
