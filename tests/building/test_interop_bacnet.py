"""bac-py beside us: at the simulated house, at its own server, and at our device."""

import asyncio
from collections.abc import AsyncIterator
import dataclasses
from typing import Any

from bac_py import Client, decode_cov_values
from bac_py.network.address import BACnetAddress
from bac_py.services.errors import BACnetError
import pytest

from custom_components.compute_heater.building.bacnet import BacnetDevice, BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.points import PointRefusedError
from simulator.running import RunningHouse, Settings, running_house

from .test_bacnet_cov import Listener

DEMAND = BacnetPoint.from_dict(
    {
        "object_type": "analog-value", "instance": 3, "commandable": True,
        "writable": True, "minimum": 0, "maximum": 100, "priority": 14,
    }
)  # fmt: skip
ENABLE = BacnetPoint.from_dict(
    {
        "object_type": "binary-value", "instance": 1, "commandable": True,
        "writable": True,
    }
)  # fmt: skip
MODE = BacnetPoint.from_dict(
    {
        "object_type": "multi-state-value", "instance": 1, "commandable": True,
        "writable": True, "states": ["Off", "Heating", "DHW", "Auto"],
    }
)  # fmt: skip


@pytest.fixture
async def house() -> AsyncIterator[RunningHouse]:
    async with running_house(Settings()) as running:
        running.task.cancel()
        yield running


@pytest.fixture
def device(stack: BacnetStack, house: RunningHouse) -> BacnetDevice:
    return BacnetDevice(stack, house.addresses.bacnet, house.addresses.bacnet_device)


async def slots(client: Client, address: str, name: str) -> dict[int, Any]:
    """Return what is commanded, by priority."""
    array = await client.read(address, name, "priority-array")
    return {place: value for place, value in enumerate(array, 1) if value is not None}


async def test_bac_py_sees_what_we_command(
    device: BacnetDevice, house: RunningHouse, bacnet: Client
) -> None:
    """At our priority, and gone again when we give up."""
    address = house.addresses.bacnet
    for point, name, value, shown in (
        (DEMAND, "av,3", 62.5, 62.5),
        (ENABLE, "bv,1", False, 0),
        (MODE, "msv,1", 2, 2),
    ):
        before = await bacnet.read(address, name, "pv")
        assert before != shown
        assert await device.write(point, value) == value
        assert await bacnet.read(address, name, "pv") == shown
        assert await slots(bacnet, address, name) == {point.priority: shown}
        await device.relinquish(point)
        assert await bacnet.read(address, name, "pv") == before
        assert await slots(bacnet, address, name) == {}


async def test_bac_py_above_us_and_gone_again(
    device: BacnetDevice, house: RunningHouse, bacnet: Client
) -> None:
    """An operator's command wins and is named; ours holds when it is given up."""
    address = house.addresses.bacnet
    await bacnet.write(address, "av,3", "pv", 10.0, priority=8)
    with pytest.raises(PointRefusedError, match="priority 8 .* holds 10") as refused:
        await device.write(DEMAND, 80)
    assert refused.value.command_stays
    assert await slots(bacnet, address, "av,3") == {8: 10.0, 14: 80.0}
    await bacnet.write(address, "av,3", "pv", None, priority=8)
    assert await device.read([DEMAND]) == {DEMAND.key: 80.0}
    await bacnet.write(address, "av,3", "pv", 5.0, priority=16)
    assert await device.read([DEMAND]) == {DEMAND.key: 80.0}
    assert await device.relinquish(DEMAND) == 5.0


async def test_both_are_told_of_each_others_commands(
    device: BacnetDevice, house: RunningHouse, bacnet: Client
) -> None:
    """COV of the house to bac-py while we command, and to us while bac-py does."""
    address = house.addresses.bacnet
    heard: asyncio.Queue[float] = asyncio.Queue()

    def note(notice: Any, _source: BACnetAddress) -> None:
        heard.put_nowait(decode_cov_values(notice)["present-value"])

    async def until(value: float) -> None:
        async with asyncio.timeout(5):
            while await heard.get() != value:
                pass

    await bacnet.subscribe_cov_ex(
        address, "av,3", process_id=1, callback=note, confirmed=False, lifetime=60
    )
    listener = Listener()
    subscription = device.subscribe([DEMAND], listener)
    await listener.until(lambda: DEMAND.key in listener.values)
    for value in (30.0, 60.0):
        await device.write(DEMAND, value)
        await until(value)
        await listener.until_value(DEMAND.key, value)
    await bacnet.write(address, "av,3", "pv", 90.0, priority=9)
    await until(90)
    await listener.until_value(DEMAND.key, 90)
    await subscription.close()


async def test_bac_py_sees_what_we_write_to_its_own_server(
    stack: BacnetStack, bac_py: str, bacnet: Client
) -> None:
    """Peer and observer are both foreign here."""
    device = BacnetDevice(stack, bac_py, 4001)
    power = dataclasses.replace(
        DEMAND, key="power", instance=1, minimum=0, maximum=5000, priority=16
    )
    assert await device.write(power, 1250) == 1250
    assert await bacnet.read(bac_py, "av,1", "pv") == 1250
    assert await slots(bacnet, bac_py, "av,1") == {16: 1250}
    await bacnet.write(bac_py, "av,1", "pv", 700.0, priority=10)
    assert await device.read([power]) == {"power": 700}
    assert await device.relinquish(power) == 700
    assert await slots(bacnet, bac_py, "av,1") == {10: 700}


async def test_our_own_device_as_bac_py_sees_it(
    stack: BacnetStack, bacnet: Client
) -> None:
    """It answers for itself, and lets nobody write."""
    found = await bacnet.who_is(destination=stack.endpoint, timeout=1)
    assert [one.object_identifier.instance_number for one in found] == [stack.instance]
    own = f"device,{stack.instance}"
    assert await bacnet.read(stack.endpoint, own, "vendor-name") == "Compute Heater"
    answer = await bacnet.read_multiple(
        stack.endpoint, {own: ["object-name", "max-apdu-length-accepted"]}
    )
    (properties,) = answer.values()
    assert str(stack.instance) in properties["object-name"]
    with pytest.raises(BACnetError):
        await bacnet.write(stack.endpoint, own, "object-name", "mine")
    assert str(stack.instance) in await bacnet.read(stack.endpoint, own, "object-name")
