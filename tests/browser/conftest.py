"""Gives each test of this folder the browser; what tests ask of a page stands in chromium.py."""

from chromium import browser  # noqa: F401  pytest finds a fixture by its name


def pytest_terminal_summary(terminalreporter):
    """Print what tests recorded, such as the time a slider took: the processes that run them cannot."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.line(f"{report.nodeid}: {name} {value}")
