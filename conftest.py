"""The house rules on skipped tests and on their order, for every run from anywhere in the repository."""

pytest_plugins = ["tools.pytest_skips", "tools.pytest_order", "tools.pytest_removal"]
