"""The shape of the inventory file: its sections and their keys. `docs/inventory.md` and the JSON Schema are made from here.

Every key says in its description what it means, with an example. What a key refers to is judged later (`judge`).
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from monitor.core.city import Kind
from monitor.core.rules import Grade
from monitor.inventory.words import (
    Address,
    Addresses,
    Cap,
    Date,
    Id,
    Interval,
    Listens,
    Number,
    Odds,
    Outages,
    PageAddress,
    Place,
    Secret,
    Secrets,
    Span,
    Switch,
    Text,
    Timeout,
    Words,
    listed,
)

Hours = Literal["24x7", "kerja"]
LinkGrade = Literal[Grade.CORE, Grade.FIBRE, Grade.METRO, Grade.RADIO, Grade.VPN]
SiteKind = Literal[Kind.KECAMATAN, Kind.KELURAHAN, Kind.PUSKESMAS, Kind.OPD, Kind.TITIK]
CheckKind = Literal["icmp", "snmp", "http", "tcp", "dns", "ntp", "push", "domain"]
Options = dict[str, object]


def _switched(value: object) -> object:
    """`true` is "yes, with the defaults"."""
    return {} if value is True else value


def _way(value: object) -> object:
    """One id, one mapping, or a list of both."""
    return [{"to": each} if isinstance(each, str) else each for each in value] if isinstance((value := listed(value)), list) else value


Switched = Annotated[
    Literal[False] | Options | None,
    BeforeValidator(_switched),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "object"}]}),
]


class Part(BaseModel):
    """A section of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrapUserPart(Part):
    """A user of SNMP version 3 whose traps and informs are taken, at exactly the level of the keys that it has."""

    name: Text = Field(max_length=32, description="Its name.", examples=["pantau"])
    auth: Secret | None = Field(None, description="Reference to its passphrase.", examples=["!credential trap-auth"])
    auth_protocol: Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"] = Field(
        "sha", description="How it signs; `sha` unless said.", examples=["sha256"]
    )
    priv: Secret | None = Field(
        None, description="Reference to the passphrase of encryption; needs `auth`.", examples=["!credential trap-priv"]
    )
    priv_protocol: Literal["des", "aes", "aes192", "aes256"] = Field(
        "aes", description="How it encrypts; `aes` unless said.", examples=["aes256"]
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.priv and not self.auth:
            raise ValueError("priv needs auth")
        return self


class TrapsPart(Part):
    """SNMP traps and informs: reasons to look now, never a verdict. Without this section nothing is listened for."""

    listen: Listens = Field(
        ("0.0.0.0:162", "[::]:162"),
        description="Where to listen, UDP; without it port 162 of all addresses, over IPv4 and IPv6.",
        examples=["198.18.255.254:162"],
    )
    communities: Secrets = Field(
        (), description="References to the communities that are taken (versions 1 and 2c).", examples=["!credential trap"]
    )
    users: tuple[TrapUserPart, ...] = Field(
        (), description="Users of version 3 that are taken, see below.", examples=[[{"name": "pantau", "auth": "!credential trap-auth"}]]
    )


class CityPart(Part):
    """The city as a whole, and where Pantau looks from."""

    name: Text = Field(description="Name of the city, as messages and pages print it.", examples=["Kota Pasuruan"])
    utc_offset: Number = Field(7, ge=-12, le=14, description="Hours from UTC of the times that people read; WIB is 7.", examples=[7])
    page: PageAddress | None = Field(
        None,
        description="Address by which people open the status page, through a reverse proxy too; messages link to it.",
        examples=["https://pantau.example"],
    )
    resolver: Addresses = Field((), description="Name servers to ask; without it those of the system.", examples=["198.18.0.53"])
    ca: Text | None = Field(None, description="File of CA certificates to trust, or a reference.", examples=["!env PANTAU_CITY_CA"])
    icmp_backend: Literal["shared", "icmplib"] = Field(
        "shared",
        description="How ping is sent: by Pantau's own shared sockets, or by icmplib where the kernel is not Linux.",
        examples=["icmplib"],
    )
    snmp_backend: Literal["auto", "fast", "pysnmp"] = Field(
        "auto",
        description="What reads SNMP: `fast` (the extra of that name, gufo_snmp), `pysnmp`, or `auto`: `fast` where it is installed.",
        examples=["pysnmp"],
    )
    traps: TrapsPart | None = Field(
        None,
        description="Where SNMP traps are listened for, and from whom; without it nowhere.",
        examples=[{"communities": "!credential trap"}],
    )


class ClassPart(Part):
    """A class of lines or sites (core, fibre, metro, radio, vpn, app): how often it is looked at, and how sure DOWN must be.

    What is not said comes from the detection rule of the class. `pantau check-config` prints what a class promises and costs.
    """

    interval: Interval | None = Field(None, description="Time from look to look.", examples=["10s"])
    timeout: Timeout | None = Field(None, description="Time that an answer may take; not longer than the interval.", examples=["2s"])
    odds: Odds | None = Field(
        None, description="How many to one it must be that a target is down; of so many pages about one is false.", examples=[99]
    )
    cap: Cap | None = Field(
        None, description="Losses for so long are a page, false or not; without it the odds alone decide.", examples=["5m"]
    )
    outages: Outages | None = Field(None, description="How often a year such a target really fails.", examples=[4])
    provider: Text | None = Field(None, description="Who runs the lines of the class.", examples=["PT Penyedia Utama"])
    snmp: Switch = Field(default=False, description="Whether sites of the class are asked by SNMP too.", examples=[True])


class KindPart(Part):
    """What sites of a kind (kecamatan, kelurahan, puskesmas, opd, titik) have where they do not say otherwise."""

    via: Id | None = Field(None, description="What they are connected to.", examples=["hub"])
    link: LinkGrade | None = Field(None, description="Class of their line.", examples=["fibre"])
    provider: Text | None = Field(None, description="Who runs their line.", examples=["Telkom"])
    grade: LinkGrade | None = Field(
        None, description="Class by which they are looked at; without it that of their line.", examples=["core"]
    )
    owner: Id | None = Field(None, description="OPD that answers for them.", examples=["opd-dinkes"])
    hours: Hours | None = Field(None, description="When they are open: `24x7` or `kerja` (office hours).", examples=["kerja"])
    snmp: Switched = Field(None, description="Whether they are asked by SNMP, or the options of that.", examples=[True])


class DefaultPart(BaseModel):
    """What checks of a kind (icmp, snmp, http, tcp, dns, ntp, push, domain) have where they do not say otherwise; takes all its keys."""

    model_config = ConfigDict(extra="allow", frozen=True)

    interval: Interval | None = Field(None, description="Time from look to look, if not that of the class.", examples=["60s"])
    timeout: Timeout | None = Field(None, description="Time that an answer may take, if not that of the class.", examples=["5s"])


class CheckPart(BaseModel):
    """One more thing to look at; beside these keys it takes those of its kind (see below)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: CheckKind = Field(description="Kind of probe.", examples=["tcp"])
    id: Id | None = Field(None, description="Needed where a node has two checks of a kind: the check is `node/kind-id`.", examples=["ssh"])
    target: Text | None = Field(None, description="Address, name or URL; without it the node's address.", examples=["198.18.0.9"])
    interval: Interval | None = Field(None, description="Time from look to look.", examples=["30s"])
    timeout: Timeout | None = Field(None, description="Time that an answer may take.", examples=["3s"])


class NodePart(Part):
    """What is looked at: an address with a name."""

    name: Text = Field(description="Name as people say it.", examples=["Kelurahan Gentong"])
    address: Address | None = Field(
        None, description="Address that answers ping; not needed where nothing is sent there (`icmp: false`).", examples=["198.18.1.12"]
    )
    grade: LinkGrade | None = Field(
        None, description="Class by which it is looked at; without it that of its (first) line.", examples=["core"]
    )
    owner: Id | None = Field(
        None, description="OPD that answers for it; without it the OPD itself, or the kecamatan.", examples=["opd-dinkes"]
    )
    hours: Hours | None = Field(None, description="When it is open: `24x7` or `kerja` (office hours).", examples=["kerja"])
    risks: Words = Field((), description="Feeders, rivers, ducts and masts that it shares with others.", examples=["pln-gadingrejo"])
    urusan: Words = Field((), description="Urusan that it serves; without it those that its owner holds.", examples=["kesehatan"])
    at: Place | None = Field(None, description="Where it is: [latitude, longitude].", examples=[[-7.6424, 112.8938]])
    interval: Interval | None = Field(None, description="Time from ping to ping, if not that of the class.", examples=["10s"])
    timeout: Timeout | None = Field(None, description="Time that an answer may take, if not that of the class.", examples=["2s"])
    icmp: Switched = Field(None, description="`false` where ping is closed, or options of the ping.", examples=[False])
    snmp: Switched = Field(
        None, description="Whether it is asked by SNMP, or the options of that.", examples=[{"community": "!credential snmp-a"}]
    )
    checks: tuple[CheckPart, ...] = Field((), description="What else to look at.", examples=[[{"kind": "tcp", "port": 22}]])


class HubPart(NodePart):
    """The router at the top (its id is `hub`): everything hangs on it."""


class WayPart(Part):
    """One of several lines of a site; `via: [hub, kec-purworejo]` is short for `via: [{to: hub}, {to: kec-purworejo}]`."""

    to: Id = Field(description="What the line leads to.", examples=["hub"])
    link: LinkGrade | None = Field(None, description="Class of the line; without it the site's `link`.", examples=["radio"])
    provider: Text | None = Field(None, description="Who runs the line.", examples=["Telkom"])
    address: Address | None = Field(None, description="Far end of the line, pinged to see whether it works.", examples=["198.19.0.7"])
    port: Text | None = Field(
        None, description="Interface that it is plugged into at the other end, as SNMP names it.", examples=["ether7"]
    )
    id: Id | None = Field(
        None, description="Its id; without it `link-SITE`, or `link-SITE-TO` for a further one.", examples=["link-rsud-utama"]
    )
    name: Text | None = Field(None, description="Its name in messages.", examples=["Jalur cadangan RSUD"])


Ways = Annotated[tuple[WayPart, ...], BeforeValidator(_way, json_schema_input_type=str | list[str | WayPart])]


class LinedPart(NodePart):
    """What is connected to something."""

    via: Ways = Field((), description="What it is connected to; several in order of preference.", examples=["kec-gadingrejo"])
    link: LinkGrade | None = Field(None, description="Class of its line: core, fibre, metro, radio or vpn.", examples=["fibre"])
    provider: Text | None = Field(None, description="Who runs its line.", examples=["Telkom"])
    port: Text | None = Field(
        None,
        description="Interface that it is plugged into at the other end, as SNMP names it; read as down twice, one lost ping is enough.",
        examples=["ether5"],
    )


class UplinkPart(LinedPart):
    """A way out of the city: an ISP's gateway, or the internet behind it."""


class SitePart(LinedPart):
    """A site. Its kind is read off its id: `kec-`, `kel-`, `pkm-`, `opd-` or `titik-`."""

    kind: SiteKind | None = Field(None, description="Its kind, where the id does not say it.", examples=["titik"])
    kecamatan: Id | None = Field(
        None, description="Kecamatan it lies in; without it the one it is connected to.", examples=["kec-gadingrejo"]
    )


class AppPart(Part):
    """An application; it is looked at by HTTP."""

    name: Text = Field(description="Name as people say it.", examples=["SIMPUS"])
    owner: Id = Field(description="OPD that answers for it.", examples=["opd-dinkes"])
    host: Id = Field(description="Site (or `hub`) where its server stands.", examples=["hub"])
    url: Text = Field(pattern=r"^https?://[^\s/]+", description="Page that is looked at.", examples=["https://simpus.pantau.test/"])
    address: Address | None = Field(None, description="Address of its server.", examples=["198.18.200.14"])
    urusan: Words = Field((), description="Urusan that it serves.", examples=["kesehatan"])
    users: Words = Field((), description="Who uses it: a kind of sites, ids of sites, `masyarakat` or `penyedia`.", examples=["puskesmas"])
    needs: Words = Field((), description="Applications without which it cannot work.", examples=["app-siak-antrean"])
    hours: Hours = Field("24x7", description="When it must work: `24x7` or `kerja` (office hours).", examples=["kerja"])
    vendor: Text | None = Field(None, description="Who last looked after it.", examples=["CV Contoh"])
    contract_end: Date | None = Field(None, description="Last day of that contract, quoted.", examples=["2018-12-31"])
    interval: Interval | None = Field(None, description="Time from look to look, if not that of the class `app`.", examples=["20s"])
    timeout: Timeout | None = Field(None, description="Time that an answer may take, if not that of the class `app`.", examples=["5s"])
    http: Options = Field({}, description="Options of the look, beside those of `defaults`.", examples=[{"expect_text": "Masuk"}])
    checks: tuple[CheckPart, ...] = Field((), description="What else to look at.", examples=[[{"kind": "tcp", "port": 5432}]])


class RiskPart(Part):
    """Something that takes several sites at once but cannot answer. It names its members, or they name it in `risks`."""

    kind: Literal["feeder", "river", "duct", "mast"] = Field(description="What it is.", examples=["feeder"])
    name: Text = Field(description="Name as people say it.", examples=["Penyulang PLN Gadingrejo"])
    window: Span = Field(15.0, description="Time within which its sites go down together.", examples=["60m"])
    battery: Span = Field(0.0, description="Time that its sites live on their batteries.", examples=["20m"])
    members: Words = Field((), description="Its sites; a kecamatan stands for all in it.", examples=[["kec-gadingrejo", "opd-dishub"]])


class UrusanPart(Part):
    """One of the city's affairs."""

    name: Text = Field(description="Its name.", examples=["Kesehatan"])
    opds: Words = Field(description="OPD that hold it.", examples=["opd-dinkes"])


class PersonPart(Part):
    """Somebody who may be told."""

    name: Text = Field(description="Name or duty.", examples=["Petugas piket A"])
    opd: Id | None = Field(None, description="OPD that he or she works for.", examples=["opd-diskominfo"])
    contacts: dict[str, Text] = Field({}, description="Address by channel.", examples=[{"mail": "piket.a@surel.pantau.test"}])


class ReceiverPart(BaseModel):
    """Where a page goes; beside these keys it takes those of its channel (see [channels.md](channels.md)).

    In a list `to`, the id of a person or group stands for their contacts.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    channel: Text = Field(description="Channel: webhook, telegram, mail.", examples=["telegram"])
    name: Text = Field(description="Name as messages print it.", examples=["Grup Telegram piket"])
    language: Literal["id", "en", "id+en"] = Field("id+en", description="Language of its messages.", examples=["id"])


class RoutePart(Part):
    """Tells `to` of every incident that matches all of the lists; a list that is not there matches everything."""

    to: Words = Field(description="Receivers.", examples=[["telegram-piket", "layar-noc"]])
    kinds: Words = Field((), description="Kinds of the cause: hub, isp, internet, kecamatan, ..., link, app.", examples=["app"])
    sites: Words = Field(
        (), description="Sites or applications that are hit; a kecamatan stands for all in it.", examples=["kec-gadingrejo"]
    )
    opds: Words = Field((), description="OPD that are hit.", examples=["opd-dinkes"])
    urusan: Words = Field((), description="Urusan that are hit.", examples=["kesehatan"])
    severities: Words = Field((), description="critical, major or minor.", examples=["critical"])


class InventoryPart(Part):
    """The whole file, or all files together."""

    include: Words = Field((), description="More files, or folders of *.yaml, read as if they stood here.", examples=["inventory.d"])
    city: CityPart | None = Field(None, description="The city as a whole.")
    classes: dict[Grade, ClassPart] = Field({}, description="How often sites of a class are looked at, and how sure DOWN must be.")
    kinds: dict[SiteKind, KindPart] = Field({}, description="What sites of a kind have in common.")
    defaults: dict[CheckKind, DefaultPart] = Field({}, description="What checks of a kind have in common.")
    hub: HubPart | None = Field(None, description="The router at the top.")
    uplinks: dict[Id, UplinkPart] = Field({}, description="The ISPs.")
    internet: UplinkPart | None = Field(None, description="A witness in the internet.")
    sites: dict[Id, SitePart] = Field({}, description="The sites, by id.")
    apps: dict[Id, AppPart] = Field({}, description="The applications, by id.")
    risks: dict[Id, RiskPart] = Field({}, description="What sites share, by id.")
    urusan: dict[Id, UrusanPart] = Field({}, description="The city's affairs, by id.")
    people: dict[Id, PersonPart] = Field({}, description="People, by id.")
    groups: dict[Id, Words] = Field({}, description="Groups of people, by id.")
    receivers: dict[Id, ReceiverPart] = Field({}, description="Where pages go, by id.")
    routes: tuple[RoutePart, ...] = Field((), description="Who is told of what.")
