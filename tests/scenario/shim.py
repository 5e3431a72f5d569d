"""A disk that fails and a wall clock that jumps under a real daemon: a library preloaded into it (tests/support/shim.c)."""
import ctypes
import errno
import mmap
import os

from harness import BUILD, SLOW

LIBRARY = BUILD / "tests" / "support" / "libalmoner_shim.so"
WRITES, SYNCS = 1, 2


class ShimControl(ctypes.Structure):
    """As in tests/support/shim.c."""
    _fields_ = [("fail", ctypes.c_uint32), ("error", ctypes.c_int32), ("countdown", ctypes.c_int32), ("failed", ctypes.c_uint32),
                ("step_s", ctypes.c_int64), ("suffix", ctypes.c_char * 16)]


class Shim:
    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(ctypes.sizeof(ShimControl)))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.control = ShimControl.from_buffer(self.memory)

    def env(self):
        """Add it to the daemon's environment. A sanitizer wants to be the first library, and minds nothing else."""
        sanitizer = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"} if SLOW > 1 else {}
        return {"LD_PRELOAD": str(LIBRARY), "ALMONER_SHIM": str(self.path), **sanitizer}

    def inject_fault(self, operations, suffix, error=errno.EIO, after=0):
        """After `after` more operations on files whose names end with `suffix`, all of them fail."""
        self.control.fail = 0
        self.control.suffix, self.control.error, self.control.countdown, self.control.failed = suffix.encode(), error, after, 0
        self.control.fail = operations

    def clear_fault(self):
        self.control.fail = 0

    @property
    def failed(self):
        return self.control.failed

    def step_clock(self, seconds):
        """From now on the wall clock differs by `seconds`."""
        self.control.step_s = seconds
