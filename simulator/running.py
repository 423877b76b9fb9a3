"""A house that runs: physics by the clock, and every device that it shows itself by.

async with running_house(Settings()) as running:
running.addresses.bacnet, running.addresses.modbus, …
running.house.tank.top_c
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .bacnet_device import DEVICE_INSTANCE, BacnetDevice
from .counters import Counters
from .house import House
from .modbus_device import UNIT, ModbusDevice
from .parameters import DEMO, HouseParameters
from .pipe import Pipe
from .status import StatusServer

STEP_S = 1.0
SHORTEST_PAUSE_S = 0.05
MOST_LAG_S = 300.0
"""After a longer stall of the machine the house forgets the rest."""
STEPS_AT_ONCE = 50
"""Then others get a turn."""
STEPS_UNPUBLISHED = 600


class Heater(Protocol):
    """A compute heater in the same process, as ``compute_heater_agent`` simulates it."""

    heat_j: float
    """Heat handed to the heating water since its start."""

    @property
    def supply_c(self) -> float:
        """Hot outflow."""
        ...

    def step(self, dt_s: float, return_c: float, flow_lpm: float) -> None:
        """Let time pass with this inflow and flow."""
        ...


class _Device(Protocol):
    async def start(self, host: str, port: int) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which house, where and when; port 0 is a free one, a taken one is replaced."""

    parameters: HouseParameters = DEMO
    seed: int = 1
    host: str = "127.0.0.1"
    bacnet_port: int = 0
    modbus_port: int = 0
    pipe_port: int = 0
    status_port: int = 0
    start: datetime | None = None
    """Local time at the start; default now."""
    speed: float = 1.0
    """Seconds in the house per second of the clock."""
    extra_points: int = 0
    """Measured values beyond the house's own, to have many."""
    answer_delay_s: float = 0.0
    """How long BACnet and Modbus take for each answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a running house is found; ``host:port`` each."""

    bacnet: str
    modbus: str
    pipe: str
    status: str
    bacnet_device: int = DEVICE_INSTANCE
    modbus_unit: int = UNIT


class RunningHouse:
    """The house and its devices; made by ``running_house``."""

    def __init__(self, settings: Settings, heater: Heater | None = None) -> None:
        self.settings = settings
        self.counters = Counters()
        start = settings.start or datetime.now()
        self.house = House(
            settings.parameters, start=start.astimezone(), seed=settings.seed
        )
        self.task: asyncio.Task[None]
        """Lets time pass; ends only when the house breaks down."""
        self._heater = heater
        self._heater_j = 0.0 if heater is None else heater.heat_j
        self._pipe = Pipe(lambda: (self.house.return_c, self.house.loop.flow_lpm))
        self._bacnet = BacnetDevice(
            self.house,
            self.counters,
            extra_points=settings.extra_points,
            answer_delay_s=settings.answer_delay_s,
        )
        self._modbus = ModbusDevice(
            self.house,
            self.counters,
            self.publish,
            extra_points=settings.extra_points,
            answer_delay_s=settings.answer_delay_s,
        )
        self._status = StatusServer(
            self.house, self.counters, connected=lambda: self.heater_connected
        )

    @property
    def heater_connected(self) -> bool:
        """A compute heater is there, in this process or at the pipe."""
        return self._heater is not None or self._pipe.connected

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        host = self.settings.host
        return Addresses(
            bacnet=f"{host}:{self._bacnet.port}",
            modbus=f"{host}:{self._modbus.port}",
            pipe=f"{host}:{self._pipe.port}",
            status=f"http://{host}:{self._status.port}/status",
        )

    def publish(self) -> None:
        """Show the present state to BACnet readers and subscribers; Modbus is live."""
        self._bacnet.publish()

    def advance(self, dt_s: float) -> None:
        """Let ``dt_s`` pass at once."""
        while dt_s > 0:
            part = min(dt_s, STEP_S)
            self._step(part)
            dt_s -= part
        self.publish()

    def _step(self, dt_s: float) -> None:
        heat_j, supply_c = self._pipe.take(), self._pipe.supply_c
        if (heater := self._heater) is not None:
            heater.step(dt_s, self.house.return_c, self.house.loop.flow_lpm)
            heat_j += heater.heat_j - self._heater_j
            self._heater_j, supply_c = heater.heat_j, heater.supply_c
        self.house.step(dt_s, heat_j=heat_j, heater_supply_c=supply_c)

    async def _run(self) -> None:
        """Follow the clock until cancelled."""
        clock, speed = asyncio.get_running_loop().time, self.settings.speed
        begin, done_s = clock(), 0.0
        while True:
            lag_s = (clock() - begin) * speed - done_s
            if lag_s > MOST_LAG_S * speed:
                begin += (lag_s - MOST_LAG_S * speed) / speed
                lag_s = MOST_LAG_S * speed
            steps = min(int(lag_s / STEP_S), STEPS_UNPUBLISHED)
            for step in range(1, steps + 1):
                self._step(STEP_S)
                if step % STEPS_AT_ONCE == 0:
                    await asyncio.sleep(0)
            done_s += steps * STEP_S
            if steps:
                self.publish()
            due = begin + (done_s + STEP_S) / speed
            await asyncio.sleep(max(SHORTEST_PAUSE_S, due - clock()))

    async def start(self, stack: AsyncExitStack) -> None:
        """Open everything, let time pass; ``stack`` closes the devices.

        Raises OSError for a bad address.
        """
        settings = self.settings
        devices: tuple[tuple[_Device, int], ...] = (
            (self._bacnet, settings.bacnet_port),
            (self._modbus, settings.modbus_port),
            (self._pipe, settings.pipe_port),
            (self._status, settings.status_port),
        )
        for device, port in devices:
            stack.push_async_callback(device.stop)
            await device.start(settings.host, port)
        self.task = asyncio.create_task(self._run(), name="simulated house")


@asynccontextmanager
async def running_house(
    settings: Settings | None = None, *, heater: Heater | None = None
) -> AsyncIterator[RunningHouse]:
    """Run a house in this event loop until the block ends; leaves nothing behind.

    ``heater`` is stepped along with the house; others connect by the pipe. Raises
    OSError where the host's address cannot be used.
    """
    running = RunningHouse(settings or Settings(), heater)
    async with AsyncExitStack() as stack:
        await running.start(stack)
        try:
            yield running
        finally:
            # A house that broke down raises here.
            running.task.cancel()
            with suppress(asyncio.CancelledError):
                await running.task
