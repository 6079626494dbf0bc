"""Commands for people: their words and options. The names are fixed: other tools rely on them."""

from collections.abc import Callable

import typer

from helhed.cli import (
    backups,
    clients,
    definitions,
    exchanges,
    imports,
    insight,
    keys,
    log,
    network,
    records,
    reviewers,
    sources,
    watch,
    witness,
)
from helhed.foundation.errors import HelhedError

app = typer.Typer(
    help="Helhed, an open national health network. What it is set to comes from the environment (HELHED_*).",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
#: as `helhed --help` shows them
_PANELS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Run it": {
        "serve": network.serve,
        "demo": network.demo,
        "token": network.token,
        "migrate": network.migrate,
        "reindex": network.reindex,
    },
    "Fill it": {
        "import": imports.import_,
        "population": network.population,
        "terminology": imports.terminology,
        "package": definitions.package,
        "search-parameter": definitions.search_parameter,
    },
    "Keep it": {
        "backup-key": backups.backup_key,
        "backup": backups.backup,
        "restore": backups.restore,
        "keys": keys.keys,
        "retention": records.retention,
        "hold": records.hold,
        "release": records.release,
        "purge": records.purge,
    },
    "Who takes part": {
        "client": clients.client,
        "trust-list": clients.trust_list,
        "exchange": exchanges.exchange,
        "source": sources.source,
        "unit": records.unit,
        "keeper": records.keeper,
        "reviewer": reviewers.reviewer,
        "watch": watch.watch,
    },
    "What can be checked": {
        "log": log.log,
        "witness": witness.witness,
        "insight": insight.insight,
    },
}
for _panel, _commands in _PANELS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel)(_command)


def main() -> None:
    """Run a command; a mistake is one sentence, not a traceback."""
    try:
        app()
    except HelhedError as error:
        typer.echo(f"helhed: {error}", err=True)
        raise SystemExit(1) from None
