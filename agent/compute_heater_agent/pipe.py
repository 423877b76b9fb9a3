"""The pipe to a simulated house: a connection that carries heat.

Every quarter of a second the agent tells the house its heat meter and gets back what
flows in. The meter only ever rises within one session, so no heat is lost or counted
twice when messages are lost. Without a house no water flows and no heat leaves.
"""

import asyncio
import json
import logging
import secrets
from typing import Any, Final

from .errors import AgentError
from .simulated import Rack

_LOGGER = logging.getLogger(__name__)

_INTERVAL_S: Final = 0.25
_ANSWER_TIMEOUT_S: Final = 2.0
_CONNECT_TIMEOUT_S: Final = 5.0
_RETRY_S: Final = 1.0


class PipeError(AgentError):
    """The house answered something that is not part of the protocol."""


class Pipe:
    """Client of the house; a Load for the rack."""

    def __init__(self, host: str, port: int, rack: Rack) -> None:
        self._host = host
        self._port = port
        self._rack = rack
        self._session = secrets.token_hex(8)
        self._return_c = rack.oil_c
        self._flow_lpm = 0.0
        self.connected = False

    def inflow(self, rack: Rack) -> tuple[float, float]:
        """Return what the house sent last; flow 0 while it does not answer."""
        return self._return_c, self._flow_lpm

    async def run(self) -> None:
        """Stay connected for ever."""
        while True:
            try:
                await self._exchange()
            except (OSError, TimeoutError, ValueError, PipeError) as err:
                if self.connected:
                    _LOGGER.warning("Lost the house: %s", err or type(err).__name__)
            finally:
                self.connected = False
                self._flow_lpm = 0.0
            await asyncio.sleep(_RETRY_S)

    async def _exchange(self) -> None:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            while True:
                async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                    writer.write(self._message())
                    await writer.drain()
                    line = await reader.readline()
                if not line:
                    raise PipeError("the house closed the connection")
                self._return_c, self._flow_lpm = _parse(line)
                if not self.connected:
                    self.connected = True
                    _LOGGER.info("Connected to the house")
                await asyncio.sleep(_INTERVAL_S)
        finally:
            writer.transport.abort()

    def _message(self) -> bytes:
        rack = self._rack
        values = {
            "heat_j": rack.heat_j,
            "supply_c": round(rack.supply_c, 4),
            "power_w": round(rack.power_w, 2),
            "session": self._session,
        }
        return json.dumps(values).encode() + b"\n"


def _parse(line: bytes) -> tuple[float, float]:
    answer: Any = json.loads(line)
    if not isinstance(answer, dict):
        raise PipeError("not an object")
    return_c, flow_lpm = _number(answer, "return_c"), _number(answer, "flow_lpm")
    if not -30 <= return_c <= 120 or not 0 <= flow_lpm <= 1000:
        raise PipeError(f"impossible inflow: {return_c} °C, {flow_lpm} L/min")
    return return_c, flow_lpm


def _number(answer: dict[str, Any], name: str) -> float:
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PipeError(f"{name} is not a number: {value!r}")
    return float(value)
