"""The API's description is complete and true: a client can be generated from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from arrears.api.app import create_app
from arrears.config.access import packaged_access
from arrears.config.settings import Settings
from arrears.domain.access import Action
from arrears.ledger.engine import Ledger
from tests.api.conftest import nowhere

PROBLEM = "application/problem+json"
DOCUMENT: dict[str, Any] = create_app(Ledger("sqlite+aiosqlite:///never-opened.db"), nowhere, Settings()).openapi()
COMPONENTS = DOCUMENT["components"]
OPERATIONS = {o["operationId"]: (path, method, o) for path, methods in DOCUMENT["paths"].items() for method, o in methods.items()}
V1 = {name: found for name, found in OPERATIONS.items() if found[0].startswith("/v1/")}
OWN_IDS = {name for name, (path, _, _) in V1.items() if path.startswith("/v1/callbacks/")}


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = DOCUMENT
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def valid(value: Any, schema: dict[str, Any]) -> None:
    jsonschema_rs.validator_for({"components": COMPONENTS, **schema}, validate_formats=True).validate(value)


def responses() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, (_, _, operation) in OPERATIONS.items():
        for status, response in operation["responses"].items():
            yield name, status, resolved(response)


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body that is described: of requests, of answers, of what the loan system is told."""
    for name, (_, _, operation) in OPERATIONS.items():
        if "requestBody" in operation:
            yield f"{name}", operation["requestBody"]["content"]["application/json"]
    for name, status, response in responses():
        for media in response.get("content", {}).values():
            yield f"{name} {status}", media
    for name, hook in DOCUMENT.get("webhooks", {}).items():
        yield f"webhook {name}", hook["post"]["requestBody"]["content"]["application/json"]


def examples(media: dict[str, Any]) -> list[Any]:
    told = [resolved(example)["value"] for example in media.get("examples", {}).values()]
    return told + resolved(media["schema"]).get("examples", []) + media["schema"].get("examples", [])


def test_the_document_is_openapi_3_1_and_refers_to_nothing_that_is_not_there():
    assert DOCUMENT["openapi"].startswith("3.1")
    for found in re.findall(r"'\$ref': '([^']+)'", repr(DOCUMENT)):
        assert resolved({"$ref": found})


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_a_name_that_a_client_can_call_and_says_what_it_does(name: str):
    _, _, operation = OPERATIONS[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
    assert operation["summary"]
    assert len(operation["description"]) > 15
    assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    for parameter in operation.get("parameters", []):
        assert parameter["schema"]


@pytest.mark.parametrize(("name", "media"), list(contents()), ids=[name for name, _ in contents()])
def test_every_body_has_an_example_that_its_schema_takes(name: str, media: dict[str, Any]):
    shown = examples(media)
    assert shown, f"{name} has no example"
    for example in shown:
        valid(example, media["schema"])


@pytest.mark.parametrize("name", sorted(set(V1) - OWN_IDS))
def test_an_operation_says_who_may_call_it(name: str):
    path, _, operation = OPERATIONS[name]
    ways = {way: scopes for demand in operation["security"] for way, scopes in demand.items()}
    assert set(ways) <= set(COMPONENTS["securitySchemes"])
    (scope,) = ways["token"]
    action = Action(scope)
    assert ("session" in ways) == bool(packaged_access().actions[action].roles)
    assert {"401", "403", "429"} <= set(operation["responses"])
    assert ("{" in path) <= ("404" in operation["responses"])


def test_payments_are_taken_with_a_signature_or_a_token():
    assert OPERATIONS["record_payment"][2]["security"] == [{"token": ["payments.record"]}, {"signature": []}, {"session": []}]


@pytest.mark.parametrize("name", sorted(set(V1) - OWN_IDS))
def test_writes_take_a_key_and_reads_a_tag(name: str):
    _, method, operation = OPERATIONS[name]
    headers = {p["name"] for p in operation["parameters"] if p["in"] == "header"}
    assert ("Idempotency-Key" if method != "get" else "If-None-Match") in headers
    assert ("304" in operation["responses"]) == (method == "get")
    assert ("409" in operation["responses"]) >= (method != "get")


def test_a_decision_may_name_what_it_rests_on():
    _, _, operation = OPERATIONS["decide_approval"]
    assert "If-Match" in {p["name"] for p in operation["parameters"] if p["in"] == "header"}
    assert "412" in operation["responses"]


def test_an_error_is_a_problem_and_nothing_else():
    for name, status, response in responses():
        if status[0] in "45" and name != "ready":
            assert set(response["content"]) == {PROBLEM}, f"{name} {status}"
            assert response["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/ProblemBody"}


def test_money_is_a_string_that_is_not_empty():
    amount = COMPONENTS["schemas"]["PaymentReport"]["properties"]["amount"]
    for good in ("120.50", "1", "0.0001", "99999999999.9999"):
        valid(good, amount)
    for bad in ("", "0", "0.00", "-1", "1e3", "1.", ".5", "1.00001", "100000000000", 120.5, "１２"):
        with pytest.raises(jsonschema_rs.ValidationError):
            valid(bad, amount)


def test_there_is_one_name_for_what_is_written_and_read_alike():
    assert [name for name in COMPONENTS["schemas"] if name.endswith(("-Input", "-Output"))] == []


async def test_the_document_is_served(api: Any):
    answer = await api.http.get("/openapi.json")
    assert (answer.status_code, answer.json()["info"]["title"]) == (200, "Arrears")
