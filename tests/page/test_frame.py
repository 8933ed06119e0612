"""What every view has around it."""

from playwright.sync_api import expect

from tests.page.browser import Visit


def test_the_page_opens_and_asks_nobody_else(visit: Visit) -> None:
    visit.go("/")
    expect(visit.page.get_by_role("link", name="New job").first).to_be_visible()


def test_an_address_that_leads_nowhere_says_so(visit: Visit) -> None:
    visit.go("/jobs/nothing")
    expect(visit.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    visit.page.get_by_role("link", name="See all jobs").click()
    expect(visit.page.get_by_role("heading", level=1)).to_be_visible()
