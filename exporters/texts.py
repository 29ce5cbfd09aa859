"""The words of the status page, Indonesian and English side by side; reasons, kinds and times are those of `alerts.words`."""

from collections.abc import Mapping

from alerts.words import MONTHS, Pair, local, pick, zone_of
from monitor.core.events import Severity, Why
from monitor.engine import Condition

CONDITIONS: Mapping[Condition, Pair] = {
    Condition.UP: ("normal", "up"),
    Condition.DEGRADED: ("peringatan", "warning"),
    Condition.NO_REPLY: ("diam, tetapi bekerja", "silent but working"),
    Condition.SUSPECT: ("diperiksa ulang", "being checked again"),
    Condition.DOWN: ("mati", "down"),
    Condition.SHADOWED: ("tidak terjangkau", "unreachable"),
    Condition.NEW: ("belum pernah menjawab", "never answered"),
    Condition.UNKNOWN: ("tidak diketahui", "unknown"),
    Condition.UNWATCHED: ("tidak diawasi", "not watched"),
}

NEWS: Mapping[Why, Pair] = {
    # Where the reason of a decision is not what a person would call the news.
    Why.ODDS_REACHED: ("berhenti menjawab", "stopped answering"),
    Why.PORT_DOWN: ("port jalurnya mati", "the port of its line is down"),
    Why.FIRST_OK: ("menjawab untuk pertama kali", "answered for the first time"),
}

SEVERITIES: Mapping[Severity, Pair] = {
    Severity.CRITICAL: ("kritis", "critical"),
    Severity.MAJOR: ("besar", "major"),
    Severity.MINOR: ("ringan", "minor"),
}

TEXTS: Mapping[str, Pair] = {
    "all_well": ("Semua normal", "All is well"),
    "starting": ("Pantau baru mulai melihat", "Pantau has just begun to look"),
    "nobody_answers": ("Tidak ada situs yang menjawab", "No site answers"),
    "not_ready": ("Pantau belum siap: {why}", "Pantau is not ready: {why}"),
    "blind": ("{count} tidak diketahui: Pantau tidak dapat melihatnya", "{count} unknown: Pantau cannot see them"),
    "one_incident": ("1 gangguan: {cause}", "1 incident: {cause}"),
    "incidents": ("{count} gangguan, terberat: {cause}", "{count} incidents, the heaviest: {cause}"),
    "behind": ("{count} situs di belakangnya", "{count} sites behind it"),
    "fell": ("{count} situs jatuh", "{count} sites fell"),
    "since": ("sejak {time}", "since {time}"),
    "answers": ("menjawab", "answer"),
    "silent": ("tidak menjawab", "do not answer"),
    "not_known": ("tidak diketahui", "unknown"),
    "sites": ("situs", "sites"),
    "apps": ("aplikasi", "applications"),
    "seen": ("Dilihat", "Seen"),
    "now": ("Gangguan berjalan", "Open incidents"),
    "map": ("Peta kota", "The city"),
    "map_says": (
        "Peta kota: {up} situs menjawab, {down} tidak. Daftar lengkap ada di bawah.",
        "Map of the city: {up} sites answer, {down} do not. The whole list is below.",
    ),
    "legend": ("Arti lambang", "What the signs mean"),
    "started": ("Sejak", "Since"),
    "flapping": ("menjawab lagi, tetapi sudah {count} kali jatuh dan pulih", "answers again, but fell and came back {count} times"),
    "last_answer": ("jawaban terakhir {time}", "last answer {time}"),
    "fallen": ("Yang jatuh", "Fallen"),
    "instead": ("Kemungkinan lain", "Second likeliest"),
    "cut_off": ("Ikut tidak terjangkau", "Unreachable because of it"),
    "hit": ("Terdampak", "Who is hit"),
    "urusan": ("Urusan", "Affairs"),
    "told": ("Diberi tahu", "Told"),
    "nobody": ("belum ada yang diberi tahu", "nobody has been told"),
    "owed": ("belum sampai", "not delivered yet"),
    "alike": ("Mungkin juga (tampak sama dari sini)", "Would look the same from here"),
    "and_more": ("dan {count} lagi", "and {count} more"),
    "places": ("Situs per kecamatan", "Sites by kecamatan"),
    "elsewhere": ("OPD dan situs lain", "OPD and other sites"),
    "backbone": ("Pusat dan internet", "Hub and internet"),
    "links": ("Jalur yang diawasi", "Watched links"),
    "apps_heading": ("Aplikasi", "Applications"),
    "new": ("Belum pernah menjawab: periksa alamatnya", "Never answered: check the address"),
    "new_says": (
        "Yang belum pernah menjawab tidak dihitung sebagai gangguan dan tidak dikabarkan. Biasanya alamatnya salah ketik.",
        "What has never answered is no incident and nobody is told. Most often its address is mistyped.",
    ),
    "recent": ("Baru saja berubah", "What changed lately"),
    "quiet": ("Belum ada yang berubah.", "Nothing has changed."),
    "lasted": ("selama {time}", "for {time}"),
    "at_line": ("di {where}", "at {where}"),
    "lost_sight": (
        "Sambungan ke Pantau terputus. Yang tampak di bawah mungkin sudah tidak berlaku.",
        "The connection to Pantau is lost. What you see below may no longer be true.",
    ),
    "reload_refused": ("Inventaris baru ditolak, yang lama tetap dipakai: {why}", "A new inventory was refused, the old one stays: {why}"),
    "other_language": ("English", "Bahasa Indonesia"),
    "promise": (
        "Kabar palsu: paling banyak satu dari {one_in}, {false} setahun. Terukur: dari {downs} gangguan, {brief} berlalu dalam semenit.",
        "False pages: at most one in {one_in}, {false} a year. Measured: of {downs} outages {brief} were over within a minute.",
    ),
    "watched_by": ("diawasi oleh Pantau {version}", "watched by Pantau {version}"),
    "raw": ("data mentah", "raw data"),
    "metrics": ("metrik", "metrics"),
}


def text(key: str, language: str, **parts: object) -> str:
    """Return a text of `TEXTS` with its parts filled in; `language` is `id` or `en`."""
    return pick(TEXTS[key], language).format(**parts)


def hour(at: float, utc_offset: float, language: str, beside: float, *, seconds: bool = False) -> str:
    """Return "14.05 WIB" (English "14:05 WIB"), "23 Nov 14.05 WIB" when that is not the day of `beside`; epoch seconds."""
    when = local(at, utc_offset)
    dot = "." if language == "id" else ":"
    parts = [f"{when:%H}", f"{when:%M}", *([f"{when:%S}"] if seconds else [])]
    written = f"{dot.join(parts)} {zone_of(utc_offset)}"
    today = local(beside, utc_offset).date() == when.date()
    return written if today else f"{when.day} {pick(MONTHS[when.month - 1], language)[:3]} {written}"


def round_trip(seconds: float | None, language: str) -> str:
    """Return "4 ms", "0,4 ms", "1,2 dtk" (English "0.4 ms", "1.2 s"), or nothing when nothing was measured."""
    if seconds is None:
        return ""
    value, unit = (seconds, "dtk" if language == "id" else "s") if seconds >= 1 else (seconds * 1000, "ms")
    written = f"{value:.1f}" if value < 10 and (unit != "ms" or value < 1) else f"{value:.0f}"
    return f"{written.replace('.', ',') if language == 'id' else written} {unit}"
