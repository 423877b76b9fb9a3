"""Run a command that dies with the process that started it.

``python -m simulator.demo.tether PARENT_PID COMMAND…`` replaces itself by COMMAND. When
the parent is killed outright, no code of it can end its children; the kernel does
(Linux: PR_SET_PDEATHSIG). Elsewhere the command just runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
