"""The package commands: FHIR packages from files into the database, and a report of what they ask for."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from helhed.commands.files import bytes_of
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.packages import (
    Dependency,
    Installed,
    Package,
    Taken,
    dependencies,
    install,
    installed,
    knowledge,
    read_package,
    release,
    require,
)
from helhed.fhir.profiles import KINDS, Profiles
from helhed.fhir.profiles.conformance import CLAIMED
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import Connection, Target, connected
from helhed.foundation.errors import BadRequest, HelhedError
from helhed.foundation.ids import key_of, parse_id

_MOST_TOLD = 20


async def install_files(target: Target, paths: Sequence[Path], console: Console | None = None) -> bool:
    """Install the packages in these files, all or none; True when no dependency is missing."""
    packages = [read_file(path) for path in paths]
    taken: dict[tuple[str, str], Taken] = {}
    async with connected(target.owner) as connection:
        fresh = await install(
            connection, packages, system_clock(), lambda one: taken.update({(one.name, one.version): one})
        )
        asked = await dependencies(connection)
        known = await knowledge(connection, KINDS)
    report = console or Console()
    profiles = Profiles(known)
    for package in packages:
        about = package.manifest
        print_package(report, package, new=package in fresh)
        print_terminologies(report, taken.get((about.name, about.version)))
        own = [one for one in asked if (one.package, one.package_version) == (about.name, about.version)]
        print_dependencies(report, own)
        print_unusable(report, package, profiles)
    names = {(one.manifest.name, one.manifest.version) for one in packages}
    return all(one.resolved for one in asked if (one.package, one.package_version) in names)


def read_file(path: Path) -> Package:
    """The package in a file. Raises what ``read_package`` does, naming the file."""
    content = bytes_of(path)
    try:
        return read_package(content)
    except HelhedError as error:
        raise type(error)(f"{path.name}: {error}") from None


async def list_packages(target: Target, console: Console | None = None) -> None:
    """Print the installed packages and what they lack."""
    async with connected(target.owner) as connection:
        there, asked = await installed(connection), await dependencies(connection)
    report = console or Console()
    if not there:
        report.print("No packages are installed.")
    for one in there:
        _print(report, _line(one))
        print_dependencies(report, [d for d in asked if (d.package, d.package_version) == (one.name, one.version)])


def _line(one: Installed) -> str:
    when = one.installed.strftime("%Y-%m-%d")
    return f"{one.name} {one.version}: {one.artefacts} artefacts, {one.examples} examples, installed {when}"


def print_package(report: Console, package: Package, *, new: bool) -> None:
    """One package: what it is and what it holds."""
    about = package.manifest
    _print(report, f"{about.name} {about.version}: {'installed' if new else 'was installed already'}")
    counts: dict[str, int] = {}
    for one in package.artefacts:
        kind = "examples" if one.example else one.type_name
        counts[kind] = counts.get(kind, 0) + 1
    _print(report, "  holds " + (", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"))


def print_terminologies(report: Console, taken: Taken | None) -> None:
    """What became of the code systems, value sets and concept maps of a package that was not there before."""
    if taken is None or not (taken.put or taken.kept or taken.left_out):
        return
    kept = f", {taken.kept} were held already" if taken.kept else ""
    _print(report, f"  terminologies: {taken.put} can be asked for now{kept}")
    for one in taken.left_out[:_MOST_TOLD]:
        _print(report, f"  left out: {one}")


def print_dependencies(report: Console, asked: Sequence[Dependency]) -> None:
    """What a package asks for and what it gets."""
    for one in asked:
        if one.resolved is None:
            got = "missing: what needs it is not checked"
        else:
            got = "installed" if one.exact else f"served by {one.resolved}"
        _print(report, f"  asks for {one.name} {one.asked}: {got}")


def print_unusable(report: Console, package: Package, profiles: Profiles) -> None:
    """The profiles of a package that nothing can be checked against; the others are compiled to see that they can."""
    for one in package.artefacts:
        if one.type_name == KINDS[0] and one.url and profiles.library.checked(f"{one.url}|{one.version}") is None:
            _print(report, f"  not usable: {profiles.library.problem(f'{one.url}|{one.version}')}")


async def set_requirement(
    target: Target, profile: str, type_name: str, organisation: str, severity: str | None, clock: Clock = system_clock
) -> None:
    """What an organisation writes must follow a profile from now on; without a severity it need not any more.

    Raises BadRequest for a type, organisation or profile that cannot be.
    """
    if type_name and type_name not in TYPE_NUMBERS:
        raise BadRequest(f"{type_name} is not a resource type of FHIR R4.")
    identifier = parse_id(organisation.removeprefix("Organization/")) if organisation else None
    if organisation and identifier is None:
        raise BadRequest("Name the organisation as Organization/ and its id here.")
    key, number = (key_of(identifier) if identifier else None), (TYPE_NUMBERS[type_name] if type_name else None)
    async with connected(target.owner) as connection:
        if severity is not None:
            await _check_installed(connection, profile)
            await require(connection, profile, key, number, severity, clock())
        elif not await release(connection, profile, key, number, clock()):
            raise BadRequest("Nobody was asked for that.")


async def _check_installed(connection: Connection, profile: str) -> None:
    """A rule that nobody can check would refuse everything."""
    if profile != CLAIMED and (problem := Profiles(await knowledge(connection, KINDS)).library.problem(profile)):
        raise BadRequest(problem)


def _print(report: Console, line: str) -> None:
    report.print(line, highlight=False, markup=False, soft_wrap=True)
