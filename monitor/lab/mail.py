"""A mail server that keeps everything (RFC 5321, the small part of it that senders use)."""

import asyncio
import re
from email import message_from_bytes, policy

from monitor.lab.phones import Phones

_LARGEST = 1 << 20
_PATIENCE = 60.0
_ADDRESS = re.compile(r"^(?:MAIL FROM|RCPT TO):\s*<(?P<address>[^<>\s]*)>", re.IGNORECASE)


class Mail:
    """Hands every mail to the phones, once for each of its recipients."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one sender until it ends or keeps us waiting."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._converse(reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # gone, silent, or no mail at all: a sender's trouble, not the city's
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        await _say(writer, "220 surel.pantau.test siap")
        while line := (await reader.readline()).decode("utf-8", "replace").strip():
            verb = line.split(None, 1)[0].upper()
            if verb == "QUIT":
                await _say(writer, "221 sampai jumpa")
                return
            if verb == "DATA" and recipients:
                await _say(writer, "354 kirimlah")
                await self._keep(await _letter(reader), recipients)
                recipients = []
                await _say(writer, "250 Ok")
                continue
            if verb == "RCPT" and (match := _ADDRESS.match(line)):
                recipients.append(match["address"])
            elif verb == "RSET":
                recipients = []
            await _say(writer, _reply(verb, recipients))

    async def _keep(self, raw: bytes, recipients: list[str]) -> None:
        letter = message_from_bytes(raw, policy=policy.default)
        body = letter.get_body(("plain",))
        text = body.get_content() if body else ""
        subject = str(letter.get("Subject", "")).strip()
        if not text.lstrip().startswith(subject):
            text = f"{subject}\n{text}"  # what a phone shows first is the subject
        for recipient in recipients:
            await self._phones.arrive("mail", recipient, text.strip())


def _reply(verb: str, recipients: list[str]) -> str:
    if verb == "EHLO":
        return "250-surel.pantau.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1048576"
    if verb in {"HELO", "MAIL", "NOOP", "RSET"} or (verb == "RCPT" and recipients):
        return "250 baik"
    if verb in {"DATA", "RCPT"}:
        return "503 siapa penerimanya"
    return "500 perintah tidak dikenal"


async def _letter(reader: asyncio.StreamReader) -> bytes:
    """Read up to the lone dot, doubled dots undone; ValueError when it is larger than we said."""
    lines: list[bytes] = []
    size = 0
    while (line := await reader.readline()) not in {b".\r\n", b".\n", b""}:
        size += len(line)
        if size > _LARGEST:
            raise ValueError("larger than SIZE says")
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return b"".join(lines)


async def _say(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(line.encode() + b"\r\n")
    await writer.drain()
