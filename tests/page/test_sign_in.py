"""Signing in with an API key, where the service asks for keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.stack import Stack, running
from tests.page.accessibility import violations_in_both_themes
from tests.page.browser import Visit
from tests.page.keys import first_key


@pytest.fixture(scope="module")
def place(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def key(place: Path) -> str:
    return first_key(place / "data")


@pytest.fixture(scope="module")
def stack(place: Path, key: str) -> Iterator[Stack]:
    """The service, which asks for keys and so wants one to be there when it starts."""
    with running(place, ROTOMILL_API_KEYS_REQUIRED="true") as found:
        yield found


def test_a_key_signs_in_stays_over_a_reload_and_signs_out(visit: Visit, key: str) -> None:
    page = visit.page
    visit.go("/")
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    assert violations_in_both_themes(page) == []
    field, enter = dialog.get_by_label("API key"), dialog.get_by_role("button", name="Sign in")
    field.fill("rm_wrong")
    enter.click()
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    field.fill(key)
    enter.click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="One mask in, every frame out")).to_be_visible()

    page.reload()
    expect(page.get_by_role("heading", name="One mask in, every frame out")).to_be_visible()
    assert not page.evaluate("document.cookie"), "a script can read the cookie"
    page.get_by_role("button", name="Sign out").click()
    expect(dialog).to_be_visible()
    visit.forget("401")
