"""Echo requests and replies over one shared socket: matched by source address and an 8-byte random token.

The kernel stamps the receipt and hands us errors of routers by the error queue; on a ping socket it sets ICMP id and sum, too. The
round trip is the time since sending on the monotonic clock, less the time that the reply lay in the socket: a loop that stalls does
not lengthen it, and a clock that is set does not bend it.
"""

import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence

from monitor.probes.faults import Fault, RouterFault, local_fault
from monitor.probes.icmp_echoes import Echoes
from monitor.probes.icmp_family import CONTROL, NAME, PACKET, RECORD, Family
from monitor.probes.icmp_manner import PLAIN, USUAL_SIZE, Manner
from monitor.probes.icmp_open import open_socket
from monitor.probes.icmp_ring import SIZE, Ring

ROUNDS = 32
MSG_ERRQUEUE = 0x2000
_ORIGIN_ICMP = (2, 3)
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_FULL = (errno.EAGAIN, errno.ENOBUFS)
_TRIES = 4
GUESSED = 0.05
"""Seconds by which a packet may have left before the time that we think: of one call that sends many, only begin and end are known."""
_HEADER = 8
_TOKEN = struct.Struct("!4H")


class Shot:
    """One echo request: `sent` on the monotonic clock, then `seconds` (round trip) or `fault`. `done` is called with it then."""

    __slots__ = ("address", "done", "fault", "seconds", "sent", "token")

    def __init__(self, address: bytes, token: bytes, done: Callable[["Shot"], None]) -> None:
        """Aim at a packed address."""
        self.address = address
        self.token = token
        self.done = done
        self.sent = 0.0
        self.seconds: float | None = None
        self.fault: Fault | None = None


