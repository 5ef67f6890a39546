"""The schemas of the API's description as clients are generated from them.

FastAPI describes what it checks. Here that becomes what is true on the wire and what a generator makes something useful of: what we are sent is closed,
what we tell may grow, every member of an answer is there, and no schema has two names, nor one name two shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

Schema = dict[str, Any]

_FIGURES = "figures__"
_WHERE = "#/components/schemas/"
_PLAIN_AMOUNT = r"[0-9]{1,11}(\.[0-9]{1,4})?"
_SOME_CENTS = "([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9])"
_AMOUNT = {"type": "string", "pattern": f"^{_PLAIN_AMOUNT}$", "examples": ["120.50"]}
# Not every language's patterns look ahead, so it is spelt out what makes an amount more than nothing.
_POSITIVE = _AMOUNT | {"pattern": rf"^([1-9][0-9]{{0,10}}(\.[0-9]{{1,4}})?|0\.{_SOME_CENTS})$"}
_MAY_GROW = "More words may come: let one that you do not know pass."
_BODIES = {"tell_fact": "Fact", "report_as_agency": "AgencysFact"}
"""Names for bodies that are one of several kinds, by the id of the operation."""


def mend(document: Schema) -> None:
    """Put the schemas of a whole document right, in place."""
    schemas: Schema = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _money(document)
    _short_names(document, schemas)
    _join(document, schemas)
    _name_bodies(document, schemas)
    _tell_apart(document, schemas)
    _say_what_is_told(document, schemas)
    _plain_queries(document)
    _say_widths(document)
    _plain_words(document)


def _name_bodies(document: Schema, schemas: Schema) -> None:
    """Give bodies that are one of several kinds a name, so that a client has a type for them."""
    for operation in _operations(document):
        if (name := _BODIES.get(operation["operationId"])) is not None:
            content = operation["requestBody"]["content"]["application/json"]
            schemas[name] = content["schema"] | {"title": name}
            content["schema"] = {"$ref": f"{_WHERE}{name}"}


def _tell_apart(document: Schema, schemas: Schema) -> None:
    """Two schemas for an object that we are sent and that we tell: the one that we tell may grow."""
    sent, told = _reached(schemas, _sent(document)), _reached(schemas, [*_answers(document), document.get("webhooks", {})])
    both = {name: f"{name}Now" for name in sorted(sent & told) if "properties" in schemas[name]}
    for name, copy in both.items():
        schemas[copy] = deepcopy(schemas[name]) | {"title": copy}
    ours = [schemas[name] for name in (told - sent) | set(both.values())]
    _rename(
        [*_answers(document), document.get("webhooks", {}), *ours], {f"{_WHERE}{name}": f"{_WHERE}{copy}" for name, copy in both.items()}
    )


def _say_what_is_told(document: Schema, schemas: Schema) -> None:
    """Answers and events may grow. In an answer every member is there; an event leaves out what has no value."""
    events = _reached(schemas, [document.get("webhooks", {})])
    answers = _reached(schemas, _answers(document))
    for name in answers | events:
        schema = schemas[name]
        for part in _every_object(schema):
            if isinstance(part.get("enum"), list):
                part["description"] = " ".join(filter(None, (part.get("description"), _MAY_GROW)))
        if "properties" in schema:
            if schema.get("additionalProperties") is False:
                del schema["additionalProperties"]
            members: Schema = schema["properties"]
            there = [member for member, shape in members.items() if name in answers or _without_null(shape) == shape]
            schema["required"] = there
            for member, shape in members.items():
                shape.pop("default", None)
                if member not in there:
                    members[member] = _without_null(shape)
            if not there:
                del schema["required"]
    if events:
        _say_what_events_are(document, schemas)


def _say_what_events_are(document: Schema, schemas: Schema) -> None:
    """An event that is read is what was sent: one of the messages, told apart by its ``type``."""
    kinds: dict[str, str] = {
        kind: hook["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"] for kind, hook in document["webhooks"].items()
    }
    schemas["EventMessage"] = {
        "title": "EventMessage",
        "description": "An event as it is sent. More types may come: let one that you do not know pass.",
        "oneOf": [{"$ref": shape} for shape in kinds.values()],
        "discriminator": {"propertyName": "type", "mapping": kinds},
    }
    schemas["EventWhole"]["properties"]["body"] = {"anyOf": [{"$ref": f"{_WHERE}EventMessage"}, {"type": "null"}], "title": "Body"}


def _plain_queries(document: Schema) -> None:
    """What a query leaves out it does not have: there is no null in it."""
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query":
                parameter["schema"] = _without_null(parameter["schema"])


def _without_null(shape: Schema) -> Schema:
    """The schema of a value that is there, of one that may be null."""
    match shape:
        case {"anyOf": [one, {"type": "null"}], **around}:
            kept = {name: value for name, value in around.items() if name not in ("default", *(("title",) if "$ref" in one else ()))}
            return one | kept
        case _:
            return shape


def _say_widths(part: Any) -> None:
    """Ids and counts may be large, in place: without a width some languages take 32 bits."""
    for inner in _every_object(part):
        if inner.get("type") == "integer":
            inner.setdefault("format", "int64")


def _money(part: Any) -> None:
    """Say how money is written, in place: FastAPI lets it be a number, which not every client keeps exactly, or any string at all."""
    match part:
        case {"anyOf": [{"type": "number", **bounds}, {"type": "string"}, *others]}:
            del part["anyOf"]
            amount = _POSITIVE if "exclusiveMinimum" in bounds else _AMOUNT
            part.update({"anyOf": [amount, *others]} if others else amount)
        case dict():
            for inner in part.values():  # pyright: ignore[reportUnknownVariableType]
                _money(inner)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                _money(inner)
        case _:
            pass


def _plain_words(part: Any) -> None:
    """What is code in a docstring is code in Markdown, in place."""
    match part:
        case dict():
            for name, inner in part.items():  # pyright: ignore[reportUnknownVariableType]
                if name == "description" and isinstance(inner, str):
                    part[name] = inner.replace("``", "`")
                else:
                    _plain_words(inner)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                _plain_words(inner)
        case _:
            pass


def _join(document: Schema, schemas: Schema) -> None:
    """One name for what is written and read alike: FastAPI keeps two where a number could be given for money."""
    for name in [name.removesuffix("-Input") for name in schemas if name.endswith("-Input")]:
        given, told = schemas[f"{name}-Input"], schemas.get(f"{name}-Output")
        if told is not None and _shape(given) == _shape(told) and name not in schemas:
            schemas[name] = given
            del schemas[f"{name}-Input"], schemas[f"{name}-Output"]
            _rename(document, {f"#/components/schemas/{name}-{way}": f"{_WHERE}{name}" for way in ("Input", "Output")})


def _short_names(document: Schema, schemas: Schema) -> None:
    """Names without our modules in them: FastAPI adds those where two shapes are called the same. The portfolio's figures say whose they are."""
    names: dict[str, str] = {}
    for name in [name for name in schemas if "__" in name or name.endswith(("-Input", "-Output"))]:
        plain = name.rpartition("__")[2]
        short = f"Portfolio{plain}" if _FIGURES in name else plain
        same = short.removesuffix("-Input").removesuffix("-Output")
        if "enum" in schemas[name]:
            short = same  # what is one of these words is so in both directions
        if short != name and (short not in schemas or schemas[short] == schemas[name]):
            schemas[short] = schemas.pop(name)
            names[f"#/components/schemas/{name}"] = f"#/components/schemas/{short}"
    _rename(document, names)


