"""The Linux calls that Python 3.11 does not bring: unshare(2), setns(2), mount(2), prctl(2). All raise OSError."""

import ctypes
import os
import signal
import threading

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x2, 0x4, 0x8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x4_0000

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _done(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones (of this thread, for the network)."""
    _done(_libc.unshare(flags), "unshare")


def enter(namespace: int) -> None:
    """Take this thread into the network namespace behind a file descriptor."""
    _done(_libc.setns(namespace, CLONE_NEWNET), "setns")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount a file system."""
    _done(_libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def keep_mounts_to_ourselves() -> None:
    """Let no mount made here be seen outside; in a chroot `/` is no mount point, then it is done for /proc."""
    try:
        mount("none", "/", "", MS_REC | MS_PRIVATE)
    except OSError:
        mount("none", "/proc", "", MS_REC | MS_PRIVATE)


def die_with_parent() -> None:
    """Be killed when the thread that forked us ends, however it ends."""
    _done(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def thread_namespace() -> int:
    """Return a file descriptor that holds this thread's network namespace."""
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
