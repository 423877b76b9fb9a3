"""A site with one heater and one tank, and its Modbus server on loopback."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from typing import Any

from custom_components.compute_heater.gateway.gateway import Gateway, WriteEvent
from custom_components.compute_heater.gateway.guard import Guard
from custom_components.compute_heater.gateway.modbus import ModbusServer
from custom_components.compute_heater.gateway.points import (
    OfferedHeater,
    OfferedPoint,
    OfferedSink,
    Value,
    offered_points,
)
from custom_components.compute_heater.gateway.register_map import RegisterMap

HOST = "127.0.0.1"
HEATER, TANK = "heater", "tank"
NUMBERS = {HEATER: 1, TANK: 2}
READINGS: dict[str, Value | None] = {
    "site/heat_demand": 2.5,
    "site/thermal_power": 1.9,
    "site/available_power": None,
    "site/electrical_power": 2.0,
    "site/energy": 123456.7,
    "site/heat_energy": 100000.0,
    "site/commanded": False,
    "site/reason": "as planned",
    "heater/supply_temperature": 54.3,
    "heater/return_temperature": -1.5,
    "heater/flow": 6.4,
    "heater/thermal_power": 1.91,
    "heater/available_power": 2.85,
    "heater/electrical_power": 2.0,
    "heater/energy": 4321.5,
    "heater/heat_energy": None,
    "heater/fault": False,
    "heater/enabled": True,
    "heater/power_state": 3.0,
    "heater/reason": "as planned",
    "tank/temperature": 51.0,
    "tank/heat_demand": 0.0,
    "tank/state_of_charge": 80.5,
}


def points() -> list[OfferedPoint]:
    return offered_points(
        [OfferedHeater(heater_id=HEATER, name="Heater", max_supply_c=65.3)],
        [OfferedSink(sink_id=TANK, name="Tank")],
        max_heat_kw=3.0,
        commands=True,
    )


class Site:
    """The gateway, what it has told, and a clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.writes: list[WriteEvent] = []
        self.silent: list[str] = []
        self.commands = 0
        self.guard = Guard([IPv4Network("127.0.0.0/26")])
        self.gateway = Gateway(
            points(),
            self.guard,
            watchdog_s=60,
            on_command=self._note_command,
            on_write=self.writes.append,
            on_silent=self.silent.append,
        )
        self.gateway.update(READINGS, heeded=True)

    def _note_command(self) -> None:
        self.commands += 1

    @property
    def commanded(self) -> dict[str, Value]:
        """What is commanded, without what nobody commands."""
        return {
            key: commands.command
            for key in self.gateway.points
            if (commands := self.gateway.commands(key)) is not None
            and commands.command is not None
        }

    @asynccontextmanager
    async def served(
        self, clock: Callable[[], float] | None = None, **settings: Any
    ) -> AsyncIterator[ModbusServer]:
        """Run a server of the site."""
        server = ModbusServer(
            self.gateway,
            settings.pop("guard", self.guard),
            RegisterMap(points(), NUMBERS),
            host=HOST,
            port=0,
            clock=clock or (lambda: self.now),
            **settings,
        )
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
