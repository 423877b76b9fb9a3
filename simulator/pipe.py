"""The pipe between house and compute heater, as far as a program can be one.

Not part of any product: real heaters and houses are joined by water. The house listens,
the heater's agent connects and sends a JSON line about every quarter of a second:
``{"heat_j", "supply_c", "power_w", "session"}``, where ``heat_j`` is the total heat
handed to the water since the agent's start and ``session`` names that start. The house
answers each line with ``{"return_c", "flow_lpm"}``. Differences of the total are
credited, so a lost line loses no heat.
"""

import asyncio
from collections.abc import Callable
import contextlib
import json
import logging
import math

from .ports import tcp_port

_LOGGER = logging.getLogger(__name__)

STALE_S = 2.0
MOST_BYTES = 4096


class Pipe:
    """Listens for agents; ``take`` hands out the heat that they have given off."""

    def __init__(self, answer: Callable[[], tuple[float, float]]) -> None:
        """``answer`` returns the temperature of the return in °C and the flow in L/min."""
        self.port = 0
        self._answer = answer
        self._pending_j = 0.0
        self._totals: dict[str, float] = {}
        self._supply_c: float | None = None
        self._heard = -math.inf
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def connected(self) -> bool:
        """An agent has spoken a moment ago."""
        return asyncio.get_running_loop().time() - self._heard < STALE_S

    @property
    def supply_c(self) -> float | None:
        """Hot outflow of the heater; None when no agent speaks."""
        return self._supply_c if self.connected else None

    def take(self) -> float:
        """Return the heat in J received since the last call."""
        heat_j, self._pending_j = self._pending_j, 0.0
        return heat_j

    async def start(self, host: str, port: int = 0) -> None:
        """Listen on ``host``, on a free port where ``port`` is taken or 0."""
        self.port = tcp_port(host, port)
        self._server = await asyncio.start_server(
            self._serve, host, self.port, limit=MOST_BYTES
        )

    async def stop(self) -> None:
        """Hang up."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()
        self._server = None

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        try:
            # Lines longer than the limit and lines that are no message end the call.
            while line := await reader.readline():
                self._receive(line)
                return_c, flow_lpm = self._answer()
                message = {"return_c": round(return_c, 4), "flow_lpm": flow_lpm}
                writer.write(json.dumps(message).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, KeyError, TypeError) as err:
            _LOGGER.debug("Pipe broken: %r", err)
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _receive(self, line: bytes) -> None:
        message = json.loads(line)
        session = str(message["session"])
        total_j = float(message["heat_j"])
        supply_c = float(message["supply_c"])
        if not (math.isfinite(total_j) and math.isfinite(supply_c)):
            raise ValueError("not a number")
        # A new session starts from its first value: what it gave off before went
        # elsewhere.
        self._pending_j += max(0.0, total_j - self._totals.get(session, total_j))
        self._totals[session] = total_j
        self._supply_c = supply_c
        self._heard = asyncio.get_running_loop().time()
