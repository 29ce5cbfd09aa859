"""How to tell: one signature, one table.

A channel is a file with its options type, `async send(message, page, options, context) -> Receipt` and a `CHANNEL`; it
raises ChannelError. Adding one: a file, a line in `CHANNELS`, a test, a heading in docs/channels.md.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from alerts.channels import mail, telegram, webhook
from alerts.channels.channel import Channel, ChannelError, Options, Receipt, Trouble
from alerts.channels.context import Context
from monitor.core.city import Receiver
from monitor.core.errors import PantauError

CHANNELS: Mapping[str, Channel] = {
    "webhook": webhook.CHANNEL,
    "telegram": telegram.CHANNEL,
    "mail": mail.CHANNEL,
}


def read_options(channel: str, raw: Mapping[str, object]) -> Options:
    """Return a receiver's options; raises PantauError for no such channel, pydantic.ValidationError naming the wrong keys."""
    return _known(channel).options.model_validate(dict(raw))


def server_of(receiver: Receiver) -> str:
    """Return the name or address of the server that a receiver's messages are sent to, empty when its options cannot be read."""
    try:
        return _known(receiver.channel).server(read_options(receiver.channel, receiver.options))
    except (PantauError, ValidationError, ValueError):
        return ""


def secret_keys(channel: str) -> frozenset[str]:
    """Return the keys that must be references to secrets; raises PantauError for no such channel."""
    return _known(channel).secrets


def _known(channel: str) -> Channel:
    if channel not in CHANNELS:
        raise PantauError(f"channel {channel}: there is no such channel; there are {', '.join(CHANNELS)}")
    return CHANNELS[channel]


__all__ = ["CHANNELS", "Channel", "ChannelError", "Context", "Options", "Receipt", "Trouble", "read_options", "secret_keys", "server_of"]
