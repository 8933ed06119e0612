"""One browser and one service a module; a visit a test.

The browser ends with its module: while it runs, the main thread has an event loop, which other tests want to start.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.stack import Stack, running
from tests.page.browser import PATIENCE_MILLISECONDS, Visit, browsing, visiting
from tests.services.need import need

expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("Chromium")
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The service with the braked worker, without keys."""
    with running(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Visit]:
    """A visit from a desk; at the end nothing has gone wrong behind the page and nobody else was asked."""
    with visiting(browser, stack.url) as found:
        yield found
        told = found.page.inner_text("body")
        print(f"{found.page.url}\n{told}\n{found.complaints}")  # pytest shows it where the test failed
        found.assert_clean()


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder for a test's clips."""
    return tmp_path
