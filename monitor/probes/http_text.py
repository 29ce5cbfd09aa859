"""From the bytes of a page to its text: by its first bytes, else by what its header says, else as UTF-8; nothing stops at a bad byte."""

import codecs
import re

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_OF_THE_WEB = re.compile(
    r"ascii|utf-8|utf-16(-[lb]e)?|iso8859-\d+|cp(125\d|866|874|932|949)|koi8-[ru]|mac-\w+|gb2312|gbk|gb18030|big5(hkscs)?|euc_(jp|kr)|shift_jis"
    r"|iso2022_jp"
)
"""As in the WHATWG Encoding Standard. Python knows more, of which some (punycode) take minutes for a page that a peer may send."""


def text_of(body: bytes, charset: str) -> str:
    """Return the text; a charset that is none of the web's is read as UTF-8."""
    for mark, encoding in _MARKS:  # says more than the header (Encoding Standard, "decode")
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    return body.decode(_known(charset), errors="replace")


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(charset[:40]).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _OF_THE_WEB.fullmatch(name) else "utf-8"
