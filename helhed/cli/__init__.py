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

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(imports.terminology, name="terminology")
app.add_typer(definitions.package, name="package")
app.add_typer(keys.keys, name="keys")
app.add_typer(log.log, name="log")
app.add_typer(witness.witness, name="witness")
app.add_typer(records.purge, name="purge")
app.add_typer(records.keeper, name="keeper")
app.add_typer(records.unit, name="unit")
app.add_typer(reviewers.reviewer, name="reviewer")
app.add_typer(sources.source, name="source")
app.add_typer(watch.watch, name="watch")
app.add_typer(insight.insight, name="insight")
app.add_typer(definitions.search_parameter, name="search-parameter")
app.add_typer(clients.client, name="client")
app.add_typer(clients.trust_list, name="trust-list")
app.add_typer(exchanges.exchange, name="exchange")
app.command("import")(imports.import_)
app.command("backup-key")(backups.backup_key)
_NAMED_AS_THEY_ARE: tuple[Callable[..., None], ...] = (
    *(network.serve, network.demo, network.population, network.token, network.migrate, network.reindex),
    *(backups.backup, backups.restore),
    *(records.retention, records.hold, records.release),
)
for command in _NAMED_AS_THEY_ARE:
    app.command()(command)


def main() -> None:
    """Run a command; a mistake is one sentence, not a traceback."""
    try:
        app()
    except HelhedError as error:
        typer.echo(f"helhed: {error}", err=True)
        raise SystemExit(1) from None
