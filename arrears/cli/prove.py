"""`arrears prove`: an independent check that nothing unlawful left, over the ledger's raw rows or over somebody else's contact log."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.engine import make_url

from arrears.api.proof import leave
from arrears.cli.output import ExitCode, JsonFlag, Unreachable, WrongUsage, err, out, print_json
from arrears.cli.proof_view import show
from arrears.cli.site import DataDir, find_site
from arrears.cli.unsealing import unsealer
from arrears.prove import chain as chain_check
from arrears.prove import export as export_check
from arrears.prove import histories as history_check
from arrears.prove import judge, rows
from arrears.prove import overlay as overlays
from arrears.prove.findings import Result
from arrears.prove.foreign import COUNTRY_OF_REGIME, Column, ColumnsUnusable, DateOrder, Kind, LogUnreadable, Reading, open_log
from arrears.prove.foreign.summary import log_read
from arrears.prove.histories import HistoryUnreadable
from arrears.prove.model import Source, instant
from arrears.prove.page import LANGUAGES, page
from arrears.prove.parallel import PartFailed
from arrears.prove.report import MOST_LISTED, CrossCheck, Report, Subject, chain_found, own_numbers, report
from arrears.prove.span import spanned
from arrears.workers.connection import TemporalUnreachable, connect
from arrears.workflows.contract import WORKFLOW_TYPE

EPILOG = "Exit codes: 0 nothing found, 1 something was found, 2 wrong usage, 3 the proof could not be made."

_FEW_LINES = 20_000
_SMALL_FILE = 32 * 1024 * 1024

LedgerUrl = Annotated[str | None, typer.Option("--ledger", metavar="URL", help="The ledger to prove. Default: this installation's.")]
Logs = Annotated[
    list[Path] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="A contact log (.csv, .jsonl, .xes, also .gz) instead of a ledger; may be repeated.",
    ),
]
Since = Annotated[str | None, typer.Option(help="List violations from this instant on, such as 2026-11-01 or 2026-11-01T08:00:00Z.")]
Until = Annotated[str | None, typer.Option(help="List violations before this instant.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="OURS=THEIRS", help="What a log calls one of our columns, such as debt=loan_no; may be repeated."),
]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        metavar="WORD=KIND",
        help="What a log's event word means, such as 'PTP=promise', or '*=call' for the rest; may be repeated.",
    ),
]
Zone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="Where a log's clocks without an offset stand, and its people: Asia/Shanghai.")
]
Regimes = Annotated[
    str | None, typer.Option("--regime", metavar="NAMES", help=f"The laws to judge a log by, with commas: {', '.join(COUNTRY_OF_REGIME)}.")
]
Dates = Annotated[DateOrder | None, typer.Option(help="How a log writes dates such as 03/04/2026.")]
Encoding = Annotated[str | None, typer.Option(help="A log's encoding, if it is not found out rightly.")]
Head = Annotated[
    str | None, typer.Option(metavar="SEQ:HASH", help="A head of the chain that was published earlier: it must still be in the record.")
]
Sealed = Annotated[
    bool, typer.Option("--sealed", help="Leave texts and birth dates sealed, even if the ledger's key is here: faster, and less is judged.")
]
Histories = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|HOST:PORT", help="Compare with Temporal's histories: exported files, or those of the server at this address."
    ),
]
Exports = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Compare with what a provider says it sent (.csv, .jsonl), or the sandbox's record; may be repeated.",
    ),
]
OverlayFile = Annotated[
    Path | None,
    typer.Option(
        "--overlay",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Judge by a lender's own numbers too. Default: this installation's, for its own ledger.",
    ),
]
PageFile = Annotated[Path | None, typer.Option("--page", metavar="FILE.html", help="Write the report as one printable page.")]
Language = Annotated[str, typer.Option(help=f"The page's language: {', '.join(LANGUAGES)}.")]
Processes = Annotated[int | None, typer.Option(min=1, help="How many processes judge at once. Default: one for each processor.")]


def prove(
    ledger: LedgerUrl = None,
    log: Logs = None,
    since: Since = None,
    until: Until = None,
    column: Columns = None,
    event: Events = None,
    zone: Zone = None,
    regime: Regimes = None,
    dates: Dates = None,
    encoding: Encoding = None,
    head: Head = None,
    sealed: Sealed = False,
    histories: Histories = None,
    export: Exports = None,
    overlay: OverlayFile = None,
    page_file: PageFile = None,
    language: Language = "en",
    processes: Processes = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Prove that nothing unlawful left: re-judge every contact from the raw rows, by a law of the checker's own, and see whether the record is whole."""
    if language not in LANGUAGES:
        raise WrongUsage(f"there is no page in {language}; there are: {', '.join(LANGUAGES)}")
    span = _span(since, until)
    ours: Path | None = None
    if log:
        if given := [
            name for name, value in (("--histories", histories), ("--export", export), ("--ledger", ledger), ("--head", head)) if value
        ]:
            raise WrongUsage(f"{given[0]} is about a ledger, --log about somebody else's record; ask for them one after the other")
        reading = Reading(_columns(column), _events(event), _zone(zone), dates, encoding)
        found = _prove_log(log, reading, _regimes(regime), span, processes, _overlay(overlay))
    else:
        if given := [name for name, value in (("--column", column), ("--event", event), ("--zone", zone), ("--regime", regime)) if value]:
            raise WrongUsage(f"{given[0]} says how to read a log; name one with --log")
        settings = find_site(data_dir).settings
        url = ledger or settings.ledger_url
        ours = settings.data_dir if url == settings.ledger_url else None
        unseal = None if sealed else unsealer(settings, url)
        own = _overlay(overlay or (settings.overlay if ours else None))
        found = _prove_ledger(url, unseal, span, processes, _published(head), histories, export or [], own)
    if page_file is not None:
        page_file.write_text(page(found, language), encoding="utf-8")
    if ours is not None and ours.is_dir():
        _leave(ours, found)
    if as_json:
        print_json(found)
    else:
        show(found, out)
    if not found.clean:
        raise typer.Exit(ExitCode.REFUSED)


