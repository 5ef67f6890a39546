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
from arrears.ledger.events_out.examples import EXAMPLES
from arrears.ledger.events_out.kinds import KINDS
from tests.api.conftest import nowhere
from tests.ops.compose import ROOT

PROBLEM = "application/problem+json"
DOCUMENT: dict[str, Any] = create_app(Ledger("sqlite+aiosqlite:///never-opened.db"), nowhere, Settings()).openapi()
COMPONENTS = DOCUMENT["components"]
OPERATIONS = {o["operationId"]: (path, method, o) for path, methods in DOCUMENT["paths"].items() for method, o in methods.items()}
V1 = {name: found for name, found in OPERATIONS.items() if found[0].startswith("/v1/")}
NOT_FOR_LOAN_SYSTEMS = ("/v1/callbacks/{gateway}", "/v1/agencies/{agency}/facts")
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


def parts(part: Any) -> Iterator[dict[str, Any]]:
    """Every object in a part of the document, examples left out."""
    match part:
        case dict():
            yield part
            for name, inner in part.items():  # pyright: ignore[reportUnknownVariableType]
                if name not in ("example", "examples"):
                    yield from parts(inner)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                yield from parts(inner)
        case _:
            pass


def reached(*starts: Any) -> set[str]:
    """The names of the schemas that these parts of the document refer to, directly or not."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        for part in parts(waiting.pop()):
            kind, _, name = str(part.get("$ref", "")).removeprefix("#/components/").partition("/")
            if kind == "schemas" and name not in found:
                found.add(name)
                waiting.append(COMPONENTS["schemas"][name])
    return found


SENT = reached([operation.get("requestBody") for _, _, operation in OPERATIONS.values()])
EVENTS = reached(DOCUMENT["webhooks"])
ANSWERED = reached([operation["responses"] for _, _, operation in OPERATIONS.values()]) - EVENTS - {"EventMessage"}


def objects(names: set[str]) -> list[str]:
    return sorted(name for name in names if "properties" in COMPONENTS["schemas"][name])


def test_an_operation_has_one_tag_and_no_tag_is_of_operations_and_of_webhooks():
    """A generator writes a file for each tag: an operation with two is there twice, and one file would replace the other."""
    ours = {name: operation["tags"] for name, (_, _, operation) in OPERATIONS.items()}
    theirs = {name: hook["post"]["tags"] for name, hook in DOCUMENT["webhooks"].items()}
    assert {name: tags for name, tags in (ours | theirs).items() if len(tags) != 1} == {}
    assert {tag for tags in ours.values() for tag in tags}.isdisjoint(tag for tags in theirs.values() for tag in tags)
    assert {tag for tags in (ours | theirs).values() for tag in tags} == {tag["name"] for tag in DOCUMENT["tags"]}


def test_no_pattern_needs_what_not_every_language_has():
    patterns = [str(part["pattern"]) for part in parts(DOCUMENT) if "pattern" in part]
    assert len(patterns) > 20
    assert [pattern for pattern in patterns if re.search(r"\(\?|\\[1-9]", pattern)] == []


def test_a_number_without_a_fraction_says_how_wide_it_is():
    assert [part for part in parts(DOCUMENT) if part.get("type") == "integer" and part.get("format") not in ("int32", "int64")] == []
    assert COMPONENTS["schemas"]["VerdictNow"]["properties"]["verdict_id"]["format"] == "int64"


def test_what_we_tell_may_grow_and_what_we_are_sent_is_closed():
    def open_(names: set[str]) -> set[str]:
        return {name for name in objects(names) if COMPONENTS["schemas"][name].get("additionalProperties") is not False}

    assert open_(ANSWERED | EVENTS) == set(objects(ANSWERED | EVENTS))
    # What gateways and loan systems tell by themselves may hold more than we know, as in a signal: it is passed over.
    assert open_(SENT) == {"CallbackBody", "MissedPayment", "PaymentReport", "Plan", "Promise", "Withdrawal"}
    assert set(objects(SENT)).isdisjoint(objects(ANSWERED | EVENTS))


@pytest.mark.parametrize("name", objects(ANSWERED))
def test_every_member_of_an_answer_is_there(name: str):
    schema = COMPONENTS["schemas"][name]
    assert set(schema.get("required", ())) == set(schema["properties"])


@pytest.mark.parametrize("name", objects(EVENTS))
def test_an_event_leaves_out_what_has_no_value_and_has_all_else(name: str):
    schema = COMPONENTS["schemas"][name]
    assert [member for member, shape in schema["properties"].items() if "null" in repr(shape)] == []
    if name in {kind.__name__ for kind in KINDS.values()}:
        assert {"loan_id", "at"} <= set(schema["required"])
    else:  # the message around it, or what it consists of
        assert set(schema["required"]) == set(schema["properties"])


def test_a_list_of_words_that_may_grow_says_so():
    words = [part for name in ANSWERED | EVENTS for part in parts(COMPONENTS["schemas"][name]) if "enum" in part]
    assert {"Channel", "Outcome", "Role"} <= {part.get("title") for part in words}
    assert [part for part in words if "More words may come" not in part.get("description", "")] == []


def test_there_is_no_null_in_a_query():
    queries = {
        (name, parameter["name"]): parameter
        for name, (_, _, operation) in OPERATIONS.items()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    }
    assert [where for where, parameter in queries.items() if "null" in repr(list(parts(parameter["schema"])))] == []
    assert queries["read_timeline", "kind"]["schema"]["type"] == queries["list_verdicts", "verdict"]["schema"]["type"] == "array"


def test_every_body_has_a_name_that_a_client_can_give_its_type():
    assert [name for name, media in contents() if "$ref" not in media["schema"]] == []
    assert COMPONENTS["schemas"]["Fact"]["discriminator"]["propertyName"] == "fact"
    assert {name: schema["title"] for name, schema in COMPONENTS["schemas"].items() if schema["title"] == "Told"} == {}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_body_of_an_event_is_the_message_that_its_webhook_has(kind: str):
    body = COMPONENTS["schemas"]["EventWhole"]["properties"]["body"]
    valid(EXAMPLES[kind], body)
    valid(EXAMPLES[kind] | {"more": 1, "data": EXAMPLES[kind]["data"] | {"more": 1}}, body)
    named = COMPONENTS["schemas"]["EventMessage"]["discriminator"]["mapping"][kind]
    assert {"$ref": named} == DOCUMENT["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"]


def codes(name: str, status: int | str) -> set[str]:
    content = resolved(OPERATIONS[name][2]["responses"][str(status)]).get("content", {})
    return set(content.get(PROBLEM, {}).get("examples", {}))


def test_an_operation_lists_the_codes_that_it_answers():
    """Every other test of the API holds each answer against them."""
    assert codes("make_promise", 422) >= {"malformed", "case_refused"}
    assert codes("make_promise", 409) >= {"no_case", "case_closed", "case_refused", "idempotency_conflict"}
    assert codes("record_opt_out", 404) >= {"unknown_person"}
    assert "unknown_loan" not in codes("record_opt_out", 404)
    assert codes("record_opt_out", 422) >= {"fact_refused"}
    assert codes("record_payment", 422) >= {"payment_refused"}
    assert "fact_refused" not in codes("record_payment", 422)
    for name, status, response in responses():
        for code, example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).items():
            shown = resolved(example)["value"]
            assert (shown["code"], shown["status"]) == (code, int(status)), name
            assert f"`{code}`" in response["description"], name


def test_every_code_that_is_written_in_the_api_is_listed_somewhere():
    rooms = [path for path in (ROOT / "arrears" / "api").rglob("*.py") if "console" not in path.parts]
    written = {
        code for path in rooms for code in re.findall(r'(?:HTTPStatus\.[A-Z_]+,\s*|(?<!_)unfit\()"([a-z_]+)"', path.read_text("utf-8"))
    }
    listed = {
        code for name, (_, _, o) in OPERATIONS.items() for status in o["responses"] if status[0] in "45" for code in codes(name, status)
    }
    assert {"case_refused", "unknown_person", "ledger_busy"} <= written
    assert written - listed == {
        "internal",  # what nobody foresaw
        "if_match_required",  # the console's forms alone must name what they rest on
    }


def test_the_integrators_page_explains_every_code_that_a_loan_system_sees():
    page = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
    table = page.partition("# Errors")[2].partition("\n#")[0]
    told = {
        code
        for name, status, response in responses()
        if {"signature": []} in OPERATIONS[name][2].get("security", []) and OPERATIONS[name][0] not in NOT_FOR_LOAN_SYSTEMS
        for code in response.get("content", {}).get(PROBLEM, {}).get("examples", {})
        if status.isdecimal()
    }
    assert len(told) > 20
    assert sorted(code for code in told if f"`{code}`" not in table) == []


def test_there_is_one_name_for_what_is_written_and_read_alike():
    assert [name for name in COMPONENTS["schemas"] if name.endswith(("-Input", "-Output"))] == []


async def test_the_document_is_served(api: Any):
    answer = await api.http.get("/openapi.json")
    assert (answer.status_code, answer.json()["info"]["title"]) == (200, "Arrears")
