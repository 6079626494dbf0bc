"""The address of an operator's PostgreSQL holds for both roles and for PostgreSQL's own programs."""

from helhed.commands.backup.programs import server_of
from helhed.foundation.database import url_target

ADDRESS = "postgresql://owner:word@db.internal:5433/helhed?sslmode=require&sslrootcert=/etc/ca.pem"


def test_what_it_says_of_tls_holds_for_the_application_too() -> None:
    target = url_target(ADDRESS, "p")
    assert target.application["dsn"] == target.owner["dsn"] == ADDRESS
    assert (target.application["user"], target.application["password"]()) == ("helhed_app", ("p",))
    assert target.named("other").application["database"] == "other"


def test_the_programs_of_postgresql_get_it_by_their_environment() -> None:
    name, environment = server_of(url_target(ADDRESS, "p"))
    wanted = {"PGHOST": "db.internal", "PGPORT": "5433", "PGUSER": "owner", "PGPASSWORD": "word"}
    assert name == "helhed"
    assert wanted.items() <= environment.items()
    assert (environment["PGSSLMODE"], environment["PGSSLROOTCERT"]) == ("require", "/etc/ca.pem")
