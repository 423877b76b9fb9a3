"""The links against the simulated house, over BACnet and over Modbus."""

from collections.abc import AsyncIterator
import dataclasses

import pytest

from custom_components.compute_heater.building.bacnet import BacnetDevice, BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_point import parse_points
from custom_components.compute_heater.building.points import PointRefusedError
from simulator.running import RunningHouse, Settings, running_house

from .conftest import UnitOf, always
from .test_bacnet_cov import Listener


@pytest.fixture
async def house() -> AsyncIterator[RunningHouse]:
    async with running_house(Settings()) as running:
        yield running


@pytest.fixture
async def points(
    stack: BacnetStack, house: RunningHouse
) -> tuple[BacnetDevice, dict[str, BacnetPoint]]:
    """Browse the house: its points by name, all that can be commanded ticked."""
    device = BacnetDevice(stack, house.addresses.bacnet, house.addresses.bacnet_device)
    found = [one.point for one in await device.browse()]
    return device, {
        one.name: dataclasses.replace(one, writable=one.commandable) for one in found
    }


async def test_every_point_of_the_house_is_read(
    points: tuple[BacnetDevice, dict[str, BacnetPoint]], house: RunningHouse
) -> None:
    device, by_name = points
    values = await device.read(by_name.values())
    assert None not in values.values()
    tank = by_name["DHW tank top"]
    assert tank.unit == "°C"
    assert values[tank.key] == pytest.approx(house.house.tank.top_c, abs=0.5)
    commandable = {name for name, point in by_name.items() if point.commandable}
    assert {"Heat demand", "DHW setpoint", "Operating mode"} <= commandable


async def test_heat_demand_reaches_us_at_once_and_can_be_commanded(
    points: tuple[BacnetDevice, dict[str, BacnetPoint]], house: RunningHouse
) -> None:
    device, by_name = points
    demand = dataclasses.replace(by_name["Heat demand"], priority=10)
    listener = Listener()
    subscription = device.subscribe([demand], listener)
    await listener.until(lambda: demand.key in listener.values)
    assert await device.write(demand, 80) == 80
    await listener.until_value(demand.key, 80)
    assert house.house.commands.heat_demand_percent.override == 80
    with pytest.raises(PointRefusedError, match="0 to 100"):
        await device.write(demand, 101)
    await device.relinquish(demand)
    assert house.house.commands.heat_demand_percent.override is None
    await subscription.close()


async def test_modbus_points_of_the_house(house: RunningHouse, unit_of: UnitOf) -> None:
    points = parse_points(
        [
            {
                "key": "tank", "space": "input", "address": 4,
                "data_type": "int16", "scale": 0.1, "unit": "°C",
            },
            {"key": "heat", "space": "input", "address": 24, "data_type": "float32"},
            {
                "key": "dhw", "space": "holding", "address": 0,
                "data_type": "int16", "scale": 0.1, "unit": "°C",
                "writable": True, "minimum": 30, "maximum": 60,
            },
            {"key": "none", "space": "input", "address": 17, "data_type": "uint16"},
        ]
    )  # fmt: skip
    port = int(house.addresses.modbus.rpartition(":")[2])
    device = ModbusDevice(always(unit_of(port, house.addresses.modbus_unit)), points)
    for _ in range(2):
        values = await device.read()
        assert values["tank"] == pytest.approx(house.house.tank.top_c, abs=0.6)
        assert values["heat"] is not None
        assert values["none"] is None
    assert await device.write(points[2], 53.5) == 53.5
    assert house.house.commands.dhw_setpoint_c.own == 53.5
