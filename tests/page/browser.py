"""A real browser, Debian's Chromium, and visits to the page that notice what no visit may do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.services import chromium

FLAGS = [
    "--no-sandbox",  # containers run the tests as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Two busy cores may take long over what an idle one does at once.
PATIENCE_MILLISECONDS = 90_000

# A running job's live pictures are gone the moment it ends, and one may be on its way just then.
GONE_WITH_ITS_JOB = re.compile(r"status of 404 .*/previews/\d+\)$")

OWN_SCHEMES = ("blob:", "data:", "about:")


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser, from started to closed; the event loop of the main thread ends with it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.binary(), args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person's visit, and what went wrong in it unseen."""

    url: str
    page: Page
    complaints: list[str] = field(default_factory=list)
    """What the browser's console said: exceptions, violations of the policy of contents, failed loads."""
    elsewhere: list[str] = field(default_factory=list)
    """What was asked of other hosts."""

    def go(self, route: str = "/") -> None:
        """Open a view; on the page already, as a link would."""
        self.page.goto(f"{self.url}/#{route}")

    def hear(self, message: ConsoleMessage) -> None:
        text = f"{message.text} ({message.location.get('url', '')})"
        if message.type == "error" and not GONE_WITH_ITS_JOB.search(text):
            self.complaints.append(text)

    def see(self, request: Request) -> None:
        if not request.url.startswith((self.url + "/", *OWN_SCHEMES)):
            self.elsewhere.append(request.url)

    def forget(self, *texts: str) -> None:
        """Drop complaints that the test brought about; each text has to be in one."""
        for text in texts:
            matching = [complaint for complaint in self.complaints if text in complaint]
            assert matching, f"no complaint has {text!r}: {self.complaints}"
            self.complaints = [complaint for complaint in self.complaints if complaint not in matching]

    def assert_clean(self) -> None:
        assert not self.elsewhere, self.elsewhere
        assert not self.complaints, self.complaints


@contextmanager
def visiting(
    browser: Browser, url: str, *, width: int = 1440, height: int = 900, touch: bool = False, **options: Any
) -> Iterator[Visit]:
    """A visit with nothing left of earlier ones."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch, **options
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    visit = Visit(url, page)
    page.on("console", visit.hear)
    page.on("pageerror", lambda error: visit.complaints.append(f"{error.name}: {error.message}"))
    # While somebody listens the browser hands its dialogs over. One who begins to as the dialog opens may be late.
    page.on("filechooser", lambda _: None)
    context.on("request", visit.see)
    try:
        yield visit
    finally:
        context.close()
