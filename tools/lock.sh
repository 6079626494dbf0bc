#!/bin/sh
# Rewrites the lock files from pyproject.toml and package.json. `make lock UPGRADE=1` takes newer versions.
# The files name versions and hashes only, never the address of a registry.
set -eu
cd "$(dirname "$0")/.."

uv() { .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links ${UPGRADE:+--upgrade} "$@"; }

uv pyproject.toml --group dev --output-file requirements-dev.lock
uv pyproject.toml --constraint requirements-dev.lock --output-file requirements.lock
echo uv | uv - --output-file requirements-uv.lock
.venv/bin/python -m tools.assets --lock
