"""The pictures of the documentation, taken of the real console while the real demo runs; the same seed and the same first day every time.

    make pictures          (or: python -m tests.console.pictures [--into docs/pictures])

It takes some minutes: the demo goes on until day 50, when several requests wait for a decision.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer
from playwright.async_api import Browser, Locator, Page, ViewportSize, async_playwright

from arrears.cli.demo.operator import PASSWORD
from arrears.cli.demo.play import Script, play
from arrears.cli.site import Running, running_in

FIRST_DAY = date(2026, 11, 2)
FROM_DAY = 50
DAY = timedelta(seconds=2.5)
TONGUES = ("en", "zh-CN")
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
MOST_BYTES = 200_000
_STARTED_WITHIN = 240
_PATIENCE = 90_000
_PLAY = "--play"


@dataclass(frozen=True)
class Shot:
    """A picture: whose browser shows which page, and what must be on it."""

    name: str
    operator: str
    path: str
    shows: str = "main h1"


SHOTS = (
    Shot("inbox", "op-lin", "/", "article[data-card]"),
    Shot("case", "op-lin", "", "main h1"),
    Shot("search", "op-lin", "/cases"),
    Shot("portfolio", "op-lin", "/portfolio", "dl.tiles"),
    Shot("audit", "op-reed", "/audit", "table.trail"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=Path("docs/pictures"))
    parser.add_argument(_PLAY, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play:
        asyncio.run(play(_script(given.play)))
        return
    with tempfile.TemporaryDirectory(prefix="arrears-pictures-") as folder:
        data_dir = Path(folder) / "demo"
        demo = subprocess.Popen([sys.executable, "-m", "tests.console.pictures", _PLAY, str(data_dir)], stdout=subprocess.DEVNULL)
        try:
            given.into.mkdir(parents=True, exist_ok=True)
            asyncio.run(take(_started(data_dir, demo), given.into))
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def _script(data_dir: Path) -> Script:
    return Script(
        data_dir=data_dir,
        day=FIRST_DAY,
        day_length=DAY,
        days=0,
        approving="never",
        seed=1,
        keep=True,
        temporal_port=0,
        ui_port=0,
        api_port=0,
        as_json=False,
    )


def _started(data_dir: Path, demo: subprocess.Popen[bytes]) -> Running:
    """The demo, once it runs."""
    until = time.monotonic() + _STARTED_WITHIN
    while (found := running_in(data_dir)) is None:
        if demo.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"the demo did not start; see {data_dir / 'logs'}")
        time.sleep(0.5)
    return found


async def take(demo: Running, into: Path) -> None:
    """Sign in, wait for the day, then take every picture in each language and width: those first for which a request must wait."""
    async with async_playwright() as playwright, AsyncExitStack() as windows:
        program = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        pages = {
            (operator, tongue): await windows.enter_async_context(_signed_in(browser, demo.api_url, operator, tongue))
            for operator in dict.fromkeys(shot.operator for shot in SHOTS)
            for tongue in TONGUES
        }
        await asyncio.sleep((demo.clock.real_epoch + FROM_DAY * DAY - datetime.now(UTC)).total_seconds())
        loan = ""
        for shot in SHOTS:
            for tongue in TONGUES:
                for width, size in SIZES.items():
                    page = pages[shot.operator, tongue]
                    await page.set_viewport_size(size)
                    loan = await _show(page, shot, loan)
                    await _save(page, into / f"console-{shot.name}-{tongue}-{width}.png")


async def _show(page: Page, shot: Shot, loan: str) -> str:
    """Open the page; the loan whose case is shown: that of the first request that was seen."""
    match shot.name:
        case "inbox":
            card = await _open_request(page)
            loan = loan or await card.locator("a.id").first.inner_text()
            await card.evaluate("card => card.scrollIntoView({block: 'start'})")
        case "case":
            await page.goto(f"/cases/{loan}")
        case _:
            await page.goto(shot.path)
    await page.wait_for_selector(shot.shows, timeout=_PATIENCE)
    return loan


async def _open_request(page: Page) -> Locator:
    """The inbox's first request that can still be decided; it is waited for."""
    until = time.monotonic() + _PATIENCE / 1000
    while True:
        await page.goto("/")
        card = page.locator("article[data-card]").filter(has=page.locator("input[type=radio][value^='approve:']")).first
        if await card.count():
            return card
        if time.monotonic() > until:
            raise SystemExit("no request waits for a decision")
        await page.wait_for_timeout(500)


@asynccontextmanager
async def _signed_in(browser: Browser, url: str, operator: str, tongue: str) -> AsyncIterator[Page]:
    """A page at which an operator has signed in through the real form."""
    context = await browser.new_context(base_url=url, locale=tongue, timezone_id="Asia/Shanghai")
    page = await context.new_page()
    await page.goto("/login")
    await page.locator("input[name=name]").fill(operator)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("input[name=password]").press("Enter")
    await page.wait_for_url(lambda at: "/login" not in at)
    yield page
    await context.close()


async def _save(page: Page, file: Path) -> None:
    await page.wait_for_timeout(300)
    taken = await page.screenshot(path=file)
    typer.echo(f"{file} {len(taken) / 1000:.0f} kB")
    assert len(taken) <= MOST_BYTES, f"{file} is larger than the documentation wants"


if __name__ == "__main__":
    main()
