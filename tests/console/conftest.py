"""The console as an operator meets it: the real app over a real ledger, in Debian's Chromium; with real cases where a test needs them.

All tests here share one event loop for each process, and with it one browser and one Temporal server.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright
from starlette.responses import HTMLResponse
from starlette.routing import Route
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from arrears.activities import Activities
from arrears.api.app import create_app
from arrears.api.cases import TemporalClient
from arrears.api.serving import serving
from arrears.config.settings import Settings
from arrears.domain.strategy import Role
from arrears.gateways.registry import Gateways
from arrears.ledger import access
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.tables import OperatorRow
from arrears.workers.connection import TemporalUnreachable, register_search_attributes
from arrears.workers.server import TUNING, free_port
from arrears.workers.worker import collections_worker
from arrears.workflows.contract import TASK_QUEUE, WORKFLOW_TYPE, workflow_id
from tests.acceptance.town import executable
from tests.console.scene import MORNING, STRATEGIES
from tests.console.windows import PATIENCE as PATIENCE
from tests.console.windows import Make, Window, Windows
from tests.sealing import VAULT

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

OPERATORS = {
    Role.COLLECTOR: ("zhao.lei", "赵磊"),
    Role.SUPERVISOR: ("li.na", "李娜"),
    Role.RISK_CONTROL: ("wang.fang", "王芳"),
    Role.AUDITOR: ("chen.jing", "陈静"),
    Role.ADMIN: ("admin.one", "周凯"),
}
SECOND_SUPERVISOR = ("sun.yu", "孙宇")
_CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
Scheme = Literal["light", "dark"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium: ``apt-get install chromium fonts-noto-cjk``."""
    program = shutil.which("chromium")
    if program is None:
        missing = "there is no `chromium` here: apt-get install chromium fonts-noto-cjk"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(_CHROMIUM))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A real server, that knows the attributes of cases."""
    tuning = [arg for key, value in TUNING.items() for arg in ("--dynamic-config-value", f"{key}={value}")]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=executable("temporal"),
        dev_server_database_filename=str(tmp_path_factory.mktemp("temporal") / "temporal.db"),
        dev_server_extra_args=["--sqlite-pragma", "journal_mode=WAL", *tuning],
        data_converter=pydantic_data_converter,
    ) as env:
        await register_search_attributes(env.client)
        yield env.client


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables; nobody has opened it."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}", VAULT))
    return path


@dataclass
class Console:
    """A running console. ``now()`` is its business time, which began on a Monday at ten in the morning in Shanghai."""

    url: str
    ledger: Ledger
    settings: Settings
    temporal: Client | None = None
    opened: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        return self.settings.clock.at(datetime.now(UTC))

    async def add(self, *rows: Any) -> None:
        """Put rows into the ledger, one after the other."""
        async with self.ledger.session() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def begin(self, operator_id: str) -> str:
        """The token of a new session of theirs."""
        async with self.ledger.session() as session:
            return await access.begin(session, operator_id, datetime.now(UTC))

    async def open(self, loan_id: str) -> None:
        """Start the loan's case."""
        assert self.temporal is not None, "this console has no Temporal: take the fixture `running_console`"
        await self.temporal.start_workflow(WORKFLOW_TYPE, {"loan_id": loan_id}, id=workflow_id(loan_id), task_queue=TASK_QUEUE)
        self.opened.append(loan_id)


async def nowhere() -> Client:
    raise TemporalUnreachable("nowhere", "this test has no server")


@pytest.fixture(scope="session")
def port() -> int:
    """Where the consoles of this process are, one after the other: a window stays at its address."""
    return free_port()


async def _serve(stack: AsyncExitStack, settings: Settings, temporal: TemporalClient, port: int) -> Console:
    ledger = Ledger(settings.ledger_url, VAULT)
    stack.push_async_callback(ledger.close)
    async with ledger.session() as session:
        for role, (operator_id, name) in OPERATORS.items():
            session.add(OperatorRow(id=operator_id, name=name, role=role))
        session.add(OperatorRow(id=SECOND_SUPERVISOR[0], name=SECOND_SUPERVISOR[1], role=Role.SUPERVISOR))
    await stack.enter_async_context(serving(create_app(ledger, temporal, settings), port))
    return Console(f"http://127.0.0.1:{port}", ledger, settings)


