"""Free ports on the local machine."""

import socket


def udp_port(host: str, wanted: int = 0) -> int:
    """Return ``wanted`` if a plain socket can bind it, else a free port.

    A plain socket on purpose: bacpypes3 shares a port with others without an error.
    """
    return _port(host, wanted, socket.SOCK_DGRAM)


def tcp_port(host: str, wanted: int = 0) -> int:
    """Return ``wanted`` if it can be listened on, else a free port."""
    return _port(host, wanted, socket.SOCK_STREAM)


def _port(host: str, wanted: int, kind: socket.SocketKind) -> int:
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, kind) as sock:
            if kind is socket.SOCK_STREAM:
                # Connections that closed a moment ago do not take the port.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((host, port))
            except OSError:
                if port == 0:
                    raise
                continue
            return int(sock.getsockname()[1])
    raise AssertionError("unreachable")
