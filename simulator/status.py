"""Status channel: what reports want to know and no building would tell.

The integration never sees it. ``GET /status`` returns one JSON object.
"""

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from .counters import Counters
from .house import House
from .ports import tcp_port


def status_of(
    house: House, counters: Counters, *, connected: bool
) -> dict[str, object]:
    """Return everything; temperatures in °C, powers in W, energies in kWh."""
    commands = house.commands
    return {
        "time": house.time.isoformat(),
        "elapsed_s": house.elapsed_s,
        "heater_connected": connected,
        "tank_top_c": house.tank.top_c,
        "tank_bottom_c": house.tank.bottom_c,
        "tank_mean_c": house.tank.mean_c,
        "room_c": house.floor.room_c,
        "screed_c": house.floor.screed_c,
        "buffer_c": house.floor.buffer_c,
        "floor_supply_c": house.floor.supply_c,
        "floor_return_c": house.floor.return_c,
        "outdoor_c": house.conditions.outdoor_c,
        "supply_c": house.supply_c,
        "return_c": house.return_c,
        "flow_lpm": house.loop.flow_lpm,
        "valve_position": house.loop.valve_position,
        "protecting": house.loop.protecting,
        "dhw_setpoint_c": commands.dhw_setpoint_c.value,
        "room_setpoint_c": commands.room_setpoint_c.value,
        "heat_demand_percent": commands.heat_demand_percent.value,
        "tap_lpm": house.tap_lpm,
        "dhw_request": house.dhw_request,
        "heat_pump": house.heat_pump.status.name.lower(),
        "heat_pump_starts": house.heat_pump.starts,
        "compute_power_w": house.compute_power_w,
        "pv_power_w": house.pv_power_w,
        "price_per_kwh": house.price_per_kwh,
        "compute_heat_kwh": house.account.compute_kwh,
        "backup_heat_kwh": house.heat_pump.heat_kwh,
        "backup_electricity_kwh": house.heat_pump.electricity_kwh,
        "drawn_heat_kwh": house.account.drawn_kwh,
        "drawn_l": house.account.drawn_l,
        "comfort_violation_kh": house.account.comfort_violation_kh,
        **asdict(counters),
    }


class StatusServer:
    """A small web server."""

    def __init__(
        self, house: House, counters: Counters, *, connected: Callable[[], bool]
    ) -> None:
        self.port = 0
        self._connected = connected
        self._house = house
        self._counters = counters
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int = 0) -> None:
        """Listen on ``host``, on a free port where ``port`` is taken or 0."""
        self.port = tcp_port(host, port)
        app = web.Application()
        app.router.add_get("/status", self._get)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, self.port).start()

    async def stop(self) -> None:
        """Close the server."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(
            status_of(self._house, self._counters, connected=self._connected())
        )
