"""What reading in blocks is worth: our update of a device against one read per point."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
import json
from pathlib import Path
from statistics import median
import sys
import time

from bacpypes3.pdu import Address
from modbus_connection import ModbusTcpParams
from modbus_connection.tmodbus import ModbusConnection

from custom_components.compute_heater.building.bacnet import BacnetDevice, BacnetPoint
from custom_components.compute_heater.building.bacnet_apdu import (
    READ_PROPERTY,
    Ref,
    property_of,
    read_property,
)
from custom_components.compute_heater.building.bacnet_objects import (
    PRESENT_VALUE,
    decode as decode_property,
)
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_codec import decode
from custom_components.compute_heater.building.modbus_point import (
    ModbusPoint,
    parse_points,
)
from custom_components.compute_heater.building.points import Value
from simulator.extra_points import FIRST_INSTANCE, FIRST_REGISTER, REGISTERS_EACH
from simulator.ports import udp_port

from .rows import Row, at_least, fact

BACNET_POINTS = (200, 1000)
MODBUS_POINTS, MODBUS_PITCH = 50, 10
"""Floats of two registers each, and the way from one to the next."""
DELAYS_MS = (0, 20)
LEAST_ROUNDS, MOST_ROUNDS, ENOUGH_S = 3, 25, 10.0
TARGETS = {
    ("BACnet", 1000, 0): 3.0,
    ("BACnet", 1000, 20): 15.0,
    ("Modbus", 50, 0): 8.0,
    ("Modbus", 50, 20): 10.0,
}
"""Times faster, by bus, points and the device's time for an answer."""
START_S = 60.0

type Values = dict[str, Value | None]


@dataclass(frozen=True, slots=True)
class Update:
    """What reading all points once brought and took."""

    values: Values
    requests: int


type Way = Callable[[], Awaitable[Update]]


@asynccontextmanager
async def running_house(delay_ms: int) -> AsyncIterator[dict[str, str]]:
    """Run the simulated house in a process of its own; yields its addresses."""
    registers = MODBUS_POINTS * MODBUS_PITCH
    extra = max(*BACNET_POINTS, -(-registers // REGISTERS_EACH))
    options = ["--json", "--no-agent", "--house", "demo"]
    options += ["--extra-points", str(extra), "--answer-delay", str(delay_ms)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        *options,
        cwd=Path(__file__).parents[1],
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        yield json.loads(line)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def compare(
    bus: str, points: int, delay_ms: int, ours: Way, rival: Way
) -> list[Row]:
    """Take the time of both ways by turns, so that both meet the same machine."""
    ways = {"our update": ours, "one read per point": rival}
    times_ms: dict[str, list[float]] = {name: [] for name in ways}
    requests: dict[str, int] = {}
    begin = time.perf_counter()
    for number in range(1, MOST_ROUNDS + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            update = await way()
            times_ms[name].append(1000 * (time.perf_counter() - started))
            requests[name] = update.requests
            if len(update.values) != points or None in update.values.values():
                raise RuntimeError(f"{name} did not read all {points} points of {bus}")
        if number >= LEAST_ROUNDS and time.perf_counter() - begin > ENOUGH_S:
            break
    title = f"{bus}, {points:,} points, {delay_ms} ms"
    rows = [
        fact(
            f"{title}: {name}",
            median(times_ms[name]),
            "ms",
            {
                "min": min(times_ms[name]),
                "requests": requests[name],
                "rounds": len(times_ms[name]),
            },
        )
        for name in ways
    ]
    ratio = rows[1].value / rows[0].value
    target = TARGETS.get((bus, points, delay_ms))
    if target is None:
        rows.append(fact(f"{title}: times faster", ratio, "×"))
    else:
        rows.append(at_least(f"{title}: times faster", ratio, "×", target))
    return rows


async def bacnet_rows(addresses: dict[str, str], delay_ms: int) -> list[Row]:
    """Compare the ways over BACnet, for each number of points."""
    stack = BacnetStack(f"127.0.0.1/8:{udp_port('127.0.0.1')}")
    await stack.start()
    rows: list[Row] = []
    try:
        device = BacnetDevice(stack, addresses["bacnet"])
        address = Address(addresses["bacnet"])
        for count in BACNET_POINTS:
            points = [
                BacnetPoint.from_dict(
                    {"object_type": "analog-input", "instance": FIRST_INSTANCE + number}
                )
                for number in range(count)
            ]
            # The first update gets to know the device.
            await device.read(points)
            rows += await compare(
                "BACnet",
                count,
                delay_ms,
                partial(_bacnet_update, device, points),
                partial(_bacnet_singles, stack, address, points),
            )
    finally:
        await stack.close()
    return rows


async def _bacnet_update(device: BacnetDevice, points: list[BacnetPoint]) -> Update:
    before = device.reads
    values = await device.read(points)
    return Update(values, device.reads - before)


async def _bacnet_singles(
    stack: BacnetStack, address: Address, points: list[BacnetPoint]
) -> Update:
    values: Values = {}
    for point in points:
        request = read_property(Ref(point.object_id, PRESENT_VALUE))
        answer = await stack.request(address, READ_PROPERTY, request)
        _, (value,) = property_of(answer)
        values[point.key] = decode_property(point.object_kind, value)
    return Update(values, len(points))


async def modbus_rows(addresses: dict[str, str], delay_ms: int) -> list[Row]:
    """Compare the ways over Modbus TCP."""
    host, _, port = addresses["modbus"].rpartition(":")
    points = parse_points(
        {
            "space": "input",
            "address": FIRST_REGISTER + MODBUS_PITCH * number,
            "data_type": "float32",
        }
        for number in range(MODBUS_POINTS)
    )
    connection = ModbusConnection(ModbusTcpParams(host=host, port=int(port)))
    unit = connection.for_unit(int(addresses["modbus_unit"]))
    device = ModbusDevice(lambda _: unit, points)

    async def update() -> Update:
        before = device.reads
        values = await device.read()
        return Update(values, device.reads - before)

    async def one(point: ModbusPoint) -> Value | None:
        return decode(
            point,
            await unit.read_input_registers(point.address, point.data_type.words),
        )

    async def singles() -> Update:
        return Update({point.key: await one(point) for point in points}, len(points))

    try:
        return await compare("Modbus", len(points), delay_ms, update, singles)
    finally:
        await connection.close()


async def _measure() -> list[Row]:
    rows: list[Row] = []
    for delay_ms in DELAYS_MS:
        async with running_house(delay_ms) as addresses:
            rows += await bacnet_rows(addresses, delay_ms)
            rows += await modbus_rows(addresses, delay_ms)
    return rows


def measure() -> Sequence[Row]:
    """How much faster than one read per point a whole device is read over its link.

    Median over rounds that take both ways by turns, against the simulated house in a
    process of its own that answers each request after 0 or 20 ms. BACnet: our update
    reads present-value, status-flags and, where there is one, reliability of each
    point; one read per point (ReadProperty through the same stack, one after another)
    reads the present-value only, to our disadvantage. At 0 ms nearly all of the time
    is the work of the house's own stack. Modbus: float32 points spread over ten times
    as many registers, in blocks of at most 125; one read per point is what Home
    Assistant's own integration does.
    """
    return asyncio.run(_measure())
