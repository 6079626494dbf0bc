"""The house rule on skipped tests, for every run from anywhere in the repository."""

pytest_plugins = ["tools.pytest_skips"]