def _shape(schema: Any) -> Any:
    """A schema without what only money that is given has."""
    match schema:
        case dict():
            return {name: _shape(inner) for name, inner in schema.items() if name not in ("pattern", "examples")}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [_shape(inner) for inner in schema]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return schema


def _rename(part: Any, names: Mapping[str, str]) -> None:
    match part:
        case {"$ref": str() as name} if name in names:
            part["$ref"] = names[name]
        case dict():
            for inner in part.values():  # pyright: ignore[reportUnknownVariableType]
                _rename(inner, names)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                _rename(inner, names)
        case _:
            pass


def _reached(schemas: Schema, parts: Iterable[Any]) -> set[str]:
    """The names of all schemas that these parts of the document refer to, and those refer to in turn."""
    found: set[str] = set()
    waiting: list[Any] = list(parts)
    while waiting:
        for inner in _every_object(waiting.pop()):
            name = str(inner.get("$ref", "")).removeprefix(_WHERE)
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
    return found


def _every_object(part: Any) -> Iterator[Schema]:
    match part:
        case dict():
            yield part  # pyright: ignore[reportUnknownVariableType]
            for inner in part.values():  # pyright: ignore[reportUnknownVariableType]
                yield from _every_object(inner)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                yield from _every_object(inner)
        case _:
            pass


def _operations(document: Schema) -> Iterator[Schema]:
    for methods in document["paths"].values():
        yield from methods.values()


def _sent(document: Schema) -> list[Any]:
    return [[operation.get("requestBody"), operation.get("parameters")] for operation in _operations(document)]


def _answers(document: Schema) -> list[Any]:
    return [operation["responses"] for operation in _operations(document)]
