"""The words of the chain, (Indonesian, English): what each ring says when it held and when it broke, and what would have passed.

The parts in braces come from `sentences.Speaker`.
"""

from collections.abc import Mapping

from alerts.words import Pair

HELD: Mapping[str, Pair] = {
    "listed": ("{name} ada di inventaris.", "{name} is in the inventory."),
    "watched": (
        "Diperiksa dengan {kind} ke {target} setiap {interval:g} detik, kelas {grade}.",
        "Looked at by {kind} to {target} every {interval:g} s, class {grade}.",
    ),
    "promised": (
        "Biasanya gagal {p}, beruntun {tau} detik: pasti dalam {worst} detik, 1 dari {one_in} palsu; {brief} / {downs} sebentar.{tail}",
        "It fails {p} of looks, in bursts of {tau} s: DOWN in {worst} s, 1 page in {one_in} false; {brief} of {downs} were brief.{tail}",
    ),
    "odds": (
        "Gagal {count} kali sejak {first}: peluang mati {odds} (perlu {needed}), selama {span} detik ({least}).",
        "Failed {count} times since {first}: odds of {odds} (needed {needed}), over {span} s ({least}).",
    ),
    "reachable": ("Jalannya ada: {groups}.", "There is a way to it: {groups}."),
    "gate": ("Yang di atas dan di belakangnya sudah ditanya {at}: {why}.", "Those above and behind it were asked, {at}: {why}."),
    "incident": (
        "Gangguan {incident}, sebab {cause}{further}.",
        "Incident {incident}, cause {cause}{further}.",
    ),
    "route": ("Tingkat {severity}: dikabarkan kepada {to}.", "Severity {severity}: {to} are told."),
    "page": ("{at} kabar {step} untuk {receiver}: {fate}.", "{at} {step} for {receiver}: {fate}."),
}

BROKE: Mapping[str, Pair] = {
    "listed": ("Tidak ada di inventaris pada waktu itu.", "Not in the inventory at that time."),
    "link": (
        "Jalur {child} – {parent} tidak diperiksa sendiri; putusnya tampak pada {child} (pantau explain {id}).",
        "The link {child} – {parent} is not looked at itself; its loss shows at {child} (pantau explain {id}).",
    ),
    "risk_only": (
        "Risiko bersama tidak dapat diperiksa sendiri. Anggotanya: {members}.",
        "A shared risk cannot be looked at itself. Its members: {members}.",
    ),
    "watched": ("Tidak diperiksa: tidak punya pemeriksaan.", "Not looked at: it has no check."),
    "sighted": (
        "Pantau sendiri terputus dari kota: {gateway} tidak menjawab, jadi kegagalan di belakangnya tidak dinilai.",
        "Pantau itself is cut off from the city: {gateway} does not answer, so failures behind it are not judged.",
    ),
    "ever_answered": (
        "Belum pernah menjawab ({looks} kali diperiksa), jadi tidak dikabarkan: biasanya alamatnya salah.",
        "It has never answered ({looks} looks), so it is not paged: most often the address is wrong.",
    ),
    "lost": (
        "Tidak ada pemeriksaan yang gagal di sekitar waktu itu; jawaban terakhir {last_ok}.",
        "No look failed around that time; last answer {last_ok}.",
    ),
    "unsure": (
        "Pemeriksaan {at} tidak sah: {reason}. Itu kesalahan di pihak kita, bukan bukti.",
        "The look at {at} was not valid: {reason}. That is a fault of ours and no evidence.",
    ),
    "odds": (
        "Gagal {count} kali sejak {first}: peluang mati {odds} (perlu {needed}), selama {span} detik ({least}){answered}.",
        "Failed {count} times since {first}: odds of {odds} (needed {needed}), over {span} s ({least}){answered}.",
    ),
    "decides": (
        "Pemeriksaan {check} tidak menentukan mati-hidupnya; yang menentukan {decider}.",
        "The check {check} does not decide whether it is down; {decider} does.",
    ),
    "reachable": (
        "Tidak terjangkau karena yang di atasnya mati, jadi itulah yang dikabarkan: {groups}.",
        "Not reachable because what is above it is down, so that is what is paged: {groups}.",
    ),
    "silent": (
        "Diam tetapi bekerja sejak {since}: yang di belakangnya menjawab ({speakers}).",
        "Silent but working since {since}: what is behind it answers ({speakers}).",
    ),
    "gate": (
        "Menunggu di gerbang: yang di atasnya harus menjawab pemeriksaan sesudah {after}; kini {groups}.",
        "Waiting at the gate: what is above it must answer a look sent after {after}; now {groups}.",
    ),
    "incident": (
        "Tidak ada gangguan yang dibuka untuknya; keadaannya {condition}.",
        "No incident was opened for it; its condition is {condition}.",
    ),
    "route": (
        "Tingkat {severity}, dan tidak ada rute yang cocok, jadi tidak ada yang dikabari.",
        "Severity {severity}, and no route matches, so nobody is told.",
    ),
    "page": HELD["page"],
}

PASSES: Mapping[str, Pair] = {
    "listed": ("ia didaftarkan di inventaris", "it were listed in the inventory"),
    "link": ("jalur ini diberi `address` (ujung jauhnya)", "the link had an `address` (of its far end)"),
    "risk_only": ("sedikitnya dua anggotanya mati dalam jangka waktunya", "at least two of its members were down within its window"),
    "watched": ("ia diberi `address` atau `checks`", "it had an `address` or `checks`"),
    "sighted": ("{gateway} menjawab", "{gateway} answered"),
    "ever_answered": ("ia sekali menjawab dengan baik, lalu gagal", "it answered well once, then failed"),
    "lost": (
        "pemeriksaan gagal berturut-turut sampai {needed}, selama sedikitnya {least} detik",
        "looks failed in a row up to {needed}, over at least {least} s",
    ),
    "unsure": ("pemeriksaan yang sah gagal", "valid looks failed"),
    "odds": ("{more} pemeriksaan lagi gagal", "{more} more looks failed"),
    "decides": ("{decider} gagal", "{decider} failed"),
    "reachable": ("salah satu yang di atasnya itu menjawab", "one of those above answered"),
    "silent": ("tidak ada lagi yang menjawab di belakangnya", "nothing behind it answered any more"),
    "gate": ("mereka menjawab; tanpa itu paling lambat {deadline}", "they answered; without that at {deadline} at the latest"),
    "incident": ("ia menjadi akar suatu gangguan", "it became the root of one"),
    "route": ("salah satu syarat ini memuatnya: {missed}", "one of these conditions named it: {missed}"),
    "page": ("salurannya menerima (coba: pantau notify test)", "its channel took it (try: pantau notify test)"),
}
