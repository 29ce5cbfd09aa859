"""Many datagrams in one system call: sendmmsg(2) and recvmmsg(2) over buffers that are made once.

All records of a ring have the same stride, so a whole batch is filled with strided slices and read with one
`struct.iter_unpack`: no Python work a packet is needed to talk to the kernel.
"""

import ctypes
import errno
import os

MSG_DONTWAIT = 0x40
SIZE = 128

_libc = ctypes.CDLL(None, use_errno=True)


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MessageHeader(ctypes.Structure):
    """`struct mmsghdr` of Linux; the compiler's padding is ctypes' padding."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vector", ctypes.c_void_p),
        ("vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("__pad", ctypes.c_int),
        ("length", ctypes.c_uint32),
    )


class Ring:
    """`SIZE` message headers over one buffer of records; a record is name, control data and packet at fixed places.

    What of a packet goes beyond its place, `tail` bytes, is the same memory for all: nobody reads it.
    """

    def __init__(self, stride: int, name: tuple[int, int], control: tuple[int, int], packet: tuple[int, int], tail: int = 0) -> None:
        """Lay out the records; `name`, `control` and `packet` are (offset, length) within one."""
        self.stride = stride
        self.buffer = bytearray(stride * SIZE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
        self._tail = ctypes.create_string_buffer(tail)
        self._vectors = (_IoVec * (2 * SIZE))()
        self._headers = (_MessageHeader * SIZE)()
        for index in range(SIZE):
            record = start + index * stride
            self._vectors[2 * index] = _IoVec(record + packet[0], packet[1])
            self._vectors[2 * index + 1] = _IoVec(ctypes.addressof(self._tail), tail)
            header = self._headers[index]
            header.name, header.name_length = record + name[0], name[1]
            header.vector, header.vectors = ctypes.addressof(self._vectors[2 * index]), 2 if tail else 1
            header.control, header.control_length = (record + control[0], control[1]) if control[1] else (None, 0)
        self._fresh = bytes(self._headers)
        self._where = ctypes.addressof(self._headers)
        self._header_size = ctypes.sizeof(_MessageHeader)
        self._words = (ctypes.c_uint32 * (ctypes.sizeof(self._headers) // 4)).from_buffer(self._headers)

    def send(self, descriptor: int, first: int, count: int) -> int:
        """Send records `first` to `first + count`; return how many went out. Raises OSError when the first did not."""
        sent = _libc.sendmmsg(descriptor, ctypes.c_void_p(self._where + first * self._header_size), count, MSG_DONTWAIT)
        return sent if sent >= 0 else _fail()

    def receive(self, descriptor: int) -> int:
        """Fill records from the socket; return how many, 0 when nothing waits. Raises OSError (a pending error of the socket too)."""
        ctypes.memmove(self._where, self._fresh, len(self._fresh))
        got = _libc.recvmmsg(descriptor, ctypes.c_void_p(self._where), SIZE, MSG_DONTWAIT, None)
        if got >= 0:
            return int(got)
        if ctypes.get_errno() == errno.EAGAIN:
            return 0
        return _fail()

    def shorter(self, got: int, length: int) -> list[tuple[int, int]]:
        """Return (index, length) of those of the first `got` records whose packets are shorter than that."""
        step = self._header_size // 4
        lengths = self._words[_MessageHeader.length.offset // 4 : got * step : step]
        return [(index, each) for index, each in enumerate(lengths) if each < length] if min(lengths) < length else []


def _fail() -> int:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
