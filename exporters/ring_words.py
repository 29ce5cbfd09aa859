"""The words of the chain, (Indonesian, English): what each ring says when it held and when it broke, and what would have passed.

The parts in braces come from `sentences.Speaker`.
"""

from collections.abc import Mapping

from alerts.words import Pair

HELD: Mapping[str, Pair] = {
    "listed": ("{name} ada di inventaris.", "{name} is in the inventory."),
    "watched": (
        "Diperiksa dengan {kind}{to} setiap {interval:g} detik, kelas {grade}.",
        "Looked at by {kind}{to} every {interval:g} s, class {grade}.",
    ),
    "promised": (
        "Biasanya {p} pemeriksaan gagal, beruntun {tau} detik: putus pasti dalam {worst} detik; palsu: 1 dari {one_in} kabar{past}.{tail}",
        "Usually {p} of looks fail, in bursts of {tau} s: a fault is sure within {worst} s; false: 1 page in {one_in}{past}.{tail}",
    ),
    "odds": (
        "Pasti mati: gagal {count} kali sejak {first}, peluang mati {odds} (perlu {needed}), dalam {span} detik ({least}).",
        "Surely down: failed {count} since {first}, odds that it is down {odds} (needed {needed}), over {span} s ({least}).",
    ),
    "doubted": (
        "Gagal {count} kali sejak {first}: peluang mati {odds} (perlu {needed}), dalam {span} detik ({least}); itu saja belum pasti.",
        "Failed {count} since {first}: odds that it is down {odds} (needed {needed}), over {span} s ({least}); that alone is not sure.",
    ),
    "port": (
        "{at} {device} dua kali menyebut port {port}, tempat jalurnya tersambung, mati; bersama pemeriksaan yang gagal itu cukup.",
        "{at} {device} had called {port}, where its line is plugged in, down twice; beside a failed look that is enough.",
    ),
    "reachable": ("{way}{groups}.", "{way}{groups}."),
    "gate": (
        "{at} diputuskan bahwa sebabnya di sini, {why}{witnesses}{behind}.",
        "{at} it was decided that the cause is here, {why}{witnesses}{behind}.",
    ),
    "incident": ("Gangguan {incident}, sebab {cause}{further}.", "Incident {incident}, cause {cause}{further}."),
    "traced": ("Jalan ke {node} ditelusuri {at}: {way}{end}.", "The way to {node} was traced {at}: {way}{end}."),
    "route": ("Tingkat {severity}: dikabarkan kepada {to}.", "Severity {severity}: told to {to}."),
    "page": ("{at} kabar {step} untuk {receiver}: {fate}.", "{at} {step} for {receiver}: {fate}."),
}

