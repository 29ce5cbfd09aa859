import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientPayloadError, ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from alerts.incidents import Cause, Incident, Member
from exporters import web as exporters_web
from exporters.page import parts, steady
from exporters.picture import Labels, draw
from exporters.view import Bell, Figures, View
from exporters.web import application
from monitor.core.belief import Belief
from monitor.core.events import Decision, Severity, Why
from monitor.core.verdict import Reason
from monitor.engine import Engine
from tests.town import NOW, cut_engine, down, engine_of, town, unheard, up, view_of


@asynccontextmanager
async def served(view: View) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    """Serve the view on a free port of the loopback."""
    async with TestClient(TestServer(application(view, pace=0))) as client:
        yield client


async def page(view: View, query: str = "", **headers: str) -> str:
    async with served(view) as client, client.get(f"/{query}", headers=headers) as answer:
        assert answer.status == 200
        return await answer.text()


class Stage:
    """A view whose engine can be exchanged; the bell rings when it is."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.bell = engine, Bell()
        self.view = View(engine=lambda: self.engine, now=lambda: NOW, bell=self.bell)

    def play(self, engine: Engine) -> None:
        self.engine = engine
        self.bell.ring()


async def event(answer: ClientResponse) -> tuple[str, dict[str, dict[str, str]]]:
    """Return the next server-sent event: its name and its data."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(10):
        while (line := (await answer.content.readline()).decode().rstrip("\n")) or not fields:
            name, _, value = line.partition(": ")
            fields |= {name: value} if name else {}
    return fields["event"], json.loads(fields["data"])


def seen(html: str) -> str:
    found = re.search(r'data-seen="([^"]+)"', html)
    assert found
    return found[1]


# -- what the page says


async def test_a_good_day_is_one_sentence() -> None:
    assert "<h1>Semua normal</h1>" in await page(view_of(engine_of(town())))
    assert "<h1>All is well</h1>" in await page(view_of(engine_of(town())), "?lang=en")


async def test_an_incident_is_named_with_what_is_behind_it_and_since_when() -> None:
    html = await page(view_of(cut_engine()))
    assert "<h1>1 gangguan: Kecamatan Gadingrejo, 4 situs di belakangnya, sejak 13.54 WIB</h1>" in html
    assert "Petugas piket" in html
    assert "Kabid (belum sampai)" in html
    assert "Komunikasi dan informatika" in html
    english = await page(view_of(cut_engine()), "?lang=en")
    assert "<h1>1 incident: Kecamatan Gadingrejo, 4 sites behind it, since 13:54 WIB</h1>" in english
    assert "(not delivered yet)" in english


async def test_a_river_is_named_with_those_that_fell_and_what_else_it_could_be() -> None:
    city, fallen = town(), ("kel-a0", "kel-b0")
    cause = Cause(
        "sungai-welang", Why.ROOT_VERIFIED, Reason.TIMEOUT, "", (NOW - 630, NOW - 620), Severity.MAJOR, members=fallen, instead=("",)
    )
    flood = Incident("g3", cause, NOW - 500, {node: Member(NOW - 600) for node in fallen})
    html = await page(view_of(engine_of(city, {f"{node}/icmp": down() for node in fallen}, flood)))
    assert "<h1>1 gangguan: Sungai Welang, 2 situs jatuh, sejak 13.54 WIB</h1>" in html
    names = " ".join(city.nodes[node].name for node in fallen)
    said = " ".join(re.sub(r"<[^>]+>|,", " ", html[html.index('id="incident-g3"') :]).split())
    assert f"Yang jatuh {names} " in said
    assert "Kemungkinan lain gangguan sendiri-sendiri" in said
    assert "Ikut tidak terjangkau" not in said


async def test_the_language_is_the_browsers_unless_the_address_says_another() -> None:
    view = view_of(engine_of(town()))
    assert 'lang="en"' in await page(view, **{"Accept-Language": "de-DE,en;q=0.7,id;q=0.3"})
    assert 'lang="id"' in await page(view, "?lang=id", **{"Accept-Language": "en"})
    assert 'lang="id"' in await page(view, **{"Accept-Language": "de"})


async def test_names_from_the_inventory_are_escaped() -> None:
    html = await page(view_of(engine_of(town())))
    assert "Portal &lt;Kota&gt;" in html
    assert "<Kota>" not in html


async def test_what_never_answered_is_listed_with_its_line_and_is_no_incident() -> None:
    html = await page(view_of(engine_of(town(), {"kel-a0/icmp": Belief(since=NOW)})))
    assert "Belum pernah menjawab: periksa alamatnya" in html
    assert "<code>inventory.yaml:12</code>" in html
    assert "<h1>Semua normal</h1>" in html


