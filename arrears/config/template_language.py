"""The small language of templates: what Jinja can do and a message needs. Nothing in it can call, compute or repeat without end.

A text can name facts and their parts, choose by conditions, go once through a list of facts, use a few filters and include parts. So the time that a
template takes and the length of what it says are bounded by its own length and the facts'.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import FileSystemLoader, StrictUndefined, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from arrears.domain.message import Lender, Party, PlanLine, ScheduleLine
from arrears.domain.money import Money

FILTERS = ("money", "day", "plural")
LISTS = ("schedule", "offers", "plan")
_PARTS = frozenset(name for model in (Lender, ScheduleLine, PlanLine, Party, Money) for name in model.model_fields) | {
    "total",
    "last",
    "first",
    "index",
}
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Keyword, nodes.Test,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.For, nodes.Include, nodes.Extends, nodes.Block,
    nodes.Assign, nodes.Dict, nodes.Pair,
)  # fmt: skip
_NOT_FACTS = frozenset({"self", "super", "caller", "varargs", "kwargs"})
_MEANT: dict[type[nodes.Node], str] = {
    nodes.Call: "a call",
    nodes.CallBlock: "a call",
    nodes.Macro: "a macro",
    nodes.Import: "an import",
    nodes.FromImport: "an import",
    nodes.Concat: "joining by ~",
    nodes.FilterBlock: "a filter block",
    nodes.NSRef: "a namespace",
}


@cache
def environment(directory: Path, *, escape: bool) -> ImmutableSandboxedEnvironment:
    """Where a language's templates are rendered; the directory is named for the language. Raises ``ValueError`` if it is not."""
    locale = Locale.parse(directory.name, sep="-")
    found = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(directory),
        undefined=StrictUndefined,
        autoescape=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.globals.clear()  # pyright: ignore[reportUnknownMemberType]

    def money(amount: Money | Decimal, currency: str = "") -> str:
        if isinstance(amount, Money):
            return format_currency(amount.amount, amount.currency, locale=locale)
        return format_currency(amount, currency, locale=locale)

    def day(value: date | Undefined) -> str:
        # Babel fails on a missing fact without saying so; as a text it raises what any missing fact raises.
        return format_date(value, "long", locale=locale) if isinstance(value, date) else str(value)

    def plural(count: int | Undefined, other: str, **forms: str) -> str:
        return forms.get(locale.plural_form(count), other) if isinstance(count, int) else str(count)

    found.filters.update({"money": money, "day": day, "plural": plural})  # pyright: ignore[reportArgumentType, reportCallIssue]
    return found


def strange(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """What a template does that the language does not have: its line, and what it is."""
    yield from _strange(tree, in_loop=False)


def _strange(node: nodes.Node, *, in_loop: bool) -> Iterator[tuple[int, str]]:
    if not isinstance(node, _ALLOWED):
        yield node.lineno, _MEANT.get(type(node), f"{type(node).__name__.lower()}") + " is nothing that a message can use"
        return
    match node:
        case nodes.Name() if node.name in _NOT_FACTS:
            yield node.lineno, f"{node.name!r} is no fact"
        case nodes.Getattr() if node.attr not in _PARTS:
            yield node.lineno, f"no fact has an attribute {node.attr!r}"
        case nodes.Filter() if node.name not in FILTERS:
            yield node.lineno, f"No filter named {node.name!r}; there are {', '.join(FILTERS)}"
        case nodes.For() if in_loop:
            yield node.lineno, "a loop stands within another; a message needs one"
        case nodes.For() if not (isinstance(node.iter, nodes.Name) and node.iter.name in LISTS and not node.recursive):
            yield node.lineno, f"a loop goes through one of {', '.join(LISTS)}"
        case nodes.Include() | nodes.Block() if in_loop:
            yield node.lineno, "a part is included within a loop; write it out"
        case nodes.Assign() if not isinstance(node.node, nodes.Dict):
            yield node.lineno, "`set` names a dictionary of words, nothing else"
        case _:
            pass
    for child in node.iter_child_nodes():
        yield from _strange(child, in_loop=in_loop or isinstance(node, nodes.For))
