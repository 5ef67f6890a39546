"""`arrears rules`: every rule of every regime, as the code and the files have it; the source of `docs/rules.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from pydantic import BaseModel
from rich.table import Table

from arrears.cli.output import JsonFlag, WrongUsage, out, print_json
from arrears.config.law import Law, RegimeProblem
from arrears.config.settings import PACKAGED
from arrears.domain.holds import HOLDS, HoldTerms
from arrears.domain.law import RULES, Terms
from arrears.domain.law.house import HOUSE
from arrears.domain.regime import Regime

_ABOUT_THE_RULE = frozenset({"clause", "force", "confidence", "soft", "where", "note"})
_CHECKED = "checked at every verdict"
_STATUS = {"by_design": "holds by design", "kept_elsewhere": "kept elsewhere", "human": "for humans"}
_MEANT = {
    "adult_at": "adult at the age of",
    "applies_from": "from",
    "assumed_business_days": "business days until it counts as received",
    "binds": "binds",
    "channels": "by",
    "child_until": "child until the age of",
    "circumstances": "people who are",
    "closing_days": "reviewed again within so many days before the contract ends",
    "consent_days": "days that a person's own consent lasts",
    "debtors": "who may be asked",
    "failures": "failed attempts in a row, at least",
    "feed_hours": "hours that an agency's report may be old",
    "gap_minutes": "minutes between two calls, at least",
    "lasts_days": "days that a yes lasts",
    "lately_days": "days after its last contact that its report is asked for",
    "lender_kinds": "only lenders that are",
    "most": "at most",
    "most_a_day": "at most in a day",
    "most_percent": "at most, in per cent a year",
    "not_to": "never to people who are",
    "on_days": "different days, at least",
    "others_days": "days in which one contact is asked so often",
    "others_most": "times that one contact is asked, at most",
    "products": "only products",
    "residences": "only people or numbers of",
    "role": "who says yes",
    "roles": "who says yes",
    "staff": "people who come, at least",
    "unrelated": "who has nothing to do with it",
    "weekdays": "on",
    "window": "hours",
    "working_days": "working days to answer in",
}
"""What a parameter is called on the page, where its own name would not tell."""
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SCOPES = {"loan": "the loan", "person": "all loans of the person", "agency": "the agency named, or every agency"}
_UNREADABLE = "While the law cannot be read, everything waits; where no regime applies, nothing is allowed."


class ListedRule(BaseModel):
    """One rule for a reader: what it says, where it comes from, how sure that is, its numbers, and whether a verdict checks it."""

    regime: str
    id: str
    plain: str
    clause: str
    force: str
    confidence: str
    parameters: dict[str, str]
    soft: bool
    status: str
    why: str | None = None


def rules(
    regime: Annotated[list[str] | None, typer.Option("--regime", help="Only this regime. Repeatable.")] = None,
    overlay: Annotated[Path | None, typer.Option(help="A lender's overlay on the regimes.", exists=True, dir_okay=False)] = None,
    regimes_dir: Annotated[Path, typer.Option(help="The directory of the regimes.", exists=True, file_okay=False)] = PACKAGED / "regimes",
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page `docs/rules.md`.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List every rule of the law that Arrears knows, with clause, numbers, confidence and status."""
    try:
        regimes = Law(regimes_dir, overlay).current()
    except RegimeProblem as wrong:
        raise WrongUsage(str(wrong)) from wrong
    known = {"house", *(r.regime for r in regimes)}
    if unknown := sorted(set(regime or ()) - known):
        raise WrongUsage(f"there is no regime {', '.join(unknown)}; the known ones: {', '.join(sorted(known))}")
    found = [rule for rule in listed(regimes) if not regime or rule.regime in regime]
    if as_json:
        print_json(found)
    elif as_markdown:
        print(page(regimes, {}), end="")
    else:
        _print(found)


def listed(regimes: tuple[Regime, ...]) -> list[ListedRule]:
    """Our own rules, then those of each regime, in the order of their ids."""
    found = [_checked("house", rule_id, terms) for rule_id, terms in HOUSE.items()]
    found.append(
        ListedRule(
            regime="house",
            id="AR-07",
            plain=_UNREADABLE,
            clause="ours",
            force="ours",
            confidence="ours",
            parameters={},
            soft=False,
            status=_CHECKED,
        )
    )
    for regime in regimes:
        found.extend(_checked(regime.regime, rule_id, terms) for rule_id, terms in regime.terms.items())
        found.extend(
            ListedRule(
                regime=regime.regime,
                id=rule_id,
                plain=other.plain,
                clause=other.clause,
                force=other.force,
                confidence=other.confidence,
                parameters={},
                soft=False,
                status=_STATUS[other.status],
                why=other.why,
            )
            for rule_id, other in regime.elsewhere.items()
        )
    order = ["house", *(r.regime for r in regimes)]
    return sorted(found, key=lambda rule: (order.index(rule.regime), rule.id))