@pytest.mark.parametrize(
    ("engine", "ready", "says"),
    [
        (engine_of(town(), {"kel-a0/icmp": up(NOW - 3600)}), "", "1 situs tidak diketahui: Pantau tidak dapat melihatnya"),
        (engine_of(town()), "disk penuh", "Pantau belum siap: disk penuh"),
        (unheard(NOW - 5), "", "Pantau baru mulai melihat"),
        (unheard(NOW - 70), "", "12 situs tidak diketahui: Pantau tidak dapat melihatnya"),
        (unheard(NOW - 70, last_valid=NOW - 3), "", "Tidak ada situs yang menjawab"),
    ],
)
async def test_the_page_never_says_that_all_is_well_when_it_does_not_know(engine: Engine, ready: str, says: str) -> None:
    began = min(belief.since for belief in engine.state.beliefs.values())
    html = await page(view_of(engine, ready=lambda: ready, figures=lambda: Figures(started=began)))
    assert f"<h1>{says}</h1>" in html
    assert "Semua normal" not in html


async def test_a_refused_inventory_is_said_on_the_page() -> None:
    html = await page(view_of(engine_of(town()), figures=lambda: Figures(reload_error="inventory.yaml:3:1: sites: twice")))
    assert "inventory.yaml:3:1: sites: twice" in html


async def test_what_changed_lately_is_gathered_by_minute() -> None:
    same = [
        Decision(NOW - 3600 - turn, f"{node}/icmp", "up", Why.RECOVERED)
        for turn, node in enumerate(("hub", "kel-a0", "kel-b0", "kel-c0", "kel-a1"))
    ]
    html = await page(view_of(engine_of(town()), decisions=lambda _subject, limit: same[:limit]))
    assert "13.05 WIB" in html
    assert "<b>Kantor Wali Kota</b> menjawab lagi" in html
    assert "dan 1 lagi</b> menjawab lagi" in html


async def test_only_the_deciding_check_speaks_for_its_node_and_another_is_named() -> None:
    told = [
        Decision(NOW - 60, "g17", "end", Why.RECOVERED),
        Decision(NOW - 120, "kel-a0/icmp", "down", Why.ODDS_REACHED),
        Decision(NOW - 300, "kel-b0/snmp", "up", Why.FIRST_OK),
    ]
    html = await page(view_of(engine_of(town()), decisions=lambda _subject, limit: told[:limit]))
    assert "<b>Kelurahan A0</b> berhenti menjawab" in html
    assert "<b>Kelurahan B0 (snmp)</b> menjawab untuk pertama kali" in html
    assert "<b>g17</b>" not in html


def test_a_figure_that_changes_by_itself_makes_no_part_new() -> None:
    calm, late = town(), up()
    late.seconds = 0.9
    before = {part: steady(html) for part, html in parts(view_of(engine_of(calm)), "id")}
    after = {part: steady(html) for part, html in parts(view_of(engine_of(calm, {"kel-a0/icmp": late})), "id")}
    assert {part: still for part, (still, _) in before.items()} == {part: still for part, (still, _) in after.items()}
    assert before["group-kec-gadingrejo"][1]["rtt-kel-a0"] == "4 ms"
    assert after["group-kec-gadingrejo"][1]["rtt-kel-a0"] == "900 ms"


def test_a_name_on_the_map_stands_above_its_dot_where_another_stands_already_below() -> None:
    labels = Labels()
    assert labels.foot((500, 400), 15, "Kantor Wali Kota", large=False) == (500, 439)
    assert labels.foot((760, 400), 15, "Bugul Kidul", large=False) == (760, 377)
    assert labels.foot((760, 500), 15, "Purworejo", large=False) == (760, 539)


def test_a_name_at_the_edge_of_the_map_is_on_it_as_a_whole() -> None:
    assert Labels().foot((990, 400), 15, "Blandongan", large=True) == (870, 439)
    assert Labels().foot((10, 400), 15, "Blandongan", large=True) == (130, 439)


def test_no_dot_on_the_map_lies_on_another_and_the_same_city_gives_the_same_map() -> None:
    picture = draw(town(kelurahan=26, opds=350))
    places = list(picture.places.values())
    assert len({(round(x / 5), round(y / 5)) for x, y in places}) == len(places) == 408
    assert draw(town(kelurahan=26, opds=350)) == picture


def test_a_city_without_any_coordinates_still_has_a_map() -> None:
    bare = town()
    bare = replace(bare, nodes={key: replace(node, latitude=None, longitude=None) for key, node in bare.nodes.items()})
    assert len(draw(bare).places) == 14


# -- live


async def test_an_open_page_is_sent_what_changed_and_nothing_else() -> None:
    stage = Stage(engine_of(town()))
    async with served(stage.view) as client:
        have = seen(await (await client.get("/")).text())
        async with client.get("/events", params={"lang": "id", "seen": have}) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            assert (await event(stream))[1]["parts"] == {}
            stage.play(cut_engine())
            name, news = await event(stream)
    assert name == "city"
    assert {"headline", "incidents", "map", "group-kec-gadingrejo"} <= news["parts"].keys()
    assert "group-kec-purworejo" not in news["parts"]
    assert "1 gangguan" in news["parts"]["headline"]


async def test_a_browser_that_was_away_gets_what_it_missed() -> None:
    stage = Stage(engine_of(town()))
    async with served(stage.view) as client:
        have = seen(await (await client.get("/")).text())
        stage.play(cut_engine())
        async with client.get("/events?lang=id", headers={"Last-Event-ID": have}) as stream:
            assert "1 gangguan" in (await event(stream))[1]["parts"]["headline"]


