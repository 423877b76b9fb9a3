"""Readings beside Home Assistant: the house's status page and the heater's own meters."""

from dataclasses import dataclass
import re

import aiohttp

from .children import Child
from .errors import DemoError
from .hass_client import Json
from .stack import AgentAddress

_WRITE = re.compile(r"\b(PATCH|POST|PUT|DELETE) (/redfish/v1/\S+)")
_LOGIN = "/redfish/v1/SessionService/Sessions"


class Meters:
    """Reads what Home Assistant cannot influence."""

    def __init__(self, status_url: str, agent: AgentAddress) -> None:
        self._status_url = status_url
        self._agent = agent
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def house(self) -> Json:
        """Return the house's status: temperatures °C, energies kWh, counters."""
        return await self._get(self._status_url, None)

    async def heater(self) -> HeaterMeters:
        """Return the heater's meters by Redfish. An authenticated read renews its lease."""
        login = aiohttp.encode_basic_auth(self._agent.user, self._agent.password)
        chassis = f"{self._agent.url}/redfish/v1/Chassis/Rack"
        metrics = await self._get(f"{chassis}/EnvironmentMetrics", login)
        heat = await self._get(f"{chassis}/Sensors/HeatDelivered", login)
        return HeaterMeters(
            electricity_kwh=metrics["EnergykWh"]["Reading"],
            heat_kwh=heat["Reading"],
            power_w=metrics["PowerWatts"]["Reading"],
            cap_w=metrics["PowerLimitWatts"]["SetPoint"],
            coolant_c=metrics["TemperatureCelsius"]["Reading"],
        )

    async def _get(self, url: str, login: str | None) -> Json:
        headers = {} if login is None else {"Authorization": login}
        try:
            async with self._session.get(url, headers=headers) as response:
                response.raise_for_status()
                answer: Json = await response.json()
                return answer
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise DemoError(f"{url}: {error!r}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterMeters:
    """Energies since the heater's start, the rest now."""

    electricity_kwh: float
    heat_kwh: float
    power_w: float
    cap_w: float
    coolant_c: float


def redfish_writes(agent: Child) -> list[str]:
    """Return what was written to the heater, from its own log; logins do not count."""
    return [
        f"{method} {path}"
        for method, path in _WRITE.findall(agent.output())
        if not path.startswith(_LOGIN)
    ]
