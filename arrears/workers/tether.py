"""Runs a command that does not outlive the process that wanted it: ``python tether.py PARENT COMMAND [ARGUMENT…]``.

A parent killed with -9 can stop nobody, so the kernel has to (Linux), or a small watcher beside the command (elsewhere). Standard library only: this
file is run by its path, without our packages, to cost no time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY = 0.5


def _bind_to_parent(parent: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before we asked
        raise SystemExit(1)


def _watch(parent: int, command: list[str]) -> int:
    child = subprocess.Popen(command)  # noqa: S603 (the command is ours)

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, forward)
    while True:
        try:
            return child.wait(_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()


if __name__ == "__main__":
    wanted_by, wanted = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        _bind_to_parent(wanted_by)
        os.execvp(wanted[0], wanted)  # noqa: S606 (no shell is wanted)
    raise SystemExit(_watch(wanted_by, wanted))
