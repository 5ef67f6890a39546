"""What a strategy's author should do about each kind of error."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from arrears.domain.strategy import Strategy

_LONGEST_ECHO = 40
_SHAPES = {
    r"^[a-z][a-z0-9-]*$": "use lower-case letters, digits and hyphens, a letter first, such as call-first",
    r"^[A-Za-z]{3}$": "use a currency's three letters, such as CNY",
}
_WANTED = {
    "int": "write a whole number, without quotes",
    "bool": "write true or false",
    "string": "write a text; in quotes if it looks like a number or is empty",
    "tuple": "write a list: [one, another]",
    "model": "write its keys on the lines below, indented by two spaces, or remove it",
    "time": 'write a local time with two digits each, such as "09:30"',
    "decimal": "write a plain amount without currency, such as 500.00",
}

Place = tuple[str | int, ...]
"""Where in the file: keys and list positions from the top."""


@dataclass(frozen=True)
class Explained:
    place: Place
    problem: str
    remedy: str


def explain(error: ErrorDetails, place: Place) -> Explained:
    """One of pydantic's errors in the words of an author; ``place`` is where it found it."""
    key = str(place[-1]) if place else "the file"
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            known = sorted(_schema_at(error["loc"][:-1]).get("properties", {}))
            return Explained(place, f"unknown key {key!r}", _nearest(key, known))
        case "missing":
            about = _schema_at(error["loc"]).get("description", "")
            return Explained(place, f"{key!r} is missing", f"add `{key}: …`" + (f" ({about})" if about else ""))
        case "union_tag_not_found":
            return Explained((*place, "do"), "'do' is missing", f"say what the rung does: {_kinds()}")
        case "union_tag_invalid":
            return Explained(
                (*place, "do"), f"{context['tag']!r} is nothing that a rung can do", _nearest(context["tag"], _kinds().split(", "))
            )
        case "enum" | "literal_error":
            allowed = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return Explained(place, f"{_echo(error)} cannot stand here", _nearest(str(error["input"]), allowed))
        case "string_pattern_mismatch":
            return Explained(
                place, f"{_echo(error)} has the wrong form", _SHAPES.get(context["pattern"], f"use the form {context['pattern']}")
            )
        case "too_short":
            return Explained(place, f"{key!r} is empty", "give it at least one entry")
        case "value_error":
            return _own_rule(place, _schema_at(error["loc"]), str(context["error"]))
        case kind if (wanted := _WANTED.get(kind.partition("_")[0])) and ("type" in kind or "pars" in kind or "from" in kind):
            return Explained(place, f"{_echo(error)} has the wrong type", wanted)
        case _:
            limit = error["msg"].removeprefix("Input should ")
            return Explained(place, f"{_echo(error)} is out of range", f"it should {limit}")


def _own_rule(place: Place, schema: dict[str, Any], said: str) -> Explained:
    """A rule of the format itself; one about several keys names the one to look at first."""
    below = tuple(said.split()[0].strip("`:").split("."))
    problem, _, remedy = said.partition(": ")
    return Explained((*place, *below) if below[0] in schema.get("properties", {}) else place, problem, remedy or "change one of the two")


def _nearest(word: str, allowed: list[str]) -> str:
    close = [f"did you mean {word}? " for word in get_close_matches(word, allowed, n=1)]
    return "".join(close) + f"choose from {', '.join(allowed)}"


def _echo(error: ErrorDetails) -> str:
    match error["input"]:
        case None:
            return "nothing"
        case bool(said):
            return str(said).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case said:
            text = repr(said)
            return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}…"


@cache
def _schema() -> dict[str, Any]:
    return Strategy.model_json_schema()


def _kinds() -> str:
    return ", ".join(_schema_at(("ladder", 0))["discriminator"]["mapping"])


def _schema_at(loc: Place) -> dict[str, Any]:
    """The part of the schema that speaks of ``loc``, in which pydantic also names the kind of a rung."""
    part = _schema()
    for step in loc:
        if isinstance(step, int):
            part = part.get("items", {})
        elif step in part.get("discriminator", {}).get("mapping", {}):
            part = {"$ref": part["discriminator"]["mapping"][step]}
        else:
            part = part.get("properties", {}).get(step, {})
        part = _followed(part)
    return part


def _followed(part: dict[str, Any]) -> dict[str, Any]:
    """The definition that a part refers to; of "this or nothing" this."""
    for choice in part.get("anyOf", ()):
        if choice.get("type") != "null":
            part = {**choice, **{k: v for k, v in part.items() if k == "description"}}
    if "$ref" in part:
        return {**_schema()["$defs"][part["$ref"].rpartition("/")[2]], **{k: v for k, v in part.items() if k == "description"}}
    return part
