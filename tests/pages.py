"""A small city with its own words, and pages about it, for the tests of what people are told."""

from collections.abc import Mapping

from monitor.core.city import Application, City, Kind, Link, Node, Receiver, Urusan
from monitor.core.events import Page, Severity, Step, Why
from monitor.core.rules import Grade
from monitor.core.verdict import Reason

AT = 1_781_723_700.0  # 2026-06-18 02.15.00 WIB

KELURAHAN = ("Karangketug", "Gentong", "Sebani", "Petahunan", "Bukir", "Randusari", "Krapyakrejo", "Gadingrejo", "Tapa'an", "Bakalan")


def node(key: str, kind: Kind, name: str, **facts: object) -> tuple[str, Node]:
    """Return (id, node)."""
    return key, Node(key, kind, name, **facts)  # type: ignore[arg-type]


def city(receivers: Mapping[str, Receiver] | None = None, *, ca: str = "") -> City:
    """Return the city, with the receivers given or two that are only named."""
    named = {
        "piket": Receiver("piket", "telegram", "Petugas piket", options={"token": "!env PANTAU_TEST_TOKEN", "chat": -1001}),
        "dinkes": Receiver("dinkes", "mail", "Dinas Kesehatan"),
    }
    links = [
        Link("link-kec-gadingrejo", "kec-gadingrejo", "hub", Grade.CORE),
        Link("link-opd-rsud-b", "opd-rsud", "kec-purworejo", Grade.RADIO, "ISP Merdeka", backup=True, address="198.19.0.1"),
    ]
    return City(
        name="Kota Pasuruan",
        ca=ca,
        nodes=dict(_nodes()),
        links={link.id: link for link in links},
        applications={
            "app-simpus": Application(
                "app-simpus", "https://simpus.pantau.test", "hub", ("puskesmas", "opd-dinkes"), "CV Karya Digital", "2016-12-31"
            ),
            "app-satudata": Application("app-satudata", "https://satudata.pantau.test", "", (), "", "2030-12-31"),
        },
        urusan={
            "kesehatan": Urusan("kesehatan", "Kesehatan", ("opd-dinkes", "opd-rsud")),
            "sosial": Urusan("sosial", "Sosial", ("opd-dinsos",)),
            "statistik": Urusan("statistik", "Statistik"),
        },
        receivers=named if receivers is None else receivers,
    )


def _nodes() -> list[tuple[str, Node]]:
    kelurahan = [node(f"kel-{name.lower().replace(chr(39), '')}", Kind.KELURAHAN, f"Kelurahan {name}") for name in KELURAHAN]
    return [
        node("hub", Kind.HUB, "Kantor Wali Kota"),
        node("internet", Kind.INTERNET, "Internet"),
        node("isp-utama", Kind.ISP, "ISP utama"),
        node("kec-gadingrejo", Kind.KECAMATAN, "Kecamatan Gadingrejo"),
        node("kec-purworejo", Kind.KECAMATAN, "Kecamatan Purworejo"),
        *kelurahan,
        node("pkm_gadingrejo", Kind.PUSKESMAS, "Puskesmas <Gadingrejo> & Sebani"),
        node("opd-dinkes", Kind.OPD, "Dinas Kesehatan"),
        node("opd-dinsos", Kind.OPD, "Dinas Sosial"),
        node("opd-rsud", Kind.OPD, "RSUD dr. R. Soedarsono"),
        node("opd-dp3akb", Kind.OPD, "Dinas Pemberdayaan Perempuan, Perlindungan Anak dan Keluarga Berencana"),
        node("link-opd-rsud-b", Kind.LINK, "Jalur cadangan RSUD"),
        node("app-simpus", Kind.APP, "SIMPUS", owner="opd-dinkes"),
        node("app-satudata", Kind.APP, "Satu Data", owner="opd-dinkes"),
    ]


BEHIND = (*(f"kel-{name.lower().replace(chr(39), '')}" for name in KELURAHAN), "pkm_gadingrejo")


def page(step: Step = Step.OPEN, cause: str = "kec-gadingrejo", **facts: object) -> Page:
    """Return a page to `piket` about incident g17; its cause answered last 23 seconds ago unless `facts` say otherwise."""
    known: dict[str, object] = {
        "key": f"g17/{ {Step.OPEN: 1, Step.UPDATE: 2, Step.END: 3}[step] }/piket",
        "incident": "g17",
        "receiver": "piket",
        "at": AT,
        "severity": Severity.CRITICAL,
        "why": Why.RECOVERED if step is Step.END else Why.ROOT_VERIFIED,
        "reason": Reason.TIMEOUT,
        "detail": "",
        "since": (AT - 23, AT - 20),
        "opened": AT,
        "told": ("piket", "dinkes"),
    }
    return Page(step=step, cause=cause, **(known | facts))  # type: ignore[arg-type]
