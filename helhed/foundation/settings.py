"""Every setting, from the environment: ``HELHED_`` and the name in capitals."""

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ANSWER_BYTES = 64 * 1024 * 1024
RESOURCE_ELEMENTS = 100_000


class Settings(BaseSettings):
    """What an operator can set. The reference page is generated from the descriptions here."""

    model_config = SettingsConfigDict(env_prefix="HELHED_", extra="ignore")

    data_dir: Path = Field(Path(".helhed"), description="Folder of the embedded database, keys and logs.")
    database_url: str = Field(
        "", description="A PostgreSQL of your own (16 or newer); empty starts the embedded one in the data folder."
    )
    database_app_password: str = Field(
        "", description="Password of the role helhed_app on your own PostgreSQL; empty derives one from the secret."
    )
    postgres_bin: str = Field("", description="Folder with PostgreSQL programs to use instead of the wheel's.")
    shared_buffers: str = Field("256MB", description="Memory of the embedded database's buffer cache.")
    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(8000, description="Port the server listens on.")
    base_url: str = Field("", description="Public address of this network; empty is http://host:port.")
    demo: bool = Field(False, description="Demo mode: synthetic people, a built-in test identity provider.")
    max_body_bytes: int = Field(16 * 1024 * 1024, description="Largest request body taken, in bytes.")
    max_resource_elements: int = Field(
        RESOURCE_ELEMENTS, description="Most properties, list items, objects and lists in one resource, together."
    )
    max_answer_bytes: int = Field(ANSWER_BYTES, description="Largest Bundle given as an answer, in bytes.")
    batch_connections: int = Field(1, description="Connections that carry decided reads; one batch each in flight.")
    batch_size: int = Field(256, description="Most reads decided in one statement.")
    queue_limit: int = Field(2048, description="Reads that may wait before new ones get 503 at once.")
    write_connections: int = Field(6, description="Connections for transactions and searches across citizens.")
    statement_timeout_ms: int = Field(8000, description="The longest a statement may run, in milliseconds.")
    backup_recipients: str = Field(
        "", description="Whom backups are encrypted to: age recipients (age1…) with blanks between them."
    )
    goodbye_seconds: float = Field(
        2.0, description="How long a worker that is replaced closes connections after their next answer before it ends."
    )
    log_level: str = Field("info", description="Lowest level of the structured log: debug, info, warning, error.")
    self_declared_hours: int = Field(24, description="Hours a self-declared treatment relation lasts unconfirmed.")

    @cached_property
    def public_url(self) -> str:
        """The base of every absolute URL we write, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")
