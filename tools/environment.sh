#!/bin/sh
# Makes .venv with everything the project needs, from the hash-pinned lock files. Does nothing when it is up to date.
# Needs only a Python from 3.11 on and a package registry that pip reaches with its usual settings.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
ready=$venv/.ready
inputs="pyproject.toml requirements-dev.lock requirements-uv.lock tools/environment.sh"

fail() {
    echo "helhed: $1" >&2
    exit 1
}

runs() { "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, $2))" >/dev/null 2>&1; }

makes_environments() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Microseconds of processor time that an interpreter takes for a short loop (by the clock a busy machine would choose by
# chance). Builds differ by a third (profile-guided or not, shared or not), and the network's own speed with them.
pace() {
    "$1" -c '
import time
def work():
    found = {}
    for i in range(60000):
        key = str(i % 1000)
        found[key] = found.get(key, 0) + len(key)
def timed():
    begun = time.process_time()
    work()
    return time.process_time() - begun
print(round(min(timed() for _ in range(9)) * 1000000))'
}

# The fastest Python that this user can really run (a name on the PATH may be a shim that only its owner may use); the
# earlier in the list of those that are about as fast. PYTHON= chooses. Versions newer than our locked wheels come last, as they
# would have to compile.
find_python() {
    without_venv=""
    for below in 15 99; do
        chosen="" best=0
        for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 \
            /usr/local/bin/python3 /usr/bin/python3 /opt/homebrew/bin/python3}; do
            runs "$candidate" "$below" || continue
            if ! makes_environments "$candidate"; then
                without_venv=$candidate
                continue
            fi
            pace=$(pace "$candidate")
            if [ -z "$chosen" ] || [ $((pace * 10)) -lt $((best * 9)) ]; then
                chosen=$candidate best=$pace
            fi
        done
        if [ -n "$chosen" ]; then
            echo "$chosen"
            return
        fi
    done
    if [ -n "$without_venv" ]; then
        fail "$without_venv cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt install python3-venv)."
    fi
    fail "no Python from 3.11 on was found: install one (on Debian and Ubuntu: apt install python3 python3-venv), or name it with PYTHON=."
}

fingerprint() {
    pwd -P
    cat $inputs | cksum
}

# Its Python runs, is new enough, and its scripts point here: a moved or copied environment needs making anew.
venv_works() {
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
        grep -qF "$(pwd -P)/$venv/" "$venv/bin/pip" 2>/dev/null
}

if [ -f "$ready" ] && [ "$(cat "$ready")" = "$(fingerprint)" ] && venv_works; then
    touch "$ready"
    exit 0
fi

if ! venv_works; then
    python=$(find_python)
    echo "Making $venv with $("$python" --version 2>&1) ($python)"
    rm -rf "$venv" || fail "the old $venv belongs to somebody else: remove it, or work in a checkout of your own."
    "$python" -m venv "$venv"
fi
rm -f "$ready"

# uv reads none of pip's settings, so a mirror that pip is told of is passed on.
if [ -z "${UV_DEFAULT_INDEX:-}" ]; then
    mirror=${PIP_INDEX_URL:-$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"
fi
if [ -z "${SSL_CERT_FILE:-}" ] && [ -n "${PIP_CERT:-}" ]; then
    export SSL_CERT_FILE="$PIP_CERT"
fi
export UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1 UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}"

echo "Installing the locked packages"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --requirement requirements-uv.lock
"$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes requirements-dev.lock
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
fingerprint >"$ready"
