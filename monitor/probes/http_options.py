"""The keys of an `http` check."""

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from yarl import URL

from monitor.probes.keys import Duration, Keys

_HOST = re.compile(r"(?=.{1,254}\Z)([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?\Z", re.IGNORECASE | re.ASCII)
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+\Z", re.IGNORECASE | re.ASCII)
_STATUS = re.compile(r"[1-5](\d\d|xx)\Z")


def read_url(text: str) -> URL:
    """Read an address of the web; without a scheme it is http. Raises ValueError that says what is wrong, without the text."""
    try:
        url = URL(text if "://" in text else f"http://{text}")
        port = url.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if url.scheme not in {"http", "https"}:
        raise ValueError("a URL begins with http:// or https://")
    if not url.host or not port:
        raise ValueError("the URL names no host")
    return url


def _url(text: str) -> str:
    if text:
        read_url(text)
    return text


WebAddress = Annotated[str, AfterValidator(_url)]
"""A URL, or nothing."""


def _host(given: str) -> str:
    if given and not _HOST.match(given):
        raise ValueError("is no host name")
    return given


def _host_or_address(given: str) -> str:
    try:
        return str(ipaddress.ip_address(given.strip("[]")))
    except ValueError:
        return _host(given)


def _fields(given: dict[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if not _FIELD.match(name):
            raise ValueError(f"{name[:80]!r} is no name of a header")
        if any(sign in value for sign in "\r\n\0"):
            raise ValueError(f"{name}: a header is one line")
    return given


def _several(given: object) -> object:
    return tuple(given) if isinstance(given, list) else given if isinstance(given, tuple) else (given,)


def _statuses(given: tuple[int | str, ...]) -> tuple[int | str, ...]:
    words = [word.strip() for entry in given for word in str(entry).split(",")]
    for word in words:
        if not _STATUS.match(word):
            raise ValueError(f"{word!r} is no status: write 200, 2xx or a list of them")
    return tuple(words)


Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_several, json_schema_input_type=str | list[str])]


def _path(given: str) -> str:
    if not re.fullmatch(r"/[\x21-\x7e]{0,300}", given) or given.startswith("//"):
        raise ValueError("a path begins with / and names no host: write /berita")
    return given


Paths = Annotated[
    tuple[Annotated[str, AfterValidator(_path)], ...],
    BeforeValidator(_several, json_schema_input_type=str | list[str]),
    Field(max_length=10),
]
Statuses = Annotated[
    tuple[int | str, ...],
    BeforeValidator(_several, json_schema_input_type=int | str | list[int | str]),
    AfterValidator(_statuses),
]


class Fresh(BaseModel):
    """How old the newest record may be; times without a zone are `utc_offset` hours from UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1, max_length=200)
    at_most: Duration = Field(gt=0, le=366 * 86400)
    utc_offset: float = Field(7, ge=-12, le=14)


class Account(BaseModel):
    """Who we are at the first host; the password is a reference."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    user: str = Field(min_length=1, max_length=200, pattern=r"^[^:\x00-\x1f]+$")
    password: str = Field(min_length=1)


class Login(BaseModel):
    """How to log in before the page is asked for: the path of the login page, the names of its two fields, who we are."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    page: Annotated[str, AfterValidator(_path)] = "/login"
    user_field: str = Field("username", min_length=1, max_length=100)
    password_field: str = Field("password", min_length=1, max_length=100)
    user: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1)


class HttpOptions(Keys):
    """Keys of an `http` check.

    `url` if it is not the target; `expect_status` 200, 2xx or a list (default 2xx); `expect_text` and `forbid_text` are
    plain text, upper and lower case alike; `forbid: gambling` finds pages that were broken into, and `paths` are searched for
    forbidden words too, whatever their status, as a search engine sees them with `user_agent: crawler`; `expect_header` maps names to
    text that they hold; `expect_json` maps dotted paths to values; `fresh: {path: data.*.tanggal, at_most: 1d}` says how old the newest
    time at a path may be (`*`: any place of a list; ISO 8601 or an epoch; without a zone it is WIB, or say `utc_offset: 8`); `follow`
    redirects, to the own host and `hosts_allowed` (`.x.id`: all below, `*`: any); `address` connects there and keeps the name; `ca` is a
    file of certificates; `server_name` is asked for in TLS; `basic` or `digest: {user: pantau, password: !credential x}`,
    `bearer: !credential x` and `client_certificate: !credential x` (a PEM with its key) say who we are, to the first host only;
    `login: {page: /login, user: pantau, password: !credential x}` fills in the form there first (fields `username` and `password`, or
    `user_field`, `password_field`); `warn_days` before the certificate ends; `max_body` in bytes.
    """

    url: WebAddress = ""
    method: Literal["GET", "HEAD", "POST", "OPTIONS"] = "GET"
    headers: Annotated[dict[str, str], AfterValidator(_fields)] = Field(default_factory=dict)
    expect_status: Statuses = ()
    expect_text: Texts = ()
    forbid_text: Texts = ()
    forbid: Literal["", "gambling"] = ""
    paths: Paths = ()
    expect_json: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    expect_header: dict[str, str] = Field(default_factory=dict)
    fresh: Fresh | None = None
    follow: bool = True
    hosts_allowed: Texts = ()
    verify: bool = True
    ca: str = ""
    server_name: Annotated[str, AfterValidator(_host)] = ""
    basic: Account | None = None
    digest: Account | None = None
    bearer: str = ""
    client_certificate: str = ""
    login: Login | None = None
    user_agent: str = Field("Pantau/0.1", min_length=1, max_length=300, pattern=r"^[\x20-\x7e]+$")
    warn_days: float = Field(14, ge=0, le=1000)
    max_body: int = Field(1024 * 1024, ge=0, le=64 * 1024 * 1024)
    address: Annotated[str, AfterValidator(_host_or_address)] = ""

    @model_validator(mode="after")
    def _one_word_of_who_we_are(self) -> Self:
        if sum(map(bool, (self.basic, self.digest, self.bearer))) > 1:
            raise ValueError("basic, digest and bearer: only one of them can be said")
        return self

    @model_validator(mode="after")
    def _something_to_look_for(self) -> Self:
        if self.paths and not (self.forbid or self.forbid_text):
            raise ValueError("paths: are searched for what must not be there: say forbid: gambling, or forbid_text:")
        return self

    def wants_body(self) -> bool:
        """Tell whether the body is needed, or only counted."""
        return bool(self.expect_text or self.forbid_text or self.forbid or self.expect_json or self.fresh or self.login)