def _leave(data_dir: Path, found: Report) -> None:
    """Let the console show the proof. Whoever may not write there has proved nevertheless."""
    try:
        leave(data_dir, found.model_dump_json(), {tongue: page(found, tongue) for tongue in LANGUAGES})
    except OSError as refused:
        err.print(f"the console will not show this proof: {data_dir} cannot be written ({refused.strerror})", style="yellow")


Span = tuple[datetime | None, datetime | None]


def _overlay(path: Path | None) -> overlays.Overlay | None:
    try:
        return None if path is None else overlays.read(path)
    except overlays.OverlayUnreadable as wrong:
        raise WrongUsage(f"the lender's overlay: {wrong}") from None


def _prove_ledger(
    url: str,
    unseal: rows.Unseal | None,
    span: Span,
    processes: int | None,
    head: str | None,
    histories: str | None,
    exports: list[Path],
    own: overlays.Overlay | None,
) -> Report:
    begun = time.monotonic()
    try:
        source = rows.open(url, unseal)
        try:
            result = _judged(source, span, processes or _processors(_size_of(url) > _SMALL_FILE), own)
        finally:
            source.close()
        record = chain_found(chain_check.verify(url, head))
        compared = [_compared(url, histories)] if histories else []
        compared += [export_check.compare(url, path) for path in exports]
    except (LogUnreadable, HistoryUnreadable) as unusable:
        raise WrongUsage(str(unusable)) from None
    except (rows.Unreadable, PartFailed) as failed:
        raise Unreachable(f"the ledger cannot be proved: {failed}") from None
    subject = Subject(kind="ledger", name=make_url(url).render_as_string(hide_password=True), since=span[0], until=span[1])
    return report(
        subject,
        result,
        time.monotonic() - begun,
        chain=record,
        cross_checks=compared,
        overlay=own and own_numbers(own),
        most_listed=MOST_LISTED,
    )


def _published(head: str | None) -> str | None:
    try:
        return None if head is None else str(chain_check.Published.read(head))
    except ValueError as wrong:
        raise WrongUsage(f"--head: {wrong}") from None


def _compared(url: str, histories: str) -> CrossCheck:
    place = Path(histories)
    if place.exists():
        return history_check.compare(url, history_check.from_files(place), histories)
    if ":" not in histories:
        raise WrongUsage(f"--histories: there is no file or directory {histories}, and it is no address such as localhost:7233")
    return history_check.compare(url, asyncio.run(_fetched(histories)), histories)


