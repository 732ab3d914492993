"""Gives each test of this folder the browser; what tests ask of a page stands in chromium.py."""

from chromium import browser  # noqa: F401  pytest finds a fixture by its name
