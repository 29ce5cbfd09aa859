"""The words of those who break into the pages of offices to advertise gambling: defacement is an incident of security, not of loss.

Words that an honest page has too (casino, judol, jackpot: of those who fight it) are left out, and one word is no proof: three are.
"""

import html
import re

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault

PROOF = 3
TRIES = 300
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
"""Many such pages are shown to search engines only."""
GAMBLING = (
    "slot gacor maxwin togel rungkad sbobet scatter bandarqq dominoqq idnplay sv388 joker gates+of+olympus starlight+princess mahjong+ways "
    "pragmatic+play pg+soft toto+macau toto+4d pkv+games rtp+live link+alternatif bonus+new+member depo+pulsa deposit+pulsa akun+pro"
)
_WORDS = {word.replace("+", " "): re.compile(rf"(?<![a-z]){word.replace('+', '[ -]')}[0-9]{{0,5}}(?![a-z])") for word in GAMBLING.split()}


def judge_defacement(text: str, where: str = "") -> None:
    """Raise Fault `defaced` when the page advertises gambling: at least `PROOF` different words of it, hidden ones too."""
    folded = html.unescape(text).casefold()
    found = [word for word in _WORDS if _holds(folded, word)]
    if len(found) >= PROOF:
        at = f" at {where[:60]}" if where else ""
        raise Fault(Reason.DEFACED, f"the page{at} advertises gambling: {', '.join(found[:6])}")


def _holds(folded: str, word: str) -> bool:
    """Tell whether the word stands there by itself; behind hundreds of words that only contain it, people do not see it."""
    stem, at = word.partition(" ")[0], -1
    for _ in range(TRIES):
        at = folded.find(stem, at + 1)
        if at < 0 or _WORDS[word].match(folded, at):
            return at >= 0
    return False
