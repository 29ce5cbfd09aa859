"""The words that people read, Indonesian and English side by side: reasons, whys, kinds, sentences, times. Pure.

Each entry is (Indonesian, English). A test holds that every reason code and every why has its words.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone

from monitor.core.city import Kind
from monitor.core.events import Why
from monitor.core.verdict import Reason

Pair = tuple[str, str]
LANGUAGES = ("id", "en")

REASONS: Mapping[Reason, Pair] = {
    Reason.TIMEOUT: ("tidak menjawab", "does not answer"),
    Reason.REFUSED: ("menolak sambungan (layanan mati atau port tertutup)", "refuses connections (service dead or port closed)"),
    Reason.RESET: ("memutus sambungan di tengah jalan", "breaks connections off midway"),
    Reason.UNREACHABLE: ("tidak terjangkau, kata router di jalurnya", "unreachable, says a router on the way"),
    Reason.DNS_NXDOMAIN: ("namanya tidak ada di DNS", "its name does not exist in DNS"),
    Reason.DNS_SERVFAIL: ("server DNS gagal menjawab (SERVFAIL)", "the DNS server fails (SERVFAIL)"),
    Reason.DNS_TIMEOUT: ("server DNS tidak menjawab", "the DNS server does not answer"),
    Reason.DNS_NO_ANSWER: ("catatan DNS-nya kosong", "its DNS record is empty"),
    Reason.DNS_WRONG_ANSWER: ("jawaban DNS tidak sesuai", "DNS gives a wrong answer"),
    Reason.DNS_KEPT: ("hidup di alamat terakhirnya, tetapi DNS tidak menjawab", "alive at its last address, but DNS does not answer"),
    Reason.TLS_EXPIRED: ("sertifikat kedaluwarsa", "its certificate has expired"),
    Reason.TLS_NOT_YET_VALID: (
        "sertifikat belum berlaku (periksa jam server)",
        "its certificate is not valid yet (check the server's clock)",
    ),
    Reason.TLS_UNTRUSTED: ("sertifikat tidak tepercaya", "its certificate is not trusted"),
    Reason.TLS_HOSTNAME: ("sertifikat bukan untuk nama ini", "its certificate is for another name"),
    Reason.TLS_PROTOCOL: ("versi TLS tidak cocok", "its TLS version does not fit"),
    Reason.TLS_HANDSHAKE: ("jabat tangan TLS gagal", "the TLS handshake fails"),
    Reason.TLS_TIMEOUT: ("jabat tangan TLS tidak kunjung selesai", "the TLS handshake does not finish"),
    Reason.TLS_EXPIRES_SOON: ("sertifikat segera kedaluwarsa", "its certificate expires soon"),
    Reason.TLS_LEGACY: ("TLS-nya kuno, peramban menolaknya", "its TLS is out of date, browsers refuse it"),
    Reason.HTTP_STATUS: ("menjawab dengan kode kesalahan HTTP", "answers with an HTTP error status"),
    Reason.HTTP_PROTOCOL: ("jawaban HTTP rusak", "its HTTP answer is broken"),
    Reason.HTTP_TIMEOUT: ("tersambung, tetapi halaman tidak kunjung datang", "connects, but no page comes"),
    Reason.BODY_INCOMPLETE: ("halaman terpotong", "the page is cut short"),
    Reason.BODY_TOO_LARGE: ("halaman terlalu besar untuk diperiksa", "the page is too large to check"),
    Reason.HEADER_TOO_LARGE: ("kepala jawaban HTTP terlalu besar", "its HTTP headers are too large"),
    Reason.DECODE_ERROR: ("isi halaman tidak dapat dibaca", "the page cannot be decoded"),
    Reason.REDIRECT_LOOP: ("pengalihan berputar tanpa akhir", "redirects in a circle"),
    Reason.REDIRECT_INVALID: ("pengalihan ke alamat yang tidak sah", "redirects to an invalid address"),
    Reason.REDIRECT_FOREIGN: ("dialihkan ke situs lain", "redirects to a foreign site"),
    Reason.REDIRECT_INSECURE: ("dialihkan keluar dari TLS (tidak aman)", "redirects out of TLS (not safe)"),
    Reason.REDIRECT_PRIVATE: ("dialihkan ke alamat di dalam jaringan sendiri", "redirects to an address inside our own network"),
    Reason.KEYWORD_MISSING: ("teks yang wajib ada hilang dari halaman", "required text is missing from the page"),
    Reason.KEYWORD_FORBIDDEN: ("ada kata terlarang di halaman (mungkin diretas)", "a forbidden word is on the page (perhaps defaced)"),
    Reason.DEFACED: (
        "INSIDEN KEAMANAN: halaman disusupi iklan judi (diretas)",
        "SECURITY INCIDENT: gambling is advertised on its page (defaced)",
    ),
    Reason.JSON_MISMATCH: ("isi data (JSON) tidak sesuai", "its data (JSON) is not as expected"),
    Reason.HEADER_MISMATCH: ("kepala jawaban HTTP tidak sesuai", "its HTTP headers are not as they should be"),
    Reason.STALE_DATA: ("data terbarunya sudah terlalu lama", "its newest data is too old"),
    Reason.LOGIN_REFUSED: ("tidak menerima login pemantau", "does not let the watcher log in"),
    Reason.SNMP_AUTH: ("menolak kunci atau hak SNMP kita", "refuses our SNMP key, or what we may see"),
    Reason.SNMP_TIMEOUT: ("SNMP tidak menjawab", "SNMP does not answer"),
    Reason.SNMP_ERROR: ("SNMP menjawab dengan kesalahan", "SNMP answers with an error"),
    Reason.SNMP_MISSING: ("SNMP tidak memberi yang diminta", "SNMP does not give what was asked for"),
    Reason.NTP_OFFSET: ("jamnya menyimpang", "its clock is off"),
    Reason.NTP_UNSYNCHRONISED: ("jamnya tidak mengikuti sumber waktu mana pun", "its clock follows no source of time"),
    Reason.NTP_DENIED: ("menolak memberi kita waktu (NTP)", "refuses to give us the time (NTP)"),
    Reason.ON_BATTERY: ("listrik padam, UPS memakai baterai", "the mains failed, the UPS runs on its battery"),
    Reason.RADIO_WEAK: ("sinyal radio lemah", "its radio link is weak"),
    Reason.PACKET_LOSS: ("banyak paket hilang", "loses many packets"),
    Reason.SLOW_ANSWER: ("menjawab lambat", "answers slowly"),
    Reason.PORT_DOWN: (
        "tidak menjawab, dan port jalurnya mati kata perangkat di atasnya",
        "does not answer, and the device above says that the port of its line is down",
    ),
    Reason.PUSH_MISSING: ("tidak lagi memanggil pemantau", "does not call the watcher any more"),
    Reason.PUSH_DOWN: ("melaporkan sendiri bahwa ia terganggu", "reports itself that it is in trouble"),
    Reason.DOMAIN_EXPIRED: ("pendaftaran domainnya berakhir", "the registration of its domain has ended"),
    Reason.DOMAIN_EXPIRES_SOON: ("pendaftaran domainnya segera berakhir", "the registration of its domain ends soon"),
    Reason.NO_ROUTE: ("pemantau sendiri tidak punya rute ke sana", "the watcher itself has no route to it"),
    Reason.NO_DESCRIPTOR: ("pemantau sendiri kehabisan deskriptor berkas", "the watcher itself is out of file descriptors"),
    Reason.NO_PERMISSION: ("pemantau sendiri tidak diizinkan memeriksa", "the watcher itself is not permitted to look"),
    Reason.OWN_RESOLVER: ("server DNS pemantau sendiri mati", "the watcher's own DNS server is dead"),
    Reason.TOO_OFTEN: ("minta tidak diperiksa sesering itu", "asks not to be looked at so often"),
    Reason.LOOP_LATE: ("pemantau sendiri terlambat memeriksa", "the watcher itself looked too late"),
    Reason.OWN_CLOCK: (
        "jam pemantau sendiri disetel jauh, tanggal sertifikat dan data tidak dapat dinilai",
        "the watcher's own clock was set far off; no date of a certificate or of data can be judged",
    ),
    Reason.LISTENING: ("pemantau belum cukup lama menunggu panggilannya", "the watcher has not waited long enough for its call"),
    Reason.DOMAIN_UNKNOWN: ("akhir pendaftaran domainnya tidak dapat diketahui", "when its domain ends cannot be learned"),
    Reason.BAD_SECRET: ("kunci rahasia pemantau tidak terbaca", "the watcher cannot read its secret"),
    Reason.INTERNAL: ("pemantau sendiri mengalami kesalahan", "the watcher itself has a fault"),
}
UNNAMED: Pair = ("terganggu", "in trouble")

WHYS: Mapping[Why, Pair] = {
    Why.FIRST_OK: ("jawaban baik yang pertama", "first good answer"),
    Why.FIRST_LOSS: ("pemeriksaan pertama yang gagal", "first failed look"),
    Why.ODDS_REACHED: ("bukti cukup bahwa ia mati", "enough evidence that it is down"),
    Why.PORT_DOWN: ("perangkat di atasnya melaporkan port jalurnya mati", "the device above reports the port of its line down"),
    Why.RECOVERED: ("menjawab lagi", "answers again"),
    Why.DEGRADED: ("lebih buruk dari biasanya", "worse than it is used to"),
    Why.EASED: ("kembali seperti biasa", "as usual again"),
    Why.PARENT_RETURNED: ("induknya kembali; dinilai dari awal", "its parent is back; judged anew"),
    Why.NO_VALID_LOOK: ("tidak ada pemeriksaan yang sah", "no valid look"),
    Why.ROOT_VERIFIED: ("sebab terverifikasi: induknya menjawab", "cause verified: its parent answers"),
    Why.ROOT_UNVERIFIED: ("sebab belum terverifikasi", "cause not verified"),
    Why.SHADOWED: ("tidak terjangkau karena induknya mati", "unreachable because its parent is down"),
    Why.BETTER_CAUSE: ("sebab yang lebih tepat ditemukan", "a better cause was found"),
    Why.MERGED: ("ternyata bagian dari gangguan lain", "turned out to be part of another incident"),
    Why.JOINED: ("ada lagi yang jatuh oleh sebab yang sama", "more have fallen by the same cause"),
    Why.SPLIT: ("yang lain pulih, sisanya belum", "the others are back, these are not"),
    Why.FLAPPING: (
        "jatuh dan pulih berulang kali; kabar berikutnya paling sering sejam sekali, kecuali bila ia tetap mati",
        "falls and comes back again and again; next news once an hour at most, unless it stays down",
    ),
    Why.STAYS_DOWN: ("jatuh lagi dan kali ini tetap mati", "fell again and stays down this time"),
    Why.CALM: ("sudah tenang: lama tidak jatuh lagi", "calm again: it has not fallen for long"),
    Why.VOUCHED_FOR: ("yang di belakangnya menjawab, hanya ia yang diam", "what is behind it answers, only itself is silent"),
    Why.NOTHING_BEHIND: ("tidak ada lagi yang menjawab di belakangnya", "nothing behind it answers any more"),
    Why.TARGET_REMOVED: ("dihapus dari inventaris", "removed from the inventory"),
    Why.TARGET_CHANGED: ("pemeriksaannya diubah di inventaris", "its check was changed in the inventory"),
    Why.WAY_TRACED: ("jalan ke sana ditelusuri", "the way there was traced"),
    Why.DELIVERED: ("kabar sudah sampai", "the page has arrived"),
    Why.GIVEN_UP: ("kabar gagal dikirim", "the page could not be sent"),
}

KINDS: Mapping[Kind, tuple[str, str, str]] = {
    # Indonesian, English of one, English of many.
    Kind.HUB: ("router pusat", "hub", "hubs"),
    Kind.ISP: ("ISP", "ISP", "ISPs"),
    Kind.INTERNET: ("sambungan internet", "internet uplink", "internet uplinks"),
    Kind.RESOLVER: ("server nama", "name server", "name servers"),
    Kind.KECAMATAN: ("kecamatan", "kecamatan", "kecamatan"),
    Kind.KELURAHAN: ("kelurahan", "kelurahan", "kelurahan"),
    Kind.PUSKESMAS: ("Puskesmas", "Puskesmas", "Puskesmas"),
    Kind.OPD: ("OPD", "OPD", "OPD"),
    Kind.TITIK: ("titik", "site", "sites"),
    Kind.LINK: ("jalur", "link", "links"),
    Kind.APP: ("aplikasi", "application", "applications"),
}

SENTENCES: Mapping[str, Pair] = {
    "since": ("{what} sejak {start} (terakhir normal {last}).", "since {start} (last normal {last}): {what}."),
    "since_only": ("{what} sejak {start}.", "since {start}: {what}."),
    "first_sign": ("Gejala pertama {start} (terakhir normal {last}): {what}.", "First sign {start} (last normal {last}): {what}."),
    "first_sign_only": ("Gejala pertama {start}: {what}.", "First sign {start}: {what}."),
    "falls": ("Belakangan ini jatuh dan pulih", "Of late it fell and came back"),
    "times": ("{count} kali", "{count} times"),
    "seen": ("Tercatat", "Seen"),
    "changed": ("Sebab diperbarui: semula {before}, kini {now}.", "Cause changed: was {before}, now {now}."),
    "unverified": (
        "Sebab belum terverifikasi: induknya belum sempat menjawab pemeriksaan ulang.",
        "Cause not verified: its parent has not yet answered a second look.",
    ),
    "redundancy": (
        "Cadangan hilang, layanan tetap jalan: {site} masih tersambung lewat jalur lain.",
        "Redundancy lost, service goes on: {site} is still connected by another link.",
    ),
    "hub": (
        "Pantau terputus dari kota: gerbangnya sendiri tidak menjawab. Keadaan semua situs tidak diketahui sejak itu.",
        "Pantau is cut off from the city: its own gateway does not answer. The state of all sites is unknown since then.",
    ),
    "kota": (
        "Seluruh kota gelap: router pusat menjawab, tetapi semua yang tersambung kepadanya tidak.",
        "The whole city is dark: the hub answers, but nothing that is connected to it does.",
    ),
    "no_way": (
        "Pantau sendiri tidak punya rute ke kota; gerbangnya menjawab, situs mungkin baik-baik saja. Periksa rute baku mesin ini.",
        "Pantau itself has no route to the city; its gateway answers, the sites may be well. Check this machine's default route.",
    ),
    "family": (
        "{lost} tidak jalan dari sini: yang diperiksa lewat {lost} tidak menjawab, yang lewat {other} menjawab.",
        "{lost} is lost from here: what is looked at over {lost} does not answer, what is looked at over {other} does.",
    ),
    "family_first": (
        "Situs-situsnya mungkin baik-baik saja. Periksa dulu rute dan gerbang {lost} milik Pantau, lalu router pusat.",
        "The sites may be well. First check the {lost} route and gateway of Pantau itself, then the hub's router.",
    ),
    "risk": ("Kemungkinan sebab bersama: {name}.", "Probable common cause: {name}."),
    "risk_found": (
        "Kemungkinan sebab bersama: {name} (semula disangka {before}).",
        "Probable common cause: {name} (at first taken for {before}).",
    ),
    "members": ("Yang jatuh ({count})", "Fallen ({count})"),
    "instead": ("Kemungkinan lain: {name}", "Second likeliest: {name}"),
    "separate": ("gangguan sendiri-sendiri", "separate faults"),
    "internet": (
        "Kota terputus dari internet; kabar lewat Telegram dan surel bisa terlambat.",
        "The city is cut off from the internet; Telegram and mail may be late.",
    ),
    "resolver": (
        "Server nama (DNS) mati: apa pun yang dicari dengan nama, termasuk aplikasi, tidak dapat dilihat.",
        "The name server (DNS) is dead: nothing that is found by name, applications included, can be seen.",
    ),
    "isp": ("Jalur internet lewat ISP lain masih ada.", "The way to the internet by another ISP remains."),
    "behind": ("Ikut tidak terjangkau ({count})", "Unreachable because of it ({count})"),
    "depend": ("Ikut terganggu ({count})", "Disturbed because of it ({count})"),
    "opds": ("OPD terdampak", "OPD affected"),
    "urusan": ("Urusan terdampak", "Affairs affected"),
    "owner": ("Pemilik", "Owner"),
    "host": ("{owner}, dipasang di {host}", "{owner}, runs at {host}"),
    "users": ("Pemakai", "Users"),
    "address": ("Alamat", "Address"),
    "vendor": ("Vendor terakhir", "Last vendor"),
    "no_vendor": ("tidak tercatat", "not recorded"),
    "contract": ("{vendor}; kontrak berakhir {end}", "{vendor}; contract ends {end}"),
    "contract_over": ("{vendor}; kontrak sudah berakhir {end}", "{vendor}; contract ended {end}"),
    "alike": ("Mungkin juga (tampak sama dari sini)", "Would look the same from here"),
    "link": ("jalur {child} – {parent}", "link {child} – {parent}"),
    "told": ("Diberi tahu", "Told"),
    "told_end": ("Kabar penutup untuk penerima yang sama", "Closing word to the same receivers"),
    "explain": ("Rincian", "Details"),
    "page": ("Halaman", "Page"),
    "more": ("{names}, … dan {count} lagi", "{names}, … and {count} more"),
    "recovered": ("Pulih {end} setelah {duration} (terganggu sejak {start}).", "Recovered {end} after {duration} (down since {start})."),
    "closed": (
        "Ditutup {end} tanpa kepastian pulih: {why}. Terganggu selama {duration} (sejak {start}).",
        "Closed {end}, not known to have recovered: {why}. In trouble for {duration} (since {start}).",
    ),
    "was": ("Tadinya", "Trouble was"),
    "calm": ("Tenang: {times} jatuh dan pulih, lalu lama tidak lagi.", "Calm: fell and came back {times}, then no more for long."),
    "again": ("{count} yang tadi tidak terjangkau sedang diperiksa ulang.", "{count} that were unreachable are being looked at again."),
    "test": (
        "Ini pesan uji dari Pantau; tidak ada gangguan. Bila pesan ini terbaca, penerima ini siap menerima kabar.",
        "This is a test message from Pantau; nothing is wrong. If you can read it, this receiver is ready.",
    ),
}

MONTHS: tuple[Pair, ...] = (
    ("Januari", "January"),
    ("Februari", "February"),
    ("Maret", "March"),
    ("April", "April"),
    ("Mei", "May"),
    ("Juni", "June"),
    ("Juli", "July"),
    ("Agustus", "August"),
    ("September", "September"),
    ("Oktober", "October"),
    ("November", "November"),
    ("Desember", "December"),
)
ZONES = {7.0: "WIB", 8.0: "WITA", 9.0: "WIT"}
WRITTEN_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})")
AGO = {"d": 86400, "h": 3600, "m": 60}
UNITS: tuple[tuple[int, Pair], ...] = ((86400, ("hari", "d")), (3600, ("jam", "h")), (60, ("menit", "min")), (1, ("detik", "s")))


def pick(pair: Pair, language: str) -> str:
    """Return the words in the language, `id` or `en`."""
    return pair[LANGUAGES.index(language)]


def say(key: str, language: str, **parts: object) -> str:
    """Return a sentence of `SENTENCES` with its parts filled in."""
    return pick(SENTENCES[key], language).format(**parts)


def count(kind: Kind, number: int, language: str) -> str:
    """Return "8 kelurahan", "1 application", "3 applications"."""
    indonesian, one, many = KINDS[kind]
    return f"{number} {indonesian if language == 'id' else one if number == 1 else many}"


def day(when: date, language: str) -> str:
    """Return "31 Desember 2016"."""
    return f"{when.day} {pick(MONTHS[when.month - 1], language)} {when.year}"


def local(at: float, utc_offset: float) -> datetime:
    """Return the city's time of day for epoch seconds; `utc_offset` in hours."""
    return datetime.fromtimestamp(at, UTC).astimezone(timezone(timedelta(hours=utc_offset)))