class PingSocket:
    """One socket of one family and manner; `receive` is to be called when it is readable, `flush` when writable again."""

    def __init__(self, family: Family, on_full: Callable[["PingSocket"], None], echoes: Echoes, manner: Manner = PLAIN) -> None:
        """Open it. Raises NoPingSocketsError where the kernel refuses, OSError without descriptors."""
        self.family, self.manner = family, manner
        opened = open_socket(family, manner)
        self.socket, self.identity, self._before = opened.socket, opened.identity, opened.header
        self.opened = time.monotonic()
        self.waiting: dict[bytes, Shot] = {}
        self.lost = self.crowded = False
        self.strays = 0
        self._on_full, self._echoes = on_full, echoes
        self._queue: list[Shot] = []
        self._by_sequence: dict[bytes, Shot] | None = None
        """Who waits, for routers that quote no more than a header; made when one does, and anew only after more was sent."""
        self._lay_out()

    def _lay_out(self) -> None:
        family, name = self.family, (NAME[0], self.family.name_size)
        size, tail = _HEADER + min(self.manner.size, USUAL_SIZE), max(0, self.manner.size - USUAL_SIZE)
        self._whole = self._before + size + tail
        self._out = Ring(RECORD, name, (0, 0), (PACKET[0], size), tail)
        self._in = Ring(RECORD, name, CONTROL, (PACKET[0], PACKET[1]), self._before + tail)
        self._view = memoryview(self._in.buffer)
        self._record = family.record if self.identity is None else family.raw_record
        head = struct.pack("=H", family.number).ljust(NAME[1] + CONTROL[1], b"\0") + struct.pack(
            "!BBHH", family.echo, 0, 0, self.identity or 0
        )
        for index in range(SIZE):
            self._out.buffer[index * RECORD : index * RECORD + len(head)] = head

    @property
    def busy(self) -> bool:
        """Whether shots wait here, to be sent or answered."""
        return bool(self.waiting or self._queue)

    def close(self) -> None:
        """Close the socket; shots that wait are left without an answer."""
        self.socket.close()
        self.waiting.clear()
        self._queue.clear()

    def send(self, shots: Sequence[Shot]) -> None:
        """Send as many as the socket takes now, the rest when `flush` is called."""
        self._queue += shots
        self.flush()

    def flush(self) -> None:
        """Send what is queued; ask to be called again when the socket is full."""
        queue, self._queue = self._queue, []
        for start in range(0, len(queue), SIZE):
            batch = queue[start : start + SIZE]
            gone = self._send_batch(batch)
            if gone < len(batch):
                self._queue = queue[start + gone :] + self._queue
                self._on_full(self)
                return

    def forget(self, shots: Sequence[Shot]) -> None:
        """Wait no longer for these; what was not answered marks the socket, so that the next looks use another ICMP id.

        A reply that comes later is known as such.
        """
        for shot in shots if self.waiting else ():
            if self.waiting.pop(shot.token, None) is not None:
                self.lost = True
                self._echoes.keep(shot)
        if self._queue:
            given_up = {shot.token for shot in shots}
            self._queue = [shot for shot in self._queue if shot.token not in given_up]

    def receive(self, *, most: int = ROUNDS * SIZE) -> None:
        """Take the replies and errors that wait in the socket: who answers is there, whatever a router says of the same packet.

        After `most` replies the rest is left for next time, unless somebody is refused who may be among it.
        """
        refused: list[tuple[Shot, Fault]] = []
        for _ in range(ROUNDS):
            try:
                got = self._in.receive(self.socket.fileno())
            except OSError:
                refused += self._errors()
                continue
            if not got:
                refused += self._errors()
                break
            self._match(got)
            most -= got
            if got < SIZE or (most <= 0 and not refused):
                break
        self._refuse(refused)

    def _fill(self, batch: Sequence[Shot], tokens: bytes) -> None:
        """Write addresses, tokens and sequence numbers (the token's first two bytes) into the records, column by column."""
        end, buffer, family = len(batch) * RECORD, self._out.buffer, self.family
        addresses = b"".join([shot.address for shot in batch])
        address, sequence, token = family.address_at, PACKET[0] + 6, PACKET[0] + 8
        if len(batch) == 1:
            buffer[address : address + family.address_size] = addresses
            buffer[sequence : sequence + 10] = tokens[:2] + tokens
            return
        for column in range(family.address_size):
            buffer[address + column : end : RECORD] = addresses[column :: family.address_size]
        for column in range(8):
            buffer[token + column : end : RECORD] = tokens[column::8]
        for column in range(2):
            buffer[sequence + column : end : RECORD] = tokens[column::8]

    def _seal(self, batch: Sequence[Shot]) -> None:
        """Write the sums of ICMP into the records: over IPv4 the kernel leaves that to whoever has a raw socket."""
        head = (self.family.echo << 8) + (self.identity or 0)
        for index, shot in enumerate(batch):
            words = _TOKEN.unpack(shot.token)
            total = head + words[0] + sum(words)
            total = (total & 0xFFFF) + (total >> 16)
            at = index * RECORD + PACKET[0] + 2
            self._out.buffer[at : at + 2] = (~(total + (total >> 16)) & 0xFFFF).to_bytes(2)

    def _send_batch(self, batch: Sequence[Shot]) -> int:
        """Send one ring full; return how many are dealt with (sent, or known not to be sendable)."""
        tokens = [shot.token for shot in batch]
        self._fill(batch, b"".join(tokens))
        if self._before:
            self._seal(batch)
        self._by_sequence = None
        self.waiting.update(zip(tokens, batch, strict=True))
        gone = tries = 0
        while gone < len(batch):
            start = time.monotonic()
            try:
                sent = self._out.send(self.socket.fileno(), gone, len(batch) - gone if gone else 1)  # the first wakes all that sleeps
            except OSError as error:
                if error.errno in _FULL:
                    self.crowded = error.errno == errno.ENOBUFS  # the queue of the card, of whose room nobody tells us
                    break
                tries += 1
                self._refuse(self._errors())  # an error of an earlier packet is told to whoever sends next: try again
                if tries >= _TRIES:
                    self._refuse([(batch[gone], local_fault(error))])
                    gone, tries = gone + 1, 0
                continue
            each = (time.monotonic() - start) / sent
            for index in range(sent):
                batch[gone + index].sent = start + index * each
            gone, tries = gone + sent, 0
        for shot in batch[gone:]:
            del self.waiting[shot.token]
        return gone

    def _match(self, got: int) -> None:
        now, reply, waiting = time.monotonic(), self.family.reply, self.waiting
        behind = now - time.time()
        for index, length in self._in.shorter(got, self._whole):
            self._cut_short(index * RECORD, length - self._before)
        for address, seconds, nanoseconds, kind, token in self._record.iter_unpack(self._view[: got * RECORD]):
            shot = waiting.pop(token, None)
            if shot is None or shot.address != address or kind != reply:
                if shot is not None:
                    waiting[token] = shot  # who said that is not whom we asked
                self.strays += 1
                if kind == reply:
                    self._echoes.heard(address, token)
                continue
            sent, came = shot.sent, seconds + nanoseconds * 1e-9 + behind
            shot.seconds = came - sent if sent <= came <= now else _doubtful(sent, came, now)
            shot.done(shot)

    def _cut_short(self, record: int, length: int) -> None:
        """A reply that lacks some of our data is told as such; one that lacks the token is nobody's, whatever lay there before."""
        at = record + PACKET[0] + self._before + _HEADER
        if length < _HEADER + _TOKEN.size:
            self._view[at : at + _TOKEN.size] = bytes(_TOKEN.size)
            return
        shot = self.waiting.get(bytes(self._view[at : at + _TOKEN.size]))
        address = record + self.family.address_at
        if shot is not None and self._view[address : address + self.family.address_size] == shot.address:
            self._echoes.count(shot.address, "truncated")

    def _errors(self) -> list[tuple[Shot, Fault]]:
        """Empty the error queue; return which shots are refused by what it says. Who knows a better way is heard at once."""
        refused: list[tuple[Shot, Fault]] = []
        self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        for _ in range(ROUNDS * SIZE):
            try:
                quoted, control, _, name = self.socket.recvmsg(PACKET[1], 256, MSG_ERRQUEUE)
            except OSError:
                break
            for level, kind, data in control:
                if (level, kind) == (self.family.level, self.family.receive_errors):
                    shot = self._quoted(socket.inet_pton(self.family.number, name[0].partition("%")[0]), quoted)
                    fault = self._hear(shot, data) if shot else None
                    if shot and fault:
                        refused.append((shot, fault))
        return refused

    def _hear(self, shot: Shot, data: bytes) -> Fault | None:
        """Return what an error means for a packet; of a redirect, which is none, `information` is the address of the better way."""
        number, origin, kind, code, _, information, _ = _EXTENDED_ERROR.unpack_from(data)
        if origin not in _ORIGIN_ICMP:
            return local_fault(OSError(number, os.strerror(number)))
        said_by = _offender(self.family, data[_EXTENDED_ERROR.size :])
        if self._is_error(kind, code):
            said = self.family.say(kind, code, information, few_hops=self.manner.ttl > 0)
            return RouterFault(said_by, said, passing=kind == self.family.ended and code == 0)
        if kind == self.family.redirect:
            better = socket.inet_ntop(socket.AF_INET, information.to_bytes(4))
            self._echoes.hint(shot.address, f"{said_by} says: a better way is {better}")
        return None

    def _is_error(self, kind: int, code: int) -> bool:
        """Whether that ends a packet: "too big" only what must not be divided."""
        return self.manner.df if (kind, code) == self.family.too_big else kind in self.family.error_types

    def _quoted(self, address: bytes, quoted: bytes) -> Shot | None:
        """The shot that a router quotes: by its token, or by its sequence number where no more than the header came back."""
        if len(quoted) >= 16:
            shot = self.waiting.get(quoted[8:16])
            return shot if shot is not None and shot.address == address else None
        if self._by_sequence is None:
            self._by_sequence = {shot.address + shot.token[:2]: shot for shot in self.waiting.values()}
        shot = self._by_sequence.get(address + quoted[6:8])
        return shot if shot is not None and shot.token in self.waiting else None

    def _refuse(self, refused: Sequence[tuple[Shot, Fault]]) -> None:
        """End those of these shots that still wait."""
        for shot, fault in refused:
            if self.waiting.pop(shot.token, None) is not None:
                shot.fault = fault
                shot.done(shot)


def _doubtful(sent: float, came: float, now: float) -> float:
    """A round trip that seems to end before it began, or after now: we guessed its beginning late, or the wall clock was set meanwhile."""
    return 0.0 if sent - GUESSED <= came < sent else now - sent


def _offender(family: Family, name: bytes) -> str:
    packed = name[family.address_at : family.address_at + family.address_size]
    return socket.inet_ntop(family.number, packed) if len(packed) == family.address_size and any(packed) else "the network"