BROKE: Mapping[str, Pair] = {
    "listed": ("Tidak ada di inventaris pada waktu itu.", "Not in the inventory at that time."),
    "link": (
        "{link} tidak diperiksa sendiri; bila putus, {shows} (tanyakan: pantau explain {id}).",
        "{link} is not looked at itself; when it is cut, {shows} (ask: pantau explain {id}).",
    ),
    "risk_only": (
        "Risiko bersama tidak dapat diperiksa sendiri, hanya anggotanya: {members}.",
        "A shared risk cannot be looked at itself, only its members: {members}.",
    ),
    "watched": ("Tidak diperiksa: tidak punya pemeriksaan.", "Not looked at: it has no check."),
    "decides": (
        "{check} hanya pelengkap ({condition}): bila gagal tampak sebagai peringatan dan tidak dikabarkan; yang menentukan {decider}.",
        "{check} only completes the picture ({condition}): if it fails it is a warning and no page; {decider} decides.",
    ),
    "sighted": (
        "Pantau sendiri terputus dari kota, jadi yang gagal di belakangnya tidak dinilai: {gateway}.",
        "Pantau itself is cut off from the city, so what fails behind that is not judged: {gateway}.",
    ),
    "ever_answered": (
        "Belum pernah menjawab dengan baik ({looks} kali; terakhir: {reason}), jadi tidak dikabarkan: biasanya salah ketik di inventaris.",
        "It has never answered well ({looks} looks; the last one: {reason}), so it is not paged: most often the inventory is mistyped.",
    ),
    "lost": (
        "Tidak ada pemeriksaan yang gagal di sekitar waktu itu; jawaban terakhir {last_ok}.",
        "No look failed around that time; last answer {last_ok}.",
    ),
    "unsure": (
        "Pemeriksaan {at} tidak sah: {reason}. Kesalahan di pihak kita bukan bukti bahwa ia mati; jawaban terakhirnya {last_ok}.",
        "The look at {at} was not valid: {reason}. A fault of ours is no evidence that it is down; its last answer {last_ok}.",
    ),
    "odds": (
        "Belum pasti mati: gagal {count} kali sejak {first}, peluang mati {odds} (perlu {needed}), dalam {span} detik ({least}){answered}.",
        "Not surely down: failed {count} since {first}, odds that it is down {odds} (needed {needed}), over {span} s ({least}){answered}.",
    ),
    "reachable": ("{way}{groups}.", "{way}{groups}."),
    "silent": (
        "Diam tetapi bekerja sejak {since}, jadi cukup dicatat di halaman dan tidak dikabarkan. Yang di belakangnya menjawab: {speakers}.",
        "Silent but working since {since}, so it is noted on the page and not told. What is behind it answers: {speakers}.",
    ),
    "gate": (
        "Belum dikabarkan: masih menunggu {awaited} (pemeriksaan sesudah {after}).",
        "Not told yet: still waiting for {awaited} (looks sent after {after}).",
    ),
    "anew": (
        "Sejak {at} yang di atasnya kembali, jadi ia dinilai dari awal: yang gagal sebelum itu tidak dihitung.",
        "What is above it is back since {at}, so it is judged anew: what failed before does not count.",
    ),
    "incident": (
        "Saat itu tidak ada gangguan yang dibuka untuknya; keadaannya {condition}.",
        "No incident was open for it then; its condition: {condition}.",
    ),
    "flapping": (
        "Gangguan {incident} sudah dikabarkan: jatuh dan pulih berulang ({falls} kali), maka kabar berikutnya paling sering sejam sekali.",
        "Incident {incident} was told of: it falls and comes back ({falls} times), so next news once an hour at most.",
    ),
    "gathered": (
        "Gangguan {incident} sudah dikabarkan; tambahannya dikumpulkan dulu.",
        "Incident {incident} was told of before; what is added to it is gathered first.",
    ),
    "route": (
        "Tidak ada rute yang cocok, jadi tidak ada yang dikabari: tingkat {severity}, {about}.",
        "No route matches, so nobody is told: severity {severity}, {about}.",
    ),
    "page": HELD["page"],
}

PASSES: Mapping[str, Pair] = {
    "listed": ("ia didaftarkan di inventaris", "it were listed in the inventory"),
    "link": ("jalur ini diberi `address` (ujung jauhnya)", "the link had an `address` (of its far end)"),
    "risk_only": (
        "sedikitnya dua anggotanya mati dalam rentang {window}: lalu ia disebut sebagai sebab bersama",
        "at least two of its members fell within {window}: then it is named as the common cause",
    ),
    "watched": ("ia diberi `address` atau `checks`", "it had an `address` or `checks`"),
    "decides": ("{decider} gagal", "{decider} failed"),
    "sighted": ("{names} menjawab", "{names} answered"),
    "ever_answered": ("ia sekali menjawab dengan baik, lalu gagal", "it answered well once, then failed"),
    "lost": (
        "{more} pemeriksaan berturut-turut gagal, selama sedikitnya {least} detik",
        "{more} looks in a row failed, over at least {least} s",
    ),
    "unsure": ("pemeriksaan yang sah gagal: {more} kali berturut-turut", "valid looks failed: {more} in a row"),
    "odds": ("{more} pemeriksaan lagi gagal berturut-turut", "{more} more failed in a row"),
    "reachable": ("{names} menjawab sedangkan ia tetap gagal", "{names} answered while it goes on failing"),
    "silent": ("tidak ada lagi yang menjawab di belakangnya", "nothing behind it answered any more"),
    "gate": (
        "itu terjawab; kalau tidak, diputuskan paling lambat {deadline}",
        "that is known; without it, it is decided at {deadline} at the latest",
    ),
    "anew": ("sesudah itu ia gagal lagi sampai pasti mati", "it failed again after that until it is surely down"),
    "incident": ("ia sendiri menjadi sebab suatu gangguan", "it became the cause of one itself"),
    "flapping": ("ia tetap mati sampai {until}", "it stayed down until {until}"),
    "gathered": ("ditunggu sampai {until}", "one waits until {until}"),
    "route": ("salah satu rute ini juga memuatnya: {missed}", "one of these routes named it, too: {missed}"),
    "page": ("salurannya menerima (coba: pantau notify test {id})", "its channel took it (try: pantau notify test {id})"),
}
