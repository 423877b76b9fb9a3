"""Free ports of the loopback interface."""

import socket


class ReservedPort:
    """A free TCP port that nobody else is given while this object holds it.

    The socket is bound but does not listen, so a server that sets SO_REUSEADDR (as
    asyncio's do) can take the port over at any time; until then it refuses connections.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Let the port go."""
        self._socket.close()


def free_udp_port() -> int:
    """Return a UDP port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
