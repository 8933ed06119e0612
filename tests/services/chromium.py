"""Debian's Chromium, which tests of the page drive."""

import shutil

# The headless shell first: the whole browser's headless mode has kept a core busy for ever.
BINARIES = ("chromium-headless-shell", "chromium")


def binary() -> str | None:
    return next((found for found in map(shutil.which, BINARIES) if found), None)