@pytest.mark.parametrize("have", ["", "0.0", "deadbeef.1", "deadbeef.x"])
async def test_a_browser_of_another_time_is_told_to_load_the_page_anew(have: str) -> None:
    async with served(view_of(engine_of(town()))) as client, client.get("/events", params={"seen": have}) as stream:
        assert await event(stream) == ("reload", {})


async def test_a_city_with_other_parts_is_loaded_anew() -> None:
    stage, other = Stage(engine_of(town())), town()
    other = replace(
        other, nodes={key: node for key, node in other.nodes.items() if "purworejo" not in key and node.kecamatan != "kec-purworejo"}
    )
    other = replace(other, checks={key: check for key, check in other.checks.items() if check.node in other.nodes})
    async with served(stage.view) as client:
        have = seen(await (await client.get("/")).text())
        async with client.get("/events", params={"seen": have}) as stream:
            await event(stream)
            stage.play(engine_of(other))
            assert await event(stream) == ("reload", {})


async def test_no_more_browsers_watch_than_we_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporters_web, "WATCHERS", 1)
    async with served(view_of(engine_of(town()))) as client:
        have = seen(await (await client.get("/")).text())
        async with client.get("/events", params={"seen": have}) as first:
            await event(first)
            async with client.get("/events", params={"seen": have}) as second:
                assert (second.status, second.headers["Retry-After"]) == (503, "30")


async def test_open_pages_do_not_hold_the_end() -> None:
    server = TestServer(application(view_of(engine_of(town())), pace=0))
    async with TestClient(server) as client:
        have = seen(await (await client.get("/")).text())
        async with client.get("/events", params={"seen": have}) as stream:
            await event(stream)
            async with asyncio.timeout(5):
                await server.close()


# -- the address


async def test_health_is_always_answered_and_ready_says_why_not() -> None:
    trouble = ["no look has begun"]
    async with served(view_of(engine_of(town()), ready=lambda: trouble[0])) as client:
        assert (await client.get("/-/healthy")).status == 200
        not_ready = await client.get("/-/ready")
        assert (not_ready.status, await not_ready.text()) == (503, "no look has begun\n")
        trouble[0] = ""
        assert (await client.get("/-/ready")).status == 200


async def test_json_is_served_and_an_unknown_id_is_one_line() -> None:
    async with served(view_of(cut_engine(), control="/run/pantau/control")) as client:
        shown = await (await client.get("/api/v1/status")).json()
        assert (shown["sites"]["down"], shown["control"]) == (5, "/run/pantau/control")
        assert (await (await client.get("/api/v1/explain?id=kec-gadingrejo")).json())["condition"] == "down"
        unknown = await client.get("/api/v1/explain?id=kel-atlantis")
        assert (unknown.status, list(await unknown.json())) == (404, ["message"])


async def test_metrics_are_in_prometheus_text_format() -> None:
    async with served(view_of(cut_engine())) as client, client.get("/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "pantau_sites" in await answer.text()


async def test_of_metrics_only_the_head_is_sent_to_who_asks_for_that() -> None:
    async with TestServer(application(view_of(cut_engine()))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b""


async def test_metrics_that_are_not_read_in_time_have_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporters_web, "SCRAPE", 0.0)
    async with served(view_of(cut_engine())) as client:
        with pytest.raises(ClientPayloadError):
            await (await client.get("/metrics")).text()


async def test_nothing_can_be_changed_here() -> None:
    async with served(view_of(engine_of(town()))) as client:
        statuses = {
            (await client.request(method, path)).status
            for method in ("POST", "PUT", "DELETE")
            for path in ("/", "/api/v1/status", "/events")
        }
        assert statuses == {405}


async def test_every_answer_forbids_what_the_page_does_not_need() -> None:
    async with served(view_of(engine_of(town()))) as client:
        for path in ("/", "/static/pantau.css", "/metrics", "/api/v1/status", "/nowhere"):
            headers = (await client.get(path)).headers
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Server"] == "pantau"


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("localhost:9475", 200), ("[::1]:9475", 200), ("pantau", 200), ("pantau.kota.test:80", 200), ("evil.test", 421)],
)
async def test_only_addresses_plain_names_and_the_pages_own_name_may_call(host: str, status: int) -> None:
    view = view_of(engine_of(replace(town(), page="https://pantau.kota.test:8443")))
    async with served(view) as client, client.get("/", headers={"Host": host}) as answer:
        assert answer.status == status


async def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    async with served(view_of(engine_of(town()))) as client:
        async with client.get("/static/pantau.css") as first:
            assert (first.status, first.content_type) == (200, "text/css")
            assert "grid" in await first.text()
        async with client.get("/static/pantau.css", headers={"If-None-Match": first.headers["ETag"]}) as second:
            assert (second.status, await second.read()) == (304, b"")


async def test_no_file_outside_the_static_folder_is_served() -> None:
    async with served(view_of(engine_of(town()))) as client:
        for path in ("/static/../web.py", "/static/%2e%2e/web.py", "/static/", "/templates/page.html"):
            assert (await client.get(path)).status in (403, 404)