def zone_of(utc_offset: float) -> str:
    """Return "WIB", or "UTC+5.5" where Indonesia has no such zone."""
    return ZONES.get(utc_offset, f"UTC{utc_offset:+g}")


def clock(at: float, utc_offset: float, language: str, *, beside: float | None = None, zone: bool = True) -> str:
    """Return "02.14.07 WIB"; with the day before it when that is not the day of `beside` (epoch seconds)."""
    when = local(at, utc_offset)
    written = f"{when:%H.%M.%S}"
    if zone:
        written += " " + zone_of(utc_offset)
    if beside is not None and local(beside, utc_offset).date() != when.date():
        written = f"{day(when.date(), language)} {written}"
    return written


def moment(written: str, utc_offset: float, now: float) -> float:
    """Return the epoch seconds of a time as people write it; ValueError when it is none.

    "02.14", "02:14:07 WIB" (the last time it was that o'clock), "2026-11-24", "2026-11-24 02.14", "7d", "2h", "30m" (so long before
    `now`), ISO 8601 with a zone, epoch seconds, or what `clock` writes. What names no zone is the city's time.
    """
    text = WRITTEN_DAY.sub(_iso_day, written.strip())
    for hours in (utc_offset, *ZONES):
        if text.endswith(f" {zone_of(hours)}"):
            return moment(text.removesuffix(zone_of(hours)), hours, now)
    if text[:-1].isdecimal() and text[-1] in AGO:
        return now - int(text[:-1]) * AGO[text[-1]]
    if text.replace(".", "", 1).isdecimal() and len(text) >= 9:
        return float(text)
    date_part, _, time_part = text.replace("T", " ").rpartition(" ") if " " in text or "T" in text else ("", "", text)
    if "-" in time_part and not date_part:
        date_part, time_part = time_part, "00:00"
    today = local(now, utc_offset)
    when = datetime.fromisoformat(f"{date_part or today.date()} {time_part.replace('.', ':')}")
    at = (when if when.tzinfo else when.replace(tzinfo=today.tzinfo)).timestamp()
    return at if date_part or at <= now else at - 86400


def _iso_day(found: re.Match[str]) -> str:
    """Return "2026-11-24" for "24 November 2026"; a month that is none becomes 00, which no calendar takes."""
    month = next((number for number, names in enumerate(MONTHS, 1) if found[2] in names), 0)
    return f"{found[3]}-{month:02}-{int(found[1]):02}"


def lasted(seconds: float, language: str) -> str:
    """Return how long in its two largest units: "27 menit 3 detik", "2 jam 5 menit"; seconds are whole."""
    rest = max(0, round(seconds))
    parts: list[str] = []
    for size, name in UNITS:
        number, rest = divmod(rest, size)
        if number or (parts and len(parts) < 2):
            parts.append(f"{number} {pick(name, language)}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 ")) or f"0 {pick(UNITS[-1][1], language)}"
