"""A question to a web server, as it is written, and the head of the answer, as aiohttp's parser reads it.

aiohttp's session is not asked: it brings connections that are kept, proxies, redirects and time-outs of its own, none of which a look
wants, and takes more time than all the rest of a look.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import hdrs
from aiohttp.helpers import parse_content_type
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL


@dataclass(slots=True)
class Request:
    """What is asked for; the headers that every question has are put in when it is written."""

    method: str
    url: URL
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""

    @classmethod
    def of(cls, method: str, url: URL, *headers: Mapping[str, str], form: Mapping[str, str] | None = None) -> "Request":
        """Make one, with a form filled in where there is one; of headers of one name the last is said."""
        request = cls(method, url)
        for each in headers:
            request.headers.update(each)
        if form is not None:
            request.body = urlencode(form).encode()
            request.headers[hdrs.CONTENT_TYPE] = "application/x-www-form-urlencoded"
        return request

    def written(self) -> bytes:
        """Return the question as it is sent. Raises ValueError when a header would be two."""
        headers = CIMultiDict({hdrs.HOST: self.url.host_port_subcomponent or ""})
        headers.update(self.headers)
        if self.body or self.method == hdrs.METH_POST:
            headers[hdrs.CONTENT_LENGTH] = str(len(self.body))
        headers.setdefault(hdrs.CONNECTION, "close")
        lines = [f"{self.method} {self.url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        text = "\r\n".join(lines)
        if text.count("\r") != len(headers) or text.count("\n") != len(headers) or "\0" in text:
            raise ValueError("a header holds the end of a line")
        return text.encode() + b"\r\n\r\n" + self.body


class Head:
    """The head of an answer, and the body that comes after it."""

    __slots__ = ("content", "headers", "method", "status", "url")

    def __init__(self, request: Request, message: RawResponseMessage, content: StreamReader) -> None:
        """Take what the parser read."""
        self.method, self.url = request.method, request.url
        self.status: int = message.code
        self.headers: CIMultiDictProxy[str] = message.headers
        self.content = content

    @property
    def content_length(self) -> int:
        """Bytes that the body has by its header, 0 where that does not say; the parser lets nothing stand there but a number."""
        return int(self.headers.get(hdrs.CONTENT_LENGTH, "0"))

    @property
    def charset(self) -> str:
        """Return the charset that the header names, that of the web where it names none."""
        return parse_content_type(self.headers.get(hdrs.CONTENT_TYPE, ""))[1].get("charset") or "utf-8"
