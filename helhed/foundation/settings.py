"""Every setting, from the environment: ``HELHED_`` and the name in capitals."""

from functools import cached_property
from pathlib import Path
from uuid import UUID

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from helhed.foundation.ids import key_of

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
    identity_providers: str = Field(
        "",
        description="File of the identity providers that citizens and staff log in by (docs/how-to/connect-an-identity-provider.md). Never together with demo mode.",
    )
    authenticators: str = Field(
        "",
        description="File of the authenticators whose passkeys are taken, with the certificates that they are attested by (docs/how-to/connect-an-identity-provider.md); empty takes those that the policy does.",
    )
    acute_places: str = Field(
        "",
        description="Ids of the organisations that are acute wards, with blanks between them: there the glass is broken without proving again who one is, and the first is whose eyes citizens try a block with.",
    )
    smtp_host: str = Field(
        "", description="Mail server by which citizens are told that there is a notice; empty sends no e-mail."
    )
    smtp_port: int = Field(587, description="Port of the mail server.")
    smtp_starttls: bool = Field(
        True, description="Whether the connection to the mail server is encrypted first, and its certificate checked."
    )
    smtp_user: str = Field("", description="Who we are to the mail server; empty logs in as nobody.")
    smtp_password: str = Field("", description="Password for the mail server.")
    smtp_sender: str = Field(
        "", description="Address that e-mail is from; empty is helhed@ the host of the public address."
    )
    letter_folder: str = Field(
        "",
        description="Folder from which your sender system takes letters in the shape of Digital Post (MeMo), and puts receipts into; empty sends none.",
    )
    push_contact: str = Field(
        "",
        description="Address (mailto: or https:) that push services may write to about what we send (RFC 8292); empty offers no notices on devices.",
    )
    message_folder: str = Field(
        "",
        description="Folder of folders, each named by an Organization's id, by which that organisation's system drops and gets messages as files; empty carries none.",
    )
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
    drain_seconds: float = Field(
        0.0,
        description="How long the server goes on after it was told to stop, while /health says that it is not ready.",
    )
    index_in_background: bool = Field(
        True, description="Index what an upgrade left to be indexed while serving; off, `helhed reindex` does it."
    )
    sequence_log: bool = Field(
        True, description="Sequence the log and sign its heads here; where several machines serve, one of them does it."
    )
    siem_address: str = Field(
        "", description="A security centre's syslog server over TLS, as host:port; empty gives nothing on."
    )
    siem_authority: str = Field(
        "", description="File with the certificates that vouch for that server; empty: the machine's."
    )
    siem_certificate: str = Field("", description="File with our certificate and key, where that server wants one.")
    log_level: str = Field("info", description="Lowest level of the structured log: debug, info, warning, error.")
    access_token_seconds: int = Field(
        300, ge=30, le=300, description="How long access tokens of the authorisation server live, in seconds."
    )
    fetch_from_loopback: bool = Field(
        False,
        description="In demo mode, fetch what apps on this machine publish, such as their keys; else public https only.",
    )

    @cached_property
    def acute_keys(self) -> tuple[int, ...]:
        """The keys of the acute wards. Raises ValueError for what is no id."""
        return tuple(key_of(UUID(one)) for one in self.acute_places.split())

    @cached_property
    def public_url(self) -> str:
        """The base of every absolute URL we write, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")
