"""What axe-core finds wrong with what is on the page."""

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """Each violation in a line: the rule, how grave, and where."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(
        "async (rules) => (await axe.run(document, rules)).violations", RULES
    )
    return [_line(violation) for violation in found]


def violations_in_both_themes(page: Page) -> list[str]:
    """The same view, light and dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {line}" for line in violations(page)]
    return found


def _line(violation: dict[str, Any]) -> str:
    places = [
        f"{' '.join(map(str, node['target']))} {node['failureSummary']}" for node in violation["nodes"][:4]
    ]
    return f"{violation['id']} ({violation['impact']}): " + " | ".join(places)
