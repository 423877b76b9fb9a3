"""What mbpoll, a foreign Modbus client, and we see of the simulated house is the same."""

import asyncio
from collections.abc import AsyncIterator
import re
import shutil

import pytest

from custom_components.compute_heater.building.modbus_point import (
    ModbusPoint,
    parse_points,
)
from custom_components.compute_heater.building.points import PointRefusedError
from simulator.modbus_map import COILS, DISCRETE_INPUTS, INPUT_REGISTERS
from simulator.running import RunningHouse, Settings, running_house

from .link_to import link_to

pytestmark = pytest.mark.skipif(
    shutil.which("mbpoll") is None, reason="mbpoll is not installed"
)

COIL, DISCRETE, INPUT, FLOAT, HOLDING = "0", "1", "3", "3:float", "4"
_LINE = re.compile(r"^\[(\d+)\]:\s+(\S+)(?: \((-?\d+)\))?$", re.MULTILINE)

SETPOINT, ROOM, PUMP = parse_points(
    [
        {
            "key": "setpoint", "space": "holding", "address": 0, "data_type": "int16",
            "scale": 0.1, "writable": True, "minimum": 30, "maximum": 70,
        },
        {
            "key": "room", "space": "holding", "address": 1, "data_type": "int16",
            "scale": 0.1, "writable": True, "minimum": 15, "maximum": 26,
            "write_multiple": True,
        },
        {"key": "pump", "space": "coil", "address": 0, "writable": True},
    ]
)  # fmt: skip


@pytest.fixture
async def house() -> AsyncIterator[RunningHouse]:
    async with running_house(Settings()) as running:
        # Only commands may change what both look at.
        running.task.cancel()
        yield running


def port_of(house: RunningHouse) -> int:
    return int(house.addresses.modbus.rpartition(":")[2])


async def mbpoll(
    house: RunningHouse, table: str, address: int, *values: str, count: int = 1
) -> dict[int, float]:
    """Poll once, or write; the numbers by address, signed where they may be."""
    options = ["-m", "tcp", "-a", "1", "-0", "-1", "-o", "5", "-t", table]
    options += ["-r", str(address), "-p", str(port_of(house))]
    options += ["127.0.0.1", *values] if values else ["-B", "-c", str(count)]
    options += [] if values else ["127.0.0.1"]
    process = await asyncio.create_subprocess_exec(
        "mbpoll", *options, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return {
        int(where): float(signed or shown)
        for where, shown, signed in _LINE.findall(output.decode())
    }


async def test_both_read_the_same(house: RunningHouse) -> None:
    """Every register of the house, in each of the four tables."""
    house.house.account.compute_j = 12.5 * 3.6e6
    words = [a for a, one in INPUT_REGISTERS.items() if one.encoding != "float32"]
    floats = [a for a in INPUT_REGISTERS if a not in words]
    points = parse_points(
        [{"space": "coil", "address": a} for a in COILS]
        + [{"space": "discrete", "address": a} for a in DISCRETE_INPUTS]
        + [{"space": "input", "address": a, "data_type": "int16"} for a in words]
        + [{"space": "input", "address": a, "data_type": "float32"} for a in floats]
        + [{"space": "holding", "address": a, "data_type": "int16"} for a in range(3)]
    )
    async with link_to({"port": port_of(house)}, points) as device:
        ours = await device.read()
    theirs: dict[str, float] = {}
    for space, table, first, count in (
        ("coil", COIL, 0, len(COILS)),
        ("discrete", DISCRETE, 0, len(DISCRETE_INPUTS)),
        ("input", INPUT, 0, len(words)),
        ("input", FLOAT, floats[0], len(floats)),
        ("holding", HOLDING, 0, 3),
    ):
        shown = await mbpoll(house, table, first, count=count)
        theirs |= {f"{space}-{address}": value for address, value in shown.items()}
    assert None not in ours.values()
    numbers = {key: float(value or 0) for key, value in ours.items()}
    assert theirs == pytest.approx(numbers, rel=1e-5)
    assert theirs["input-30"] == 12.5


@pytest.mark.parametrize(
    ("point", "table", "value", "raw"),
    [(SETPOINT, HOLDING, 48.5, 485), (ROOM, HOLDING, 19.5, 195), (PUMP, COIL, True, 1)],
)
async def test_each_reads_what_the_other_wrote(
    house: RunningHouse, point: ModbusPoint, table: str, value: float, raw: int
) -> None:
    async with link_to({"port": port_of(house)}, [point]) as device:
        assert await device.write(point, value) == value
        assert await mbpoll(house, table, point.address) == {point.address: raw}
        theirs = 0 if table == COIL else raw + 10
        await mbpoll(house, table, point.address, str(theirs))
        assert await device.read() == {point.key: theirs * point.scale}


async def test_refused_write_changes_nothing(house: RunningHouse) -> None:
    async with link_to({"port": port_of(house)}, [SETPOINT]) as device:
        with pytest.raises(PointRefusedError):
            await device.write(SETPOINT, 69)
    assert await mbpoll(house, HOLDING, 0) == {0: 500}