def page(regimes: tuple[Regime, ...], tests: Mapping[str, str]) -> str:
    """The page for compliance officers; ``tests`` says of each rule where it is tested."""
    lines = [
        "# The rules",
        "",
        "Every rule of the law that Arrears knows, made from the code and the regime files by a command: it cannot be out of date.",
        "*Checked at every verdict*: nothing leaves unless the rule allows it. *Holds by design*: the software has no way to break it. "
        "*Kept elsewhere*: another part of Arrears keeps it. *For humans*: no machine can tell; the reason is given.",
        "",
        "Confidence is that of the source behind a clause: VERIFIED-P, the text of the law itself was read; VERIFIED-S, a secondary source that "
        "states it; FROM MEMORY, not verified yet. Numbers are defaults, to be confirmed by counsel. A lender can tighten every rule, and relax the "
        "soft ones with a recorded reason (see [the law](law.md)).",
        "",
    ]
    rules_of = listed(regimes)
    titles = {"house": "Our own rules", **{r.regime: r.title for r in regimes}}
    sources = {r.regime: f"Version {r.version}. Sources: {r.source}" for r in regimes}
    for name, title in titles.items():
        of_regime = [rule for rule in rules_of if rule.regime == name]
        lines += [f"## {title}", "", sources.get(name, "They hold under every law, and no file can switch them off."), ""]
        lines += ["| id | plain words | clause | parameters | confidence | status | test |", "|---|---|---|---|---|---|---|"]
        lines += [_row(rule, tests.get(rule.id, "")) for rule in of_regime]
        checked = sum(rule.status == _CHECKED for rule in of_regime)
        lines += ["", f"{checked} of {len(of_regime)} are checked at every verdict.", ""]
    return "\n".join([*lines, *_holds()]).rstrip() + "\n"


def _holds() -> list[str]:
    rows = [f"| `{reason}` | {_SCOPES[terms.scope]} | {terms.ends} | {_still_allowed(terms)} |" for reason, terms in HOLDS.items()]
    return [
        "## Holds",
        "",
        "While a hold is in force, only what it permits is done (AR-04). Any other reason holds the loan until it is lifted, and permits nothing. "
        "What a person themselves refused (all contact, a medium, an address, some hours) stands until they withdraw it; "
        "the refusal of a contact in China is final (CN-13).",
        "",
        "| hold | reaches | ends | still allowed |",
        "|---|---|---|---|",
        *rows,
    ]


def _still_allowed(terms: HoldTerms) -> str:
    purposes = [f"to the borrower: {', '.join(sorted(p.replace('_', ' ') for p in terms.permits))}"] if terms.permits else []
    people = [f"contact with the {', '.join(sorted(r.replace('_', ' ') for r in terms.permits_to))}"] if terms.permits_to else []
    return "; ".join([*purposes, *people]) or "nothing"


def _checked(regime: str, rule_id: str, terms: Terms) -> ListedRule:
    numbers = terms.model_dump(mode="json", exclude=set(_ABOUT_THE_RULE), exclude_none=True)
    where = terms.where.model_dump(mode="json", exclude_none=True)
    return ListedRule(
        regime=regime,
        id=rule_id,
        plain=RULES[rule_id].plain,
        clause=terms.clause,
        force=terms.force,
        confidence=terms.confidence,
        parameters={name: _value(value) for name, value in {**where, **_with_days(numbers)}.items()},
        soft=terms.soft,
        status=_CHECKED,
        why=terms.note,
    )


def _with_days(numbers: dict[str, Any]) -> dict[str, Any]:
    """Days of the week by their names; left out where it is every day."""
    days = numbers.pop("weekdays", None)
    return numbers if days in (None, list(range(1, 8))) else numbers | {"weekdays": [_DAY_NAMES[day - 1] for day in days]}


def _value(value: Any) -> str:
    match value:
        case {"start": str(start), "end": str(end)}:
            return f"{start[:5]}–{end[:5]}"
        case {"name": str(name), "entries": [*entries]}:
            return f"{name} ({len(entries)} words)"
        case {"statements": list(), "requests": list()}:
            return "a grammar"
        case dict() if not value:
            return "none"
        case dict():
            return ", ".join(f"{name} {_value(of)}" for name, of in cast("dict[str, Any]", value).items())
        case list():
            return ", ".join(_value(item) for item in cast("list[Any]", value))
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _row(rule: ListedRule, test: str) -> str:
    parameters = "; ".join(f"{_MEANT.get(name, name.replace('_', ' '))}: {value}" for name, value in rule.parameters.items())
    status = rule.status + (", soft" if rule.soft else "") + (f": {rule.why}" if rule.why else "")
    confidence = rule.confidence if rule.confidence == "ours" else f"{rule.confidence}, {rule.force.replace('_', ' ')}"
    cells = (rule.id, rule.plain, rule.clause, parameters or "—", confidence, status, test or "—")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _print(found: list[ListedRule]) -> None:
    table = Table("id", "rule", "clause", "parameters", "confidence", "status")
    for rule in found:
        table.add_row(
            rule.id, rule.plain, rule.clause, "; ".join(f"{n}: {v}" for n, v in rule.parameters.items()), rule.confidence, rule.status
        )
    out.print(table)
