"""Browser windows that tests use one after the other: a new one costs a process, and more than a second of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, CDPSession, Page

PATIENCE = 15_000
"""Milliseconds that a page may take for what a test waits for; two cores may be busy with other tests."""
_MOST_KEPT = 4


@dataclass(frozen=True)
class Make:
    """What of a window cannot be changed once it is open."""

    address: str
    locale: str
    javascript: bool


@dataclass
class Window:
    """A page with cookies and storage of its own."""

    make: Make
    context: BrowserContext
    page: Page
    storage: CDPSession
    listening: list[tuple[Any, Callable[..., None]]] = field(default_factory=list)

    def listen(self, event: Any, to: Callable[..., None]) -> None:
        self.page.on(event, to)
        self.listening.append((event, to))


class Windows:
    """The windows of one browser; ``elsewhere`` is an empty page of the host that the consoles are on, where they wait."""

    def __init__(self, browser: Browser, elsewhere: str) -> None:
        self._browser, self._elsewhere = browser, elsewhere
        self._free: list[Window] = []

    async def take(self, make: Make) -> Window:
        """A window as good as new: at the empty page, nobody signed in, nothing stored."""
        for window in reversed(self._free):
            if window.make == make:
                self._free.remove(window)
                return window
        context = await self._browser.new_context(
            base_url=make.address,
            locale=make.locale,
            java_script_enabled=make.javascript,
            timezone_id="Asia/Shanghai",
        )
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        return Window(make, context, page, await context.new_cdp_session(page))

    async def give_back(self, window: Window) -> None:
        """Make it as good as new for the next test. One that another page was opened in, or that was closed, is not kept."""
        for event, to in window.listening:
            window.page.remove_listener(event, to)
        window.listening.clear()
        if window.context.pages != [window.page]:
            await window.context.close()
            return
        await window.page.unroute_all(behavior="ignoreErrors")
        # The same host, so that the window keeps its process.
        await window.page.goto(self._elsewhere)
        await window.context.clear_cookies()
        await window.storage.send("Storage.clearDataForOrigin", {"origin": window.make.address, "storageTypes": "all"})
        self._free.append(window)
        while len(self._free) > _MOST_KEPT:
            await self._free.pop(0).context.close()
