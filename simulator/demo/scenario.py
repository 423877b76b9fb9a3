"""What happens in the demo: hot water is drawn again and again, and all is watched."""

import asyncio
from collections.abc import Callable
import contextlib
from dataclasses import dataclass, field
import time

from simulator.parameters import DEMO

from .children import Child
from .hass_client import HassClient, Json
from .installation import Installation
from .meters import HeaterMeters, Meters, redfish_writes
from .operator import Operator
from .stack import DemoStack

TANK_L, COLD_WATER_C = DEMO.tank.litres, DEMO.tank.cold_water_c
FIRST_DOWN_TO_C, DOWN_TO_C = 46.0, 44.5
"""So much is drawn that the tank, refilled with cold water, would have this on average.

Later there is more warm coolant from the time before, which makes good for less.
"""
FIRST_DRAW_OFF_S = 2.0
DRAW_OFF_EVERY_S = 300.0
SATISFIED_AFTER_S = 240.0
"""Time that the tank needs after a draw-off; none is begun later than this before the end."""
HIGH_POWER = 0.8
LOW_POWER = 0.2
"""Shares of the heater's maximum that count as working and as resting."""


@dataclass(slots=True)
class Cycle:
    """One draw-off and what it led to; seconds since the start of the run."""

    draw_off_s: float
    demand_up_s: float | None = None
    power_up_s: float | None = None
    demand_down_s: float | None = None
    power_down_s: float | None = None

    @property
    def is_complete(self) -> bool:
        """Both edges were seen, in this order."""
        return self.power_down_s is not None

    def follow(
        self, now_s: float, demand_kw: float, power_w: float, max_w: float
    ) -> None:
        """Note the next step of the cycle when it has been reached; none is skipped."""
        if self.demand_up_s is None:
            self.demand_up_s = now_s if demand_kw > 0 else None
        elif self.power_up_s is None:
            self.power_up_s = now_s if power_w >= HIGH_POWER * max_w else None
        elif self.demand_down_s is None:
            self.demand_down_s = now_s if demand_kw <= 0 else None
        elif self.power_down_s is None:
            self.power_down_s = now_s if power_w <= LOW_POWER * max_w else None


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """All meters at one moment."""

    house: Json
    heater: HeaterMeters
    writes: int


@dataclass(slots=True, kw_only=True)
class Record:
    """What was seen during a run."""

    max_power_w: float
    start: Snapshot
    end: Snapshot
    cycles: list[Cycle] = field(default_factory=list)
    power_max_w: float = 0.0
    power_end_w: float | None = None
    room_min_c: float
    tank_min_c: float
    state_changes: int = 0
    """Changes of the heater's measured power state."""


class Scenario:
    """Draws hot water, follows the consequences and prints how it goes."""

    def __init__(
        self, stack: DemoStack, installation: Installation, meters: Meters
    ) -> None:
        self.stack = stack
        self.client: HassClient = stack.client
        self.entity = installation.entity
        self.meters = meters
        self._record: Record
        self._begin = 0.0
        self._power_state = self.client.state(self.entity["power_state"])

    @property
    def elapsed_s(self) -> float:
        """Time since the start of the run."""
        return time.monotonic() - self._begin

    async def run(
        self, seconds: float | None, tell: Callable[[str], None], every_s: float
    ) -> Record:
        """Run for ``seconds``, or until cancelled; ``tell`` gets a line now and then."""
        start = await self._snapshot()
        self._begin = time.monotonic()
        self._record = Record(
            max_power_w=float(
                self.client.attribute(self.entity["power_limit"], "max") or 3000
            ),
            start=start,
            end=start,
            room_min_c=start.house["room_c"],
            tank_min_c=start.house["tank_mean_c"],
        )
        self.client.listeners.append(self._on_state)
        drawing = asyncio.create_task(self._draw_again_and_again(seconds))
        told = -every_s
        try:
            while seconds is None or self.elapsed_s < seconds:
                self.stack.check()
                if drawing.done():
                    drawing.result()
                house = await self.meters.house()
                self._watch(house)
                if self.elapsed_s - told >= every_s:
                    told = self.elapsed_s
                    tell(self._line(house))
                await asyncio.sleep(1)
        finally:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing
            self.client.listeners.remove(self._on_state)
        self._record.end = await self._snapshot()
        self._record.power_end_w = self._record.end.heater.power_w
        return self._record

    async def _snapshot(self) -> Snapshot:
        agent = self.stack.agent
        assert isinstance(agent, Child)
        return Snapshot(
            house=await self.meters.house(),
            heater=await self.meters.heater(),
            writes=len(redfish_writes(agent)),
        )

    async def _draw_again_and_again(self, seconds: float | None) -> None:
        async with Operator(self.stack.house_address.bacnet_port) as operator:
            await asyncio.sleep(FIRST_DRAW_OFF_S)
            while True:
                self._record.cycles.append(Cycle(self.elapsed_s))
                await operator.draw_off(await self._litres())
                left = None if seconds is None else seconds - self.elapsed_s
                if left is not None and left < DRAW_OFF_EVERY_S + SATISFIED_AFTER_S:
                    return
                await asyncio.sleep(DRAW_OFF_EVERY_S)

    async def _litres(self) -> float:
        down_to_c = DOWN_TO_C if len(self._record.cycles) > 1 else FIRST_DOWN_TO_C
        tank_c = (await self.meters.house())["tank_mean_c"]
        litres: float = TANK_L * (tank_c - down_to_c) / (tank_c - COLD_WATER_C)
        return max(0.5, litres)

    def _on_state(self, entity_id: str, state: Json | None) -> None:
        if entity_id == self.entity["power_state"] and state is not None:
            if self._power_state not in (None, state["state"]):
                self._record.state_changes += 1
            self._power_state = state["state"]
        if entity_id in (self.entity["power"], self.entity["demand"]):
            self._follow_edges()

    def _follow_edges(self) -> None:
        power = self.client.number(self.entity["power"])
        demand = self.client.number(self.entity["demand"])
        record = self._record
        if power is None or demand is None or not record.cycles:
            return
        record.power_max_w = max(record.power_max_w, power)
        record.cycles[-1].follow(self.elapsed_s, demand, power, record.max_power_w)

    def _watch(self, house: Json) -> None:
        self._record.room_min_c = min(self._record.room_min_c, house["room_c"])
        self._record.tank_min_c = min(self._record.tank_min_c, house["tank_mean_c"])

    def _line(self, house: Json) -> str:
        start = self._record.start.house
        compute = house["compute_heat_kwh"] - start["compute_heat_kwh"]
        backup = house["backup_heat_kwh"] - start["backup_heat_kwh"]
        share = (
            f"{100 * compute / (compute + backup):.0f} %" if compute + backup else "–"
        )
        state = self.client.state(self.entity["power_state"]) or "unavailable"
        shown = [
            time.strftime("%H:%M:%S"),
            f"tank {self._shown('tank_top', 1)} °C",
            f"room {self._shown('room_temperature', 1)} °C",
            f"demand {self._shown('demand', 1)} kW",
            f"heater {state:>7} {self._shown('power', 0)} W",
            f"{share} of the heat from computing",
        ]
        if house["tap_lpm"]:
            shown.append(f"tap {house['tap_lpm']:.0f} L/min")
        return "  ".join(shown)

    def _shown(self, name: str, digits: int) -> str:
        value = self.client.number(self.entity[name])
        return "–" if value is None else f"{value:.{digits}f}"
