"""The `arrears` command."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from socket import gaierror

import typer
from sqlalchemy.exc import DBAPIError

from arrears.cli import (
    accounts,
    approvals,
    case_verdicts,
    cases,
    chain,
    clients,
    database,
    events,
    facts,
    messages,
    operators,
    portfolio,
    privacy,
    processes,
    prove,
    rules,
    situation,
    strategy,
    verdict,
)
from arrears.cli.demo.command import demo
from arrears.cli.output import EXIT_CODES, CommandFailed, ExitCode, print_problem
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.vault import KeyProblem

app = typer.Typer(
    name="arrears",
    help="Durable loan collections: one overdue loan, one case, one long-running workflow.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they could show personal data
)
app.command("demo")(demo)
app.command("up")(processes.up)
app.command("worker")(processes.worker)
app.command("api")(processes.api)
app.command("sandbox", hidden=True)(processes.sandbox)
app.add_typer(cases.app, name="case")
cases.app.command("situation")(situation.situation)
cases.app.command("verdicts")(case_verdicts.case_verdicts)
app.add_typer(approvals.app, name="approvals")
app.add_typer(operators.app, name="operators")
app.add_typer(accounts.app, name="accounts")
app.add_typer(clients.app, name="clients")
app.add_typer(strategy.app, name="strategy")
app.add_typer(messages.app, name="messages")
app.command("verdict")(verdict.verdict)
app.command("rules")(rules.rules)
app.command("prove", epilog=prove.EPILOG)(prove.prove)
app.command("import")(portfolio.import_portfolio)
app.add_typer(facts.app, name="facts")
app.command("erase")(privacy.erase)
app.command("retention")(privacy.retention)
app.add_typer(events.app, name="events")
app.add_typer(chain.app, name="chain")
app.add_typer(database.app, name="db")

_LEDGER_REMEDY = "its tables come with `arrears db upgrade`, its place is ARREARS_LEDGER_URL"


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    try:
        app(args=list(arguments), prog_name="arrears")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except (CommandFailed, LedgerRefusal, KeyProblem, DBAPIError, OSError) as failed:
        message, code = _explain(failed)
        print_problem(message, code, as_json="--json" in arguments)
        return code
    return ExitCode.DONE


def main() -> None:
    """The entry point. The interpreter is left at once: Temporal's client can abort it on the ordinary way out, after all work is done."""
    code = ExitCode.REFUSED
    try:
        code = run(sys.argv[1:])
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _explain(failed: CommandFailed | LedgerRefusal | KeyProblem | DBAPIError | OSError) -> tuple[str, ExitCode]:
    match failed:
        case CommandFailed():
            return str(failed), failed.exit_code
        case LedgerRefusal() | KeyProblem():
            return str(failed), ExitCode.REFUSED
        case DBAPIError():
            # Only the driver's first line: statements and their values stay out of what is shown.
            why = str(failed.orig).splitlines()[0] if failed.orig else type(failed).__name__
            return f"the ledger cannot be used ({why}); {_LEDGER_REMEDY}", ExitCode.UNREACHABLE
        case ConnectionError() | TimeoutError() | gaierror():
            return f"the ledger does not answer ({failed}); {_LEDGER_REMEDY}", ExitCode.UNREACHABLE
        case _:
            return str(failed), ExitCode.REFUSED


if __name__ == "__main__":
    main()
