"""What docs/events.md says of events is so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import WebhookVerificationError

from arrears.api.telling import RHYTHM
from arrears.gateways.signing import signature_headers
from arrears.ledger.events_out.examples import EXAMPLES
from arrears.ledger.events_out.kinds import KINDS, MESSAGES, read
from tests.ops.compose import ROOT
from tests.ops.pages import blocks

PAGE = ROOT / "docs" / "events.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_there_is_an_example_of_every_kind_and_it_is_one() -> None:
    shown = {line["type"]: line for block in blocks(PAGE) if block.language == "json" for line in map(json.loads, block.text.splitlines())}
    assert {kind: shown[kind] for kind in KINDS if kind != "case.closed"} == {k: e for k, e in EXAMPLES.items() if k != "case.closed"}
    for kind, example in shown.items():
        assert read(example).model_dump(mode="json", exclude_none=True) == example, kind


def test_every_kind_is_explained_there_and_in_its_model() -> None:
    assert [kind for kind in KINDS if f"| `{kind}` |" not in TEXT] == []
    assert [kind for kind, model in MESSAGES.items() if not model.__doc__] == []


def test_the_receiver_of_the_page_takes_a_message_once_and_refuses_a_forged_one() -> None:
    (code,) = (block.text for block in blocks(PAGE) if block.language == "python")
    handled: list[tuple[str, Any]] = []
    place: dict[str, Any] = {"handle": lambda kind, data: handled.append((kind, data))}
    exec(code, place)
    body = json.dumps(EXAMPLES["case.opened"]).encode()
    ours, theirs = SecretStr("whsec_ZHVtbXktc2VjcmV0LWZvci10aGUtZG9jcy1vbmx5"), SecretStr("whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB")
    for _ in range(2):
        assert place["hear"](signature_headers((theirs, ours), "evt_1", body), body) == "204 No Content"
    with pytest.raises(WebhookVerificationError):
        place["hear"](signature_headers(theirs, "evt_2", body), body)
    assert handled == [("case.opened", EXAMPLES["case.opened"]["data"])]


def test_the_pauses_are_those_of_the_page() -> None:
    assert [pause.total_seconds() for pause in RHYTHM.pauses] == [5, 30, 120, 600, 3600, 6 * 3600, 14 * 3600, 86400, 86400]
    assert "5 seconds, 30 seconds, 2 minutes, 10 minutes, 1 hour, 6 hours, 14 hours, a day" in TEXT
    assert 2.5 < sum(pause.total_seconds() for pause in RHYTHM.pauses) / 86400 < 3.2
    assert len(RHYTHM.pauses) + 1 == 10
    assert "After ten tries" in TEXT
