"""What is wrong with a document that somebody wrote by hand: the field, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from arrears.domain.situation import Situation

_KINDS = ("contact", "referral")
_SCHEMA = "`arrears verdict --schema` lists every field"
_SHAPES = {
    r"^[a-z][a-z0-9-]*$": "write lower-case letters, digits and hyphens, a letter first, such as north",
    r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$": "write a country, or a part of one, by its ISO 3166 code, such as CN or US-MA",
    r"^[A-Za-z]{3}$": "write a currency by its three letters, such as CNY",
}


def mistakes(wrong: ValidationError) -> tuple[str, ...]:
    """One sentence a mistake, each with the path of its field; what merely follows from another mistake is left out."""
    errors = wrong.errors(include_input=False)
    return tuple(_told(error) for error in errors if not _follows(error, errors))


def _follows(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list only counts as empty because something in it is wrong."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors)


def _told(error: ErrorDetails) -> str:
    path = _path(error["loc"])
    name, context = path.rpartition(".")[2], error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"{path}: is missing; add it ({_SCHEMA})"
        case "extra_forbidden":
            return f"{path}: there is no such field; {_nearest(name, _fields())}take it out ({_SCHEMA})"
        case "timezone_aware":
            return f"{path}: has no offset, so that nobody knows which instant is meant; write one, such as 2026-11-18T12:00:00+08:00"
        case "union_tag_not_found":
            return f"{path}.kind: is missing; write {' or '.join(_KINDS)}"
        case "union_tag_invalid":
            return f"{path}.kind: must be {' or '.join(_KINDS)}"
        case "enum" | "literal_error":
            return f"{path}: must be one of {context['expected'].replace(' or ', ', ').replace(chr(39), '')}"
        case "string_pattern_mismatch":
            return f"{path}: has the wrong form; {_SHAPES.get(context['pattern'], 'it must fit ' + context['pattern'])}"
        case "too_short":
            return f"{path}: is empty; give at least one"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{path or 'the document'}: must be an object, in braces ({_SCHEMA})"
        case "tuple_type" | "list_type" | "frozen_set_type":
            return f"{path}: must be a list, in brackets"
        case "value_error":
            said = str(context["error"])
            return said if path in ("", "situation") else f"{path}: {said}"
        case _:
            return f"{path or 'the document'}: {error['msg'].replace('Input should be', 'must be').replace('Input should', 'must')}"


def _path(loc: tuple[int | str, ...]) -> str:
    """Where a field stands in the document; the kind of an action, which a validator names too, is no part of it."""
    return ".".join(str(step) for at, step in enumerate(loc) if not (step in _KINDS and at > 0 and loc[at - 1] == "action"))


def _nearest(word: str, known: Sequence[str]) -> str:
    return "".join(f"did you mean {close}? Else " for close in get_close_matches(word, known, n=1))


@cache
def _fields() -> tuple[str, ...]:
    schema = Situation.model_json_schema()
    parts = (schema, *schema["$defs"].values())
    return tuple(sorted({name for part in parts for name in part.get("properties", {})}))
