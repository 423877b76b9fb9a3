"""BACnet links against bac-py, an independent stack."""

import dataclasses

import pytest

from custom_components.compute_heater.building.bacnet import BacnetDevice, BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.points import PointRefusedError

from .test_bacnet_cov import Listener


async def points_of(device: BacnetDevice) -> dict[str, BacnetPoint]:
    """Browse and tick everything."""
    points = {}
    for found in await device.browse():
        point = dataclasses.replace(found.point, writable=True)
        if point.kind == "analog":
            point = dataclasses.replace(point, minimum=-1000, maximum=1000)
        points[point.key] = point
    return points


async def test_browse_read_command_and_give_up(stack: BacnetStack, bac_py: str) -> None:
    device = BacnetDevice(stack, bac_py, 4001)
    points = await points_of(device)
    assert points["analog-input,1"].name == "Warmwasser °C"
    assert points["analog-input,1"].unit == "°C"
    assert {key for key, point in points.items() if point.commandable} == {
        "analog-output,1",
        "analog-value,1",
        "binary-value,1",
        "multi-state-value,1",
    }
    values = await device.read(points.values())
    assert values["analog-input,1"] == 51.5
    assert values["analog-value,1"] == 100
    assert values["binary-value,1"] is False
    power = points["analog-value,1"]
    at_9, at_10, at_12 = (
        dataclasses.replace(power, priority=number) for number in (9, 10, 12)
    )
    assert await device.write(at_10, 321) == 321
    assert await device.write(at_9, 300) == 300
    with pytest.raises(PointRefusedError, match="priority 9 holds 300"):
        await device.write(at_12, 200)
    await device.relinquish(at_9)
    assert (await device.read([power]))[power.key] == 321
    await device.relinquish(at_10)
    assert (await device.read([power]))[power.key] == 200
    await device.relinquish(at_12)
    assert await device.write(points["binary-value,1"], True) is True
    assert await device.write(points["multi-state-value,1"], 3) == 3
    plain = points["analog-value,2"]
    assert await device.write(plain, 7, restore=5.0) == 7
    with pytest.raises(PointRefusedError):
        await device.write(
            dataclasses.replace(points["analog-input,1"], commandable=True), 1
        )


async def test_changes_are_reported(stack: BacnetStack, bac_py: str) -> None:
    device = BacnetDevice(stack, bac_py, 4001)
    points = await points_of(device)
    power = points["analog-value,1"]
    listener = Listener()
    subscription = device.subscribe([power], listener)
    await listener.until_value(power.key, 100)
    await device.write(power, 500)
    await listener.until_value(power.key, 500)
    assert subscription.active == {power.key}
    await subscription.close()
