"""The page in a real browser, with the whole service behind it."""
