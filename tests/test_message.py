"""What people read: whole texts, as they arrive on the phone, and what holds for every text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import message
from alerts.message import compose, heading
from alerts.words import KINDS, REASONS, SENTENCES, WHYS, clock, lasted
from monitor.core.city import City, Kind, Node, Receiver
from monitor.core.events import Page, Severity, Step, Why
from monitor.core.verdict import Reason
from tests.pages import AT, BEHIND, city, page

CITY = city()
URL = "https://pantau.example"
HEADING = re.compile(r"^\S+ (GANGGUAN|PERKEMBANGAN|PULIH|DITUTUP|UJI) (\S+) · (.+) \[(\S+)\]$")


def text(told: Page, language: str = "id+en", address: str = URL) -> str:
    return compose(told, replace(CITY, page=address), language).text


def test_an_opening_names_the_cause_since_when_what_is_behind_it_who_is_hit_and_what_else_it_could_be() -> None:
    told = page(
        alike=("kec-gadingrejo", "link-kec-gadingrejo"),
        behind=BEHIND,
        opds=("opd-dinkes", "opd-dinsos"),
        urusan=("kesehatan", "sosial"),
        why=Why.ROOT_UNVERIFIED,
    )
    assert text(told) == (
        "🔴 GANGGUAN g17 · Kecamatan Gadingrejo [kec-gadingrejo]\n"
        "Tidak menjawab sejak 02.14.40 WIB (terakhir normal 02.14.37).\n"
        "Ikut tidak terjangkau (11)\n"
        "• 10 kelurahan: Karangketug, Gentong, Sebani, Petahunan, Bukir, Randusari, Krapyakrejo, Gadingrejo, … dan 2 lagi\n"
        "• 1 Puskesmas: <Gadingrejo> & Sebani\n"
        "OPD terdampak: Dinas Kesehatan, Dinas Sosial\n"
        "Urusan terdampak: Kesehatan, Sosial\n"
        "Mungkin juga (tampak sama dari sini): jalur Kecamatan Gadingrejo – Kantor Wali Kota\n"
        "Sebab belum terverifikasi: induknya belum sempat menjawab pemeriksaan ulang.\n"
        "Diberi tahu: Petugas piket, Dinas Kesehatan\n"
        "Rincian: pantau explain g17\n"
        "Halaman: https://pantau.example/#incident-g17\n"
        "— English —\n"
        "Since 02.14.40 WIB (last normal 02.14.37): does not answer.\n"
        "Unreachable because of it (11): 10 kelurahan, 1 Puskesmas\n"
        "OPD affected: Dinas Kesehatan, Dinas Sosial\n"
        "Affairs affected: Kesehatan, Sosial\n"
        "Would look the same from here: link Kecamatan Gadingrejo – Kantor Wali Kota\n"
        "Cause not verified: its parent has not yet answered a second look.\n"
        "Told: Petugas piket, Dinas Kesehatan"
    )


def test_an_update_says_which_cause_was_named_before() -> None:
    assert text(page(Step.UPDATE, behind=BEHIND[:3], previous_cause="kel-bukir"), "id") == (
        "🔄 PERKEMBANGAN g17 · Kecamatan Gadingrejo [kec-gadingrejo]\n"
        "Sebab diperbarui: semula Kelurahan Bukir [kel-bukir], kini Kecamatan Gadingrejo [kec-gadingrejo].\n"
        "Tidak menjawab sejak 02.14.40 WIB (terakhir normal 02.14.37).\n"
        "Ikut tidak terjangkau (3)\n"
        "• 3 kelurahan: Karangketug, Gentong, Sebani\n"
        "Diberi tahu: Petugas piket, Dinas Kesehatan\n"
        "Rincian: pantau explain g17\n"
        "Halaman: https://pantau.example/#incident-g17"
    )


def test_an_end_says_how_long_it_lasted_and_who_hears_of_the_end() -> None:
    assert text(page(Step.END, behind=BEHIND, since=(AT - 1650, AT - 1647))) == (
        "✅ PULIH g17 · Kecamatan Gadingrejo [kec-gadingrejo]\n"
        "Pulih 02.15.00 WIB setelah 27 menit 27 detik (terganggu sejak 01.47.33 WIB).\n"
        "Tadinya: tidak menjawab\n"
        "10 kelurahan, 1 Puskesmas yang tadi tidak terjangkau sedang diperiksa ulang.\n"
        "Kabar penutup untuk penerima yang sama: Petugas piket, Dinas Kesehatan\n"
        "Rincian: pantau explain g17\n"
        "Halaman: https://pantau.example\n"
        "— English —\n"
        "Recovered 02.15.00 WIB after 27 min 27 s (down since 01.47.33 WIB).\n"
        "Trouble was: does not answer\n"
        "10 kelurahan, 1 Puskesmas that were unreachable are being looked at again.\n"
        "Closing word to the same receivers: Petugas piket, Dinas Kesehatan"
    )


def test_an_end_without_recovery_says_why_and_does_not_claim_that_it_works_again() -> None:
    seven_hours_ago = AT - 7 * 3600 - 1647
    assert text(page(Step.END, why=Why.TARGET_REMOVED, since=(0.0, seven_hours_ago)), "id", "") == (
        "⚪ DITUTUP g17 · Kecamatan Gadingrejo [kec-gadingrejo]\n"
        "Ditutup 02.15.00 WIB tanpa kepastian pulih: dihapus dari inventaris. "
        "Terganggu selama 7 jam 27 menit (sejak 17 Juni 2026 18.47.33 WIB).\n"
        "Tadinya: tidak menjawab\n"
        "Kabar penutup untuk penerima yang sama: Petugas piket, Dinas Kesehatan\n"
        "Rincian: pantau explain g17"
    )


@pytest.mark.parametrize(
    ("why", "words"), [(Why.MERGED, "ternyata bagian dari gangguan lain"), (Why.TARGET_CHANGED, "pemeriksaannya diubah")]
)
def test_an_end_by_merging_or_by_a_changed_check_says_so(why: Why, words: str) -> None:
    assert f"tanpa kepastian pulih: {words}" in text(page(Step.END, why=why), "id")


def test_a_lost_second_link_is_lost_redundancy_and_not_an_outage() -> None:
    told = page(cause="link-opd-rsud-b", severity=Severity.MINOR, opds=("opd-rsud",), urusan=("kesehatan",))
    assert text(told, address="") == (
        "🟡 GANGGUAN g17 · Jalur cadangan RSUD [link-opd-rsud-b]\n"
        "Cadangan hilang, layanan tetap jalan: RSUD dr. R. Soedarsono masih tersambung lewat jalur lain.\n"
        "Tidak menjawab sejak 02.14.40 WIB (terakhir normal 02.14.37).\n"
        "Diberi tahu: Petugas piket, Dinas Kesehatan\n"
        "Rincian: pantau explain g17\n"
        "— English —\n"
        "Redundancy lost, service goes on: RSUD dr. R. Soedarsono is still connected by another link.\n"
        "Since 02.14.40 WIB (last normal 02.14.37): does not answer.\n"
        "Told: Petugas piket, Dinas Kesehatan"
    )


def test_an_application_is_told_with_its_owner_users_vendor_and_contract() -> None:
    told = page(
        cause="app-simpus",
        severity=Severity.MAJOR,
        reason=Reason.HTTP_STATUS,
        detail="500 Internal\nServer Error",
        behind=("app-satudata",),
        opds=("opd-dinkes",),
        urusan=("kesehatan", "statistik"),
    )
    assert text(told, "id", "") == (
        "🟠 GANGGUAN g17 · SIMPUS [app-simpus]\n"
        "Menjawab dengan kode kesalahan HTTP sejak 02.14.40 WIB (terakhir normal 02.14.37).\n"
        "Tercatat: 500 Internal Server Error\n"
        "Ikut terganggu (1)\n"
        "• 1 aplikasi: Satu Data\n"
        "OPD terdampak: Dinas Kesehatan\n"
        "Urusan terdampak: Kesehatan, Statistik\n"
        "Pemilik: Dinas Kesehatan, dipasang di Kantor Wali Kota\n"
        "Pemakai: puskesmas, Dinas Kesehatan\n"
        "Vendor terakhir: CV Karya Digital; kontrak sudah berakhir 31 Desember 2016\n"
        "Alamat: https://simpus.pantau.test\n"
        "Diberi tahu: Petugas piket, Dinas Kesehatan\n"
        "Rincian: pantau explain g17"
    )


def test_a_running_contract_without_a_recorded_vendor_is_told_as_that() -> None:
    assert "Vendor terakhir: tidak tercatat; kontrak berakhir 31 Desember 2030" in text(page(cause="app-satudata"), "id")


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ("hub", "Pantau terputus dari kota: gerbangnya sendiri tidak menjawab. Keadaan semua situs tidak diketahui sejak itu."),
        ("internet", "Kota terputus dari internet; kabar lewat Telegram dan surel bisa terlambat."),
        ("isp-utama", "Jalur internet lewat ISP lain masih ada."),
    ],
)
def test_what_the_fall_of_the_hub_the_internet_or_one_isp_means_stands_right_below_the_heading(cause: str, sentence: str) -> None:
    assert text(page(cause=cause), "id").splitlines()[1] == sentence


def test_english_alone_is_whole() -> None:
    assert text(page(behind=BEHIND[:2]), "en") == (
        "🔴 GANGGUAN g17 · Kecamatan Gadingrejo [kec-gadingrejo]\n"
        "Since 02.14.40 WIB (last normal 02.14.37): does not answer.\n"
        "Unreachable because of it (2)\n"
        "• 2 kelurahan: Karangketug, Gentong\n"
        "Told: Petugas piket, Dinas Kesehatan\n"
        "Details: pantau explain g17\n"
        "Page: https://pantau.example/#incident-g17"
    )


def test_a_test_message_says_that_nothing_is_wrong() -> None:
    assert message.test_message(Receiver("piket", "telegram", "Petugas piket")).text == (
        "🔔 UJI coba · Petugas piket [piket]\n"
        "Ini pesan uji dari Pantau; tidak ada gangguan. Bila pesan ini terbaca, penerima ini siap menerima kabar.\n"
        "— English —\n"
        "This is a test message from Pantau; nothing is wrong. If you can read it, this receiver is ready."
    )


@pytest.mark.parametrize("table", [(REASONS, Reason), (WHYS, Why), (KINDS, Kind)])
def test_every_reason_why_and_kind_has_its_words_in_both_languages(table: tuple[dict[str, tuple[str, ...]], type]) -> None:
    words, codes = table
    assert set(words) == set(codes)  # type: ignore[call-overload]
    assert all(all(entry) for entry in words.values())


def test_both_languages_of_a_sentence_tell_the_same_parts() -> None:
    for key, pair in SENTENCES.items():
        indonesian, english = (set(re.findall(r"\{(\w+)\}", words)) for words in pair)
        assert indonesian == english, key


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("cause", sorted(CITY.nodes))
def test_every_heading_fits_a_phones_notification_and_is_read_back_by_one_expression(cause: str, step: Step) -> None:
    line = heading(page(step, cause), CITY)
    found = HEADING.match(line)
    assert found is not None
    assert (found[2], found[4]) == ("g17", cause)
    assert len(line) <= 80


def test_a_name_that_the_heading_cuts_stands_whole_below_it() -> None:
    first, second, *_ = text(page(cause="opd-dp3akb")).splitlines()
    assert first == "🔴 GANGGUAN g17 · Dinas Pemberdayaan Perempuan, Perlindungan Anak d… [opd-dp3akb]"
    assert second == "Dinas Pemberdayaan Perempuan, Perlindungan Anak dan Keluarga Berencana"


def test_names_and_details_are_escaped_for_telegram() -> None:
    html = compose(page(behind=("pkm_gadingrejo",), reason=Reason.KEYWORD_FORBIDDEN, detail="<b>gacor</b>"), CITY).html
    assert "• 1 Puskesmas: &lt;Gadingrejo&gt; &amp; Sebani" in html
    assert "&lt;b&gt;gacor&lt;/b&gt;" in html
    assert "<code>pantau explain g17</code>" in html


def test_a_page_about_what_is_no_longer_in_the_inventory_names_it_by_its_id() -> None:
    gone = page(Step.END, "kel-gone", behind=("kel-too",), opds=("opd-x",), urusan=("u",), told=("r",), why=Why.TARGET_REMOVED)
    assert compose(gone, City(name="Kosong")).subject == "⚪ DITUTUP g17 · kel-gone [kel-gone]"


class _Tags(HTMLParser):
    """Fails on a tag that Telegram does not know or that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag in {"b", "code"}
        assert not attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _large(name: str, number: int) -> City:
    nodes = {f"kel-{index}": Node(f"kel-{index}", Kind.KELURAHAN, f"{name}{index}") for index in range(number)}
    return City("Besar", nodes=nodes)


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=300), st.integers(1, 400), st.sampled_from(Step), st.sampled_from(Why), st.sampled_from(Reason), st.text(max_size=400)
)
def test_whatever_the_names_a_telegram_text_is_whole_and_within_its_bound(
    name: str, number: int, step: Step, why: Why, reason: Reason, detail: str
) -> None:
    big = _large(name, number)
    ids = tuple(big.nodes)
    told = page(step, ids[0], behind=ids, alike=ids, opds=ids, told=ids, urusan=ids, why=why, reason=reason, detail=detail)
    composed = compose(told, replace(big, page=URL))
    tags = _Tags()
    tags.feed(composed.html)
    tags.close()
    assert tags.open == []
    assert len(composed.html.encode("utf-16-le")) // 2 <= 4096
    assert "\n" not in composed.subject
    assert composed.html.startswith("<b>")


def test_four_hundred_sites_behind_a_cause_are_cut_as_a_list() -> None:
    big = _large("Kelurahan Yang Namanya Panjang Sekali Untuk Sebuah Daftar ", 415)
    html = compose(page(cause="kel-0", behind=tuple(big.nodes)), big).html
    assert "… dan 407 lagi" in html
    assert html.endswith("piket, dinkes")


@pytest.mark.parametrize(
    ("seconds", "indonesian", "english"),
    [(0, "0 detik", "0 s"), (59.6, "1 menit", "1 min"), (95, "1 menit 35 detik", "1 min 35 s"), (7500, "2 jam 5 menit", "2 h 5 min")],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, indonesian: str, english: str) -> None:
    assert (lasted(seconds, "id"), lasted(seconds, "en")) == (indonesian, english)


@pytest.mark.parametrize(("offset", "written"), [(7.0, "02.15.00 WIB"), (8.0, "03.15.00 WITA"), (5.5, "00.45.00 UTC+5.5")])
def test_times_are_told_in_the_citys_own_time(offset: float, written: str) -> None:
    assert clock(AT, offset, "id") == written