async def _fetched(address: str) -> list[history_check.History]:
    """The histories of all cases that a Temporal server has. Raises ``Unreachable``."""
    try:
        client = await connect(address=address, within=timedelta(seconds=5))
    except TemporalUnreachable as gone:
        raise Unreachable(str(gone)) from gone
    found: list[history_check.History] = []
    async for run in client.list_workflows(f"WorkflowType = '{WORKFLOW_TYPE}'"):
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        found.append(history.to_json_dict())
    return found


def _prove_log(
    files: list[Path], reading: Reading, regimes: tuple[str, ...], span: Span, processes: int | None, own: overlays.Overlay | None
) -> Report:
    begun = time.monotonic()
    try:
        opened = open_log(files, reading, regimes)
    except (LogUnreadable, ColumnsUnusable) as unusable:
        raise WrongUsage(str(unusable)) from None
    try:
        result = _judged(opened.source, span, processes or _processors(opened.tally.lines > _FEW_LINES), own)
    except PartFailed as failed:
        raise Unreachable(f"the log cannot be judged: {failed}") from None
    finally:
        opened.source.close()
    subject = Subject(kind="log", name=", ".join(file.name for file in files), since=span[0], until=span[1])
    found = report(
        subject, result, time.monotonic() - begun, log=log_read(opened.tally), overlay=own and own_numbers(own), most_listed=MOST_LISTED
    )
    if not (found.figures.reported or found.figures.counted_only or found.figures.placements):
        words = ", ".join(repr(word.word) for word in (found.log.words if found.log else ())[:10])
        raise Unreachable(
            f"no line of the log was understood as a contact, so nothing was judged ({opened.tally.lines} lines, {opened.tally.refused} refused"
            f"{'; events: ' + words if words else ''}); say what its words mean with --event WORD=KIND"
        )
    return found


def _judged(source: Source, span: Span, processes: int, own: overlays.Overlay | None) -> Result:
    since, until = (None if at is None else instant(at) for at in span)
    return judge.run(spanned(source, since, until, own.changes if own else ()), processes=processes)


def _processors(much: bool) -> int:
    """One process for each processor; for a little, starting another takes longer than the work."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) if much else 1


def _size_of(ledger_url: str) -> float:
    """The bytes of a ledger in a file; endless for one on a server."""
    url = make_url(ledger_url)
    return Path(url.database).stat().st_size if url.get_backend_name() == "sqlite" and url.database else float("inf")


def _columns(given: list[str] | None) -> dict[str, str]:
    pairs = dict(_pair(said, "--column debt=loan_no") for said in given or ())
    if unknown := sorted(set(pairs) - {column.value for column in Column}):
        raise WrongUsage(f"there is no column {unknown[0]!r}; there are: {', '.join(Column)}")
    return pairs


def _events(given: list[str] | None) -> dict[str, Kind]:
    pairs = dict(_pair(said, "--event PTP=promise") for said in given or ())
    if unknown := sorted(set(pairs.values()) - {kind.value for kind in Kind}):
        raise WrongUsage(f"there is no kind of event {unknown[0]!r}; there are: {', '.join(Kind)}")
    return {word: Kind(kind) for word, kind in pairs.items()}


def _pair(said: str, example: str) -> tuple[str, str]:
    first, sign, second = said.rpartition("=") if example.startswith("--event") else said.partition("=")
    if not sign or not first or not second:
        raise WrongUsage(f"{said!r} is no pair; write it as in {example}")
    return first, second


def _regimes(given: str | None) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in (given or "").split(",") if name.strip())
    if unknown := [name for name in names if name not in COUNTRY_OF_REGIME]:
        raise WrongUsage(f"there is no law {unknown[0]!r} here; there are: {', '.join(COUNTRY_OF_REGIME)}")
    return names


def _zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            raise WrongUsage(f"{name} is no IANA time zone; write it as in Asia/Shanghai") from None
    return name


def _span(since: str | None, until: str | None) -> Span:
    first, last = (None if text is None else _instant(text, name) for text, name in ((since, "--since"), (until, "--until")))
    if first is not None and last is not None and first >= last:
        raise WrongUsage("--since must lie before --until")
    return first, last


def _instant(text: str, name: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{name}: {text!r} is no instant; write it as in 2026-11-01 or 2026-11-01T08:00:00+08:00") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read
