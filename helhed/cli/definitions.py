"""Commands for definitions beside those of R4: packages with their profiles, and search parameters."""

from pathlib import Path
from typing import Annotated

import typer

from helhed.cli.running import index_again, run
from helhed.foundation.settings import Settings

package = typer.Typer(no_args_is_help=True, help="FHIR packages: profiles, value sets and code systems.")
search_parameter = typer.Typer(no_args_is_help=True, help="Search parameters beside those of FHIR R4.")


@package.command("install")
def package_install(
    files: Annotated[list[Path], typer.Argument(help="Package archives (.tgz).")],
) -> None:
    """Install FHIR packages, all of them or none. Installing the same again changes nothing."""
    from helhed.commands.packaging import install_files
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        run(install_files(target, files))


@package.command("list")
def package_list() -> None:
    """List the installed packages, and what they ask for."""
    from helhed.commands.packaging import list_packages
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        run(list_packages(target))


_PROFILE = Annotated[str, typer.Argument(help="Address of the profile; claimed: every one that a resource claims.")]
_ORGANISATION = Annotated[str, typer.Option(help="Organization/ and its id here; every organisation without.")]
_TYPE = Annotated[str, typer.Option("--type", help="Resource type; every type without.")]


@package.command("require")
def package_require(
    profile: _PROFILE,
    organisation: _ORGANISATION = "",
    type_: _TYPE = "",
    warn: Annotated[bool, typer.Option("--warn", help="Let in what breaks it, and log that.")] = False,
) -> None:
    """From now on refuse what an organisation writes against a profile."""
    _require(profile, type_, organisation, "warning" if warn else "error")


@package.command("release")
def package_release(profile: _PROFILE, organisation: _ORGANISATION = "", type_: _TYPE = "") -> None:
    """From now on no longer refuse it: name what was named to require it."""
    _require(profile, type_, organisation, None)


def _require(profile: str, type_name: str, organisation: str, severity: str | None) -> None:
    from helhed.commands.packaging import set_requirement
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        run(set_requirement(target, "" if profile == "claimed" else profile, type_name, organisation, severity))


@search_parameter.command("use")
def search_parameter_use(
    names: Annotated[
        list[str], typer.Argument(help="Files, or addresses of SearchParameters installed or stored here.")
    ],
) -> None:
    """Take search parameters into use: index what is stored by them, while the network serves. Goes on where it was left."""
    from helhed.commands.search_parameters import use
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        run(use(target, names))
        index_again(target)


@search_parameter.command("list")
def search_parameter_list() -> None:
    """List the search parameters that are or were in use."""
    from helhed.commands.search_parameters import list_used
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        run(list_used(target))


@search_parameter.command("retire")
def search_parameter_retire(url: Annotated[str, typer.Argument(help="Address of the search parameter.")]) -> None:
    """Let a search parameter be used no more, from now on."""
    from helhed.commands.search_parameters import retire_used
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        run(retire_used(target, url))
