"""The console comes with `arrears demo` and `arrears up`: nothing more to install, to start or to set up."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from arrears.cli.demo.operator import PASSWORD, STAFF
from arrears.cli.main import run
from arrears.cli.site import Running, running_in
from tests.cli.conftest import ANY_PORTS, ARREARS, bring_up, clean_environment, eventually
from tests.console.conftest import DESK

pytestmark = [pytest.mark.timeout(400), pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")]
_PATIENCE = 60_000


def begin(options: Sequence[str], log: Path) -> subprocess.Popen[str]:
    """Start the demo; what it says to people goes to the log."""
    with log.open("w") as file:
        return subprocess.Popen([*ARREARS, "demo", *options], stdout=subprocess.PIPE, stderr=file, text=True, env=clean_environment())


async def test_the_demos_cases_show_up_live_to_its_operators(browser: Browser, tmp_path: Path) -> None:
    data_dir = tmp_path / "demo"
    options = ("--data-dir", str(data_dir), "--day-seconds", "3", "--days", "12", "--approve", "never", "--json", *ANY_PORTS)
    demo = begin(options, tmp_path / "demo.err")
    try:
        found = await asyncio.to_thread(eventually, lambda: running_in(data_dir) or demo.poll() is not None, 200)
        assert isinstance(found, Running), (tmp_path / "demo.err").read_text()
        context = await browser.new_context(base_url=found.api_url, viewport=DESK, locale="en")  # type: ignore[arg-type]
        context.set_default_timeout(_PATIENCE)
        page = await context.new_page()

        await page.goto("/portfolio")
        await expect(page).to_have_url(re.compile("/login"))
        await page.get_by_label("Operator id").fill("op-lin")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()

        tiles = page.locator("dl.tiles")
        await expect(tiles).to_contain_text(re.compile(r"Open cases\s*[1-9]"), timeout=_PATIENCE)
        # Without a reload: what happens shows.
        judged = tiles.get_by_text(re.compile("steps? judged"))
        before = await judged.inner_text()
        await expect(judged).not_to_have_text(before, timeout=_PATIENCE)
        await context.close()
    finally:
        out, _ = await asyncio.to_thread(demo.communicate)
        demo.kill()
    said = (tmp_path / "demo.err").read_text()
    assert demo.returncode == 0, said
    assert found.api_url in said
    assert PASSWORD in said
    assert all(operator in said for operator in STAFF)
    assert json.loads(out)["account"]["lost"] == []


async def test_up_has_no_account_of_its_own_and_says_how_to_make_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir = tmp_path / "data"
    here = await asyncio.to_thread(bring_up, data_dir)
    try:
        note = running_in(data_dir)
        assert note is not None
        on = ("--data-dir", str(data_dir))
        said = await asyncio.to_thread(eventually, lambda: "nothing is lost" in (text := (tmp_path / "data.out").read_text()) and text)
        assert f"console    {note.api_url}" in said
        assert "nobody can sign in to the console yet" in said
        assert "arrears accounts set-password wei" in said

        def make_the_first() -> list[int]:
            monkeypatch.setattr("sys.stdin", io.StringIO("seven quiet teapots\n"))
            added = run(["operators", "add", "wei", "--name", "Wei Example", "--role", "supervisor", *on])
            return [added, run(["accounts", "set-password", "wei", "--no-must-change", *on])]

        assert await asyncio.to_thread(make_the_first) == [0, 0]
        async with httpx.AsyncClient(base_url=note.api_url, follow_redirects=True, headers={"sec-fetch-site": "same-origin"}) as http:
            wrong = await http.post("/login", data={"name": "wei", "password": "seven loud teapots", "next": "/portfolio"})
            right = await http.post("/login", data={"name": "wei", "password": "seven quiet teapots", "next": "/portfolio"})
        assert wrong.status_code == 401
        assert right.status_code == 200
        assert right.url.path == "/portfolio"
    finally:
        assert await asyncio.to_thread(here.stop) == 0
