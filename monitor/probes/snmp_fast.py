"""The back end `fast` for version 1 and 2c: the tables are read by gufo_snmp, whatever it leaves in doubt by our own few lines."""

from collections.abc import Sequence

from monitor.probes import snmp_message
from monitor.probes.attempt import Attempt
from monitor.probes.snmp_agent import Asked, Community
from monitor.probes.snmp_codec import Codec, Codecs
from monitor.probes.snmp_memory import Memory
from monitor.probes.snmp_message import Answer, Kind
from monitor.probes.vantage import Vantage


class FastCommunity(Community):
    """An agent of version 1 or 2c whose tables gufo reads."""

    def __init__(self, community: str, versions: Sequence[str], memory: Memory, attempt: Attempt, vantage: Vantage) -> None:
        super().__init__(community, versions, memory, attempt, vantage)
        self._codecs = vantage.share(Codecs)
        self._lent: dict[str, Codec] = {}
        self._current: tuple[Codec, Asked, str] | None = None

    def close(self) -> None:
        """Close the socket and give the codecs back."""
        super().close()
        for version, codec in self._lent.items():
            self._codecs.give((version, self._community), codec)
        self._lent.clear()

    def _question(self, version: str, asked: Asked) -> tuple[int, bytes]:
        self._current = None
        if asked.kind == "get" or not (self.memory.version or len(self._versions) == 1):
            return super()._question(version, asked)
        codec = self._codec(version)
        kind: Kind = "next" if version == "1" else asked.kind
        data = codec.encode(kind, asked.oids, asked.repetitions)
        if data is None:
            return super()._question(version, asked)
        self._current = codec, asked, version
        return snmp_message.number_of(data), data

    def _codec(self, version: str) -> Codec:
        from gufo.snmp import _fast  # noqa: PLC0415 - an extra: only where it is there

        kind = _fast.SnmpV1ClientSocket if version == "1" else _fast.SnmpV2cClientSocket
        if version not in self._lent:
            found = self._codecs.take((version, self._community))
            self._lent[version] = found or Codec(lambda near: kind(near, self._community, 0, 0, 0, 0))
        return self._lent[version]

    def _read(self, data: bytes) -> Answer:
        if self._current is None:
            return super()._read(data)
        codec, asked, version = self._current
        rows = codec.decode("next" if version == "1" else asked.kind, asked.oids, data)
        if rows is None or snmp_message.refuses(snmp_message.pdu_of(data)):  # gufo takes the values that stand beside an error
            return super()._read(data)
        return Answer(version, snmp_message.number_of(data), 0, rows, len(data))