def _settings(directory: Path, empty: Path, **more: object) -> Settings:
    shutil.copy(empty, directory / "ledger.db")
    return Settings.model_validate({"data_dir": directory, "clock": MORNING(), **more})


@pytest_asyncio.fixture(loop_scope="session")
async def console(tmp_path: Path, empty_ledger: Path, port: int) -> AsyncIterator[Console]:
    """The console over an empty ledger, while Temporal is away."""
    async with AsyncExitStack() as stack:
        yield await _serve(stack, _settings(tmp_path, empty_ledger), nowhere, port)


@pytest_asyncio.fixture(loop_scope="session")
async def running_console(tmp_path: Path, empty_ledger: Path, temporal: Client, port: int) -> AsyncIterator[Console]:
    """The console with a worker: cases run. They use the ladders of ``scene.STRATEGIES``, and no gateway is configured."""

    async def client() -> Client:
        return temporal

    async with AsyncExitStack() as stack:
        strategies = tmp_path / "strategies"
        strategies.mkdir()
        for name, text in STRATEGIES.items():
            (strategies / f"{name}.yaml").write_text(text, encoding="utf-8")
        settings = _settings(tmp_path, empty_ledger, strategies_dir=strategies)
        console = await _serve(stack, settings, client, port)
        console.temporal = temporal
        gateways = await stack.enter_async_context(Gateways(settings))
        activities = Activities(console.ledger, gateways, settings)
        await stack.enter_async_context(collections_worker(temporal, activities.all()))
        yield console
        # The server is shared: the next test's worker must not be asked to go on with these.
        for loan_id in console.opened:
            handle = temporal.get_workflow_handle(workflow_id(loan_id))
            if (await handle.describe()).close_time is None:
                await handle.terminate("the test is over")


PageAs = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def windows(browser: Browser) -> AsyncIterator[Windows]:
    """The browser's windows, while no test uses them."""
    async with serving(FastAPI(routes=[Route("/", lambda _: HTMLResponse(""))]), 0) as port:
        yield Windows(browser, f"http://127.0.0.1:{port}/")


@pytest_asyncio.fixture(loop_scope="session")
async def page_as(windows: Windows) -> AsyncIterator[PageAs]:
    """Opens a browser window at which an operator of a role is signed in: ``await page_as(console, Role.SUPERVISOR, "/inbox")``.

    Each has cookies of its own. A page that raises an error in its scripts, or that its own security policy refuses something, fails the test.
    """
    taken: list[Window] = []
    wrong: list[str] = []

    async def opened(
        console: Console,
        who: Role | str | None,
        path: str = "/",
        *,
        locale: str = "en",
        viewport: dict[str, int] | None = None,
        scheme: Scheme = "light",
        javascript: bool = True,
    ) -> Page:
        window = await windows.take(Make(console.url, locale, javascript))
        taken.append(window)
        page = window.page
        await page.set_viewport_size(viewport or DESK)  # type: ignore[arg-type]
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if who is not None:
            operator_id = OPERATORS[who][0] if isinstance(who, Role) else who
            token = await console.begin(operator_id)
            await window.context.add_cookies([{"name": "arrears_session", "value": token, "url": console.url}])
        window.listen("pageerror", lambda error: wrong.append(f"script: {error}"))
        window.listen("console", lambda said: wrong.append(f"console: {said.text}") if "Content Security Policy" in said.text else None)
        await page.goto(path)
        return page

    yield opened
    for window in taken:
        await windows.give_back(window)
    assert not wrong, "\n".join(wrong)


async def axe(page: Page) -> None:
    """Assert that axe-core finds nothing wrong with the page as it is shown now."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
    # What passed is not asked for: it is long.
    violations = await page.evaluate("options => axe.run(options).then(found => found.violations)", options)
    said = [f"{v['id']}: {v['help']}\n    " + "\n    ".join(n["html"][:300] for n in v["nodes"]) for v in violations]
    assert not violations, "\n".join(said)


async def fits(page: Page) -> None:
    """Assert that nothing makes the page scroll sideways."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} px wider than the window"
