"""Text as signs to be read: what a peer says, or somebody typed, must give a terminal no commands and a log no lines of its own."""

import json


def printable(text: str) -> str:
    """Return text on one line; what is no sign to be read is written as in JSON, so that JSON stays JSON."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
