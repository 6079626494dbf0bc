"""What carries notices elsewhere: e-mail over SMTP, and letters as files in the shape of Digital Post (MeMo).

Nothing of what a notice is about leaves: only that there is something, and that it is read behind the log-in.
"""

import asyncio
import os
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid5
from xml.sax.saxutils import escape

from helhed.foundation.settings import Settings

_SPACE = UUID("3c7d2f0e-0f7b-5c53-9a0d-7d5c5a4a9b11")  #: what the ids of documents follow from
_SECONDS = 20.0
_SUBJECT = "Ny besked / New notice"
_TEXT = "Der er en ny besked til dig. Log ind for at læse den: {url}\n\nThere is a new notice to you. Log in to read it: {url}\n"
_CODE = "Din kode er {code}. Skriv den på siden, så får du besked på denne adresse.\n\nYour code is {code}. Write it on the page, and notices are announced at this address.\n"


class NotCarried(Exception):
    """The other side did not take it: it is tried again."""


class Channel(Protocol):
    """Carries notices by one way."""

    @property
    def way(self) -> str:
        """What the way is called."""
        ...

    async def carry(self, notice: UUID, address: str, number: str | None, at: datetime) -> None:
        """That there is something to read. Done twice with one notice it is recognisable as the same. Raises NotCarried."""
        ...

    async def receipts(self) -> list[tuple[UUID, str]]:
        """Which notices the other side says it has delivered, and in which words."""
        ...


@dataclass(frozen=True, slots=True)
class Email:
    """E-mail by a mail server of the operator's."""

    host: str
    port: int
    user: str
    password: str
    sender: str
    starttls: bool
    url: str
    way: str = "email"

    async def carry(self, notice: UUID, address: str, number: str | None, at: datetime) -> None:
        """One message; its Message-ID follows from the notice, so that a second copy is known as one (RFC 5322, section 3.6.4)."""
        await self._send(address, _SUBJECT, _TEXT.format(url=self.url), f"<{notice}@{self._domain}>", at)

    async def send_code(self, address: str, code: str) -> None:
        """What has to come back before an address is used. Where it cannot be sent, the citizen asks again."""
        with suppress(NotCarried):
            await self._send(address, "Kode / Code", _CODE.format(code=code), None, None)

    async def say(self, address: str, subject: str, text: str, known_as: UUID, at: datetime) -> None:
        """Something that says nothing of anybody; twice with one id it is recognisable as the same. Raises NotCarried."""
        await self._send(address, subject, text, f"<{known_as}@{self._domain}>", at)

    async def receipts(self) -> list[tuple[UUID, str]]:
        """None: that a mail server took it is all that e-mail says."""
        return []

    @property
    def _domain(self) -> str:
        return self.sender.rpartition("@")[2] or "localhost"

    async def _send(self, address: str, subject: str, text: str, known_as: str | None, at: datetime | None) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, address, subject
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nothing answers it by itself
        if known_as:
            message["Message-ID"] = known_as
        if at:
            message["Date"] = format_datetime(at)
        message.set_content(text)
        try:
            await asyncio.to_thread(self._hand_over, message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotCarried(type(error).__name__) from None

    def _hand_over(self, message: EmailMessage) -> None:
        with smtplib.SMTP(self.host, self.port, timeout=_SECONDS) as server:
            if self.starttls:
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)


@dataclass(frozen=True, slots=True)
class LetterBox:
    """A folder from which a sender system of Digital Post takes messages, and into which it puts receipts."""

    folder: Path
    url: str
    sender: str = "Helhed"
    way: str = "letter"

    async def carry(self, notice: UUID, address: str, number: str | None, at: datetime) -> None:
        """One file, named by the notice: a second time it is the same file."""
        if not number or not number.isdigit():
            raise NotCarried("no CPR number")
        try:
            await asyncio.to_thread(self._put, notice, memo(notice, number, self.sender, self.url, at))
        except OSError as error:
            raise NotCarried(type(error).__name__) from None

    async def receipts(self) -> list[tuple[UUID, str]]:
        """Files of the folder ``kvitteringer``, named by the notice; each is read once and taken away."""
        return await asyncio.to_thread(self._taken)

    def _put(self, notice: UUID, content: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = self.folder / f".{notice}.part"
        half.write_text(content, "utf-8")
        half.chmod(0o600)
        os.replace(half, self.folder / f"{notice}.xml")

    def _taken(self) -> list[tuple[UUID, str]]:
        found: list[tuple[UUID, str]] = []
        for path in sorted((self.folder / "kvitteringer").glob("*.txt")):
            with suppress(OSError, ValueError):
                found.append((UUID(path.stem), path.read_text("utf-8", errors="replace")[:200]))
                path.unlink()
        return found


def memo(notice: UUID, number: str, sender: str, url: str, at: datetime) -> str:
    """A message in the shape of MeMo 1.2: a header with sender and recipient, a body with one document. Not validated against the schema
    of Digital Post: whoever connects does so with their own sender system.
    """
    said = escape(f"Der er en ny besked til dig. Log ind på {url} for at læse den.")
    created = escape(at.isoformat(timespec="seconds"))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<memo:Message xmlns:memo="https://DigitalPost.dk/MeMo-1" memoVersion="1.2">
<memo:MessageHeader><memo:messageType>DIGITALPOST</memo:messageType><memo:messageUUID>{notice}</memo:messageUUID><memo:label>Ny besked</memo:label>
<memo:mandatory>false</memo:mandatory><memo:legalNotification>false</memo:legalNotification>
<memo:Sender><memo:label>{escape(sender)}</memo:label></memo:Sender>
<memo:Recipient><memo:recipientID>{escape(number)}</memo:recipientID><memo:idType>CPR</memo:idType></memo:Recipient></memo:MessageHeader>
<memo:MessageBody><memo:createdDateTime>{created}</memo:createdDateTime><memo:MainDocument><memo:documentID>{uuid5(_SPACE, str(notice))}</memo:documentID><memo:label>Ny besked</memo:label>
<memo:File><memo:encodingFormat>text/plain</memo:encodingFormat><memo:language>da</memo:language><memo:filename>besked.txt</memo:filename><memo:content>{said}</memo:content></memo:File></memo:MainDocument></memo:MessageBody></memo:Message>
"""


def channels_of(settings: Settings) -> tuple[Email | None, LetterBox | None]:
    """Those that the operator has set up."""
    url = settings.public_url
    email = None
    if settings.smtp_host:
        sender = settings.smtp_sender or f"helhed@{urlsplit(url).hostname or 'localhost'}"
        email = Email(
            settings.smtp_host, settings.smtp_port, settings.smtp_user, settings.smtp_password, sender, settings.smtp_starttls, url
        )  # fmt: skip
    return email, LetterBox(Path(settings.letter_folder), url) if settings.letter_folder else None
