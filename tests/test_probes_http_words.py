"""Pages that were broken into are told as such, and honest ones are not."""

from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from alerts.words import REASONS
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.lab.apps import _DEFACEMENT
from monitor.probes import Vantage, read_options
from monitor.probes.faults import Fault
from monitor.probes.http_words import judge_defacement
from tests.webs import by_path, listening, look_in_time
from tests.zoo_http import FULL, OPEN, sent


@pytest.fixture(name="vantage")
async def vantage_fixture() -> AsyncIterator[Vantage]:
    async with Vantage.of() as made:
        yield made


async def fetch(vantage: Vantage, port: int, **options: object) -> Outcome:
    return await look_in_time("http", f"http://127.0.0.1:{port}/", {"forbid": "gambling", **options}, 5.0, vantage)


@pytest.mark.parametrize(
    "text",
    [
        _DEFACEMENT,
        "SITUS SLOT88 GACOR MAXWIN HARI INI",
        "&#83;lot &#71;acor dan maxwin",
        "Slot-gacor, gates of olympus; RTP live 98%",
    ],
)
def test_advertising_is_found_also_where_it_is_hidden(text: str) -> None:
    with pytest.raises(Fault) as caught:
        judge_defacement(text)
    assert caught.value.reason is Reason.DEFACED


@pytest.mark.parametrize(
    "text",
    [
        "Tersisa 12 slot waktu pendaftaran; pilih slot waktu Anda",
        "Wali Kota: berantas judi online. Judol, togel dan slot merusak keluarga; kasino ditutup, jackpot itu bohong",
        "Rapat koordinasi slotting, scattered showers, togelan",
        "",
    ],
)
def test_an_honest_page_is_none(text: str) -> None:
    judge_defacement(text)


async def test_a_page_below_is_searched_whatever_its_status_and_by_the_crawlers_name(vantage: Vantage) -> None:
    heads: list[bytes] = []
    hacked = b"HTTP/1.1 404 No\r\n\r\n" + _DEFACEMENT.encode()
    async with listening(by_path({"/": FULL, "/berita/": FULL, "/wp-content/slot": hacked}, heads), read=False) as port:
        well = await fetch(vantage, port, paths=["/berita/", "/tidak-ada"])
        found = await fetch(vantage, port, paths="/wp-content/slot", user_agent="crawler")
    assert (well.verdict, well.values["status"]) == (Verdict.OK, 200), well
    assert (found.verdict, found.reason) == (Verdict.FAIL, Reason.DEFACED)
    assert "at /wp-content/slot advertises gambling: slot, gacor, maxwin" in found.detail
    assert [b"Googlebot" in head for head in heads] == [False, False, False, True, True]


async def test_a_page_below_that_leads_to_strangers_is_told(vantage: Vantage) -> None:
    async with listening(by_path({"/": FULL, "/a": sent(302, "https://slot.pantau.test/")}), read=False) as port:
        outcome = await fetch(vantage, port, paths="/a")
    assert outcome.reason is Reason.REDIRECT_FOREIGN


async def test_the_first_page_is_searched_before_it_is_missed(vantage: Vantage) -> None:
    async with listening(by_path({"/": OPEN + _DEFACEMENT.encode()}), read=False) as port:
        outcome = await fetch(vantage, port, expect_text="Masuk")
    assert outcome.reason is Reason.DEFACED


def test_people_read_that_it_is_an_incident_of_security() -> None:
    assert all(word in text for word, text in zip(("KEAMANAN", "SECURITY"), REASONS[Reason.DEFACED], strict=True))


@pytest.mark.parametrize("raw", [{"paths": ["/a"]}, {"forbid": "poker"}, {"forbid": "gambling", "paths": "//judi.test/"}])
def test_wrong_keys_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read_options("http", raw)
