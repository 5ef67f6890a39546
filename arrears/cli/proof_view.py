"""A proof as a terminal shows it: what was judged, one line for each violation or none, the chain, and what could not be judged."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from arrears.prove.report import Chain, CrossCheck, Figures, LogRead, OwnNumbers, Report

_AT_MOST = 50
_WORDS_AT_MOST = 25
_PROBLEMS_AT_MOST = 20


def show(report: Report, console: Console) -> None:
    """Print a report."""
    console.print(Group(*_parts(report)), soft_wrap=True)


def _parts(report: Report) -> Iterator[RenderableType]:
    yield _title(report)
    if report.log is not None:
        yield from _log(report.log)
    yield from _violations(report)
    if report.overlay is not None:
        yield from _overlay(report.overlay)
    if report.chain is not None:
        yield from _chain(report.chain)
    for check in report.cross_checks:
        yield from _cross_check(check)
    yield from _figures(report.figures)
    if report.regimes:
        yield Text(
            "law by the verdicts: " + ", ".join(f"{r.name} {r.version} ({r.hash[:12]}, {r.verdicts} verdicts)" for r in report.regimes)
        )
    yield _verdict(report)


def _title(report: Report) -> Text:
    subject, figures = report.subject, report.figures
    span = "".join(
        f" {word} {at:%Y-%m-%d %H:%M} UTC" for word, at in (("since", subject.since), ("until", subject.until)) if at is not None
    )
    return Text.assemble(
        (f"Proof of {subject.kind} ", "bold"),
        (subject.name, "bold cyan"),
        (span, "dim"),
        f"\n{figures.contacts + figures.reported:,} contacts judged ({figures.contacts:,} ours, {figures.reported:,} reported), "
        f"{figures.counted_only:,} counted only, {figures.placements:,} placements, "
        f"{figures.persons:,} persons, {figures.loans:,} loans, {figures.borrowers:,} borrowers, in {report.seconds:.1f} s",
    )


def _overlay(own: OwnNumbers) -> Iterator[RenderableType]:
    yield Text(f"the lender's own numbers: {own.name} ({own.file}, {own.hash[:12]})", style="bold")
    for one in own.numbers:
        said = f": {one.law} → {one.own}" if one.law else f": {one.own}" if one.own else ""
        why = one.why or (f"{one.reason} ({one.decided_by}, {one.decided_on})" if one.reason else "")
        named = f"{one.rule}.{one.number}" if one.number else one.rule
        style = "red" if one.effect == "refused" else ""
        yield Text(f"  {one.effect.replace('_', ' ')}: {named}{said}{f'; {why}' if why else ''}", style=style)


def _violations(report: Report) -> Iterator[RenderableType]:
    if not report.violated:
        yield Text("violations: none", style="bold green")
        return
    yield Text(f"violations: {report.violated:,}", style="bold red")
    for found in report.violations[:_AT_MOST]:
        yield Text.assemble(
            (f"  {found.rule:<6}", "red"),
            f" {found.at:%Y-%m-%d %H:%M:%S}Z  ",
            (found.contact, "bold"),
            f"  loan {found.loan}",
            f"  {found.words}: {found.observed} (allowed: {found.limit})",
            f"; by this rule it might go from {found.lawful_from:%Y-%m-%d %H:%M} UTC" if found.lawful_from else "",
            (" known later" if found.late else "", "yellow"),
        )
    if (more := report.violated - min(len(report.violations), _AT_MOST)) > 0:
        yield Text(f"  … and {more:,} more; --json lists them", style="dim")


def _chain(chain: Chain) -> Iterator[RenderableType]:
    style = {"whole": "green", "broken": "bold red", "absent": "yellow"}[chain.state]
    yield Text.assemble("chain: ", (chain.state, style), f", {chain.records:,} records", f", head {chain.head}" if chain.head else "")
    for found in chain.breaks[:_AT_MOST]:
        where = " ".join(str(part) for part in (found.table, found.row) if part is not None)
        yield Text.assemble(
            ("  broken", "red"), f" at record {found.seq if found.seq is not None else '–'}  ", (where, "bold"), f"  {found.what}"
        )
    if (more := chain.breaks_left_out + max(0, len(chain.breaks) - _AT_MOST)) > 0:
        yield Text(f"  … and {more:,} more", style="dim")


def _cross_check(check: CrossCheck) -> Iterator[RenderableType]:
    found = len(check.findings) + check.findings_left_out
    state = ("none", "green") if not found else (f"{found:,}", "bold red")
    yield Text.assemble(f"{check.kind} {check.source}: {check.compared:,} compared, disagreements: ", state)
    for finding in check.findings[:_AT_MOST]:
        yield Text.assemble((f"  {finding.what}", "red"), "  ", (finding.key, "bold"), f"  {finding.words}")
    for note in check.notes:
        yield Text(f"  {note}", style="dim")


def _figures(figures: Figures) -> Iterator[RenderableType]:
    if figures.rules:
        table = Table("rule", "asked", "broken", "in plain words", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("asked", "broken"):
            next(column for column in table.columns if column.header == name).justify = "right"
        for rule in figures.rules:
            broken = Text(f"{rule.broken:,}", style="red" if rule.broken else "green")
            table.add_row(rule.rule, f"{rule.asked:,}", broken, rule.plain)
        yield table
    if figures.not_judged:
        yield Text("could not be judged:", style="yellow")
        for found in figures.not_judged:
            yield Text(f"  {found.rule}: {found.why} ({found.times:,} times)")


def _log(log: LogRead) -> Iterator[RenderableType]:
    yield Text(f"{log.lines:,} lines read, {log.refused:,} refused")
    for file, columns in log.columns.items():
        yield Text(f"  {file}: " + ", ".join(f"{ours} = {theirs}" for ours, theirs in columns.items()), style="dim")
    for problem in log.refused_lines[:_PROBLEMS_AT_MOST]:
        yield Text.assemble((f"  {problem.file}:{problem.line} ", "yellow"), f"{problem.field} {problem.problem}: {problem.remedy}")
    if (more := log.refused - min(len(log.refused_lines), _PROBLEMS_AT_MOST)) > 0:
        yield Text(f"  … and {more:,} more", style="dim")
    for word in log.words[:_WORDS_AT_MOST]:
        taken = (
            (f"→ {word.taken_for}", "") if word.taken_for else (f"→ not understood; say what it is with --event '{word.word}=…'", "yellow")
        )
        if word.column != "event" and not word.taken_for:
            taken = ("→ not understood, left out", "yellow")
        yield Text.assemble(f"  {word.column} {word.word!r} ", taken, (f"  {word.lines:,} lines", "dim"))
    if (more := len(log.words) - _WORDS_AT_MOST) > 0:
        yield Text(f"  … and {more:,} more words", style="dim")
    for note in log.notes:
        yield Text(f"  {note}", style="yellow")


def _verdict(report: Report) -> Text:
    if report.clean:
        return Text("nothing found", style="bold green")
    return Text("not clean: see above", style="bold red")
