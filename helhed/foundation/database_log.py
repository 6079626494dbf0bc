"""Whether PostgreSQL writes values of rows into its own log, which nobody scrubs."""

from helhed.foundation.database import Connection

#: what the embedded server is started with, and an operator's own should be: each setting, and the values that tell nothing
QUIET = {
    "log_min_error_statement": {"panic", "fatal"},  # the statement that failed
    "log_error_verbosity": {"terse"},  # detail and context quote the values of rows
    "log_parameter_max_length_on_error": {"0"},
    "log_statement": {"none", "ddl"},
    "log_min_duration_statement": {"-1"},
    "log_min_duration_sample": {"-1"},
}


async def talkative(connection: Connection) -> list[str]:
    """The settings by which values of rows may get into the log."""
    rows = await connection.fetch("select name, setting from pg_settings where name = any($1::text[])", list(QUIET))
    return sorted(row["name"] for row in rows if row["setting"] not in QUIET[row["name"]])
