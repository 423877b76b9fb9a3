"""Commanding BACnet controllers."""

import asyncio
import dataclasses
from typing import Any

from bacpypes3.primitivedata import Real
import pytest

from custom_components.compute_heater.building.bacnet import BacnetDevice
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.points import (
    LinkConnectionError,
    PointConfigError,
    PointRefusedError,
)

from .bacnet_peer import BacnetPeer
from .raw_bacnet import ABORT_BY_SERVER, RawPeer, as_device


def point(kind: str, instance: int, **more: Any) -> BacnetPoint:
    return BacnetPoint.from_dict(
        {"object_type": kind, "instance": instance, "writable": True} | more
    )


POWER = point(
    "analog-value", 1, name="Leistung", minimum=0, maximum=3000, commandable=True
)
SETPOINT = point("analog-value", 2, name="Sollwert", minimum=20, maximum=65)
ENABLE = point("binary-value", 1, name="Freigabe", commandable=True)
LEVEL = point(
    "multi-state-value", 1, name="Stufe", commandable=True,
    states=["off", "eco", "normal", "boost"],
)  # fmt: skip
SENSOR = point(
    "analog-input", 1, name="Fühler", minimum=0, maximum=99, commandable=True
)


def priorities(peer: BacnetPeer, kind: str = "analog-value") -> dict[int, Any]:
    array = peer.object(kind, 1).priorityArray
    return {
        number: getattr(entry, entry._choice)
        for number, entry in enumerate(array, 1)
        if entry.null is None
    }


@pytest.mark.parametrize(
    ("target", "value"), [(POWER, 1800.5), (ENABLE, False), (LEVEL, 3), (LEVEL, 1.0)]
)
async def test_command_is_read_back(
    device: BacnetDevice, bacnet_peer: BacnetPeer, target: BacnetPoint, value: float
) -> None:
    assert await device.write(target, value) == value
    assert priorities(bacnet_peer, target.object_type) == {16: value}
    assert await device.read([target]) == {target.key: value}
    assert device.writes == 1


async def test_priorities_and_giving_up(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    at_12, at_9 = (dataclasses.replace(POWER, priority=number) for number in (12, 9))
    assert await device.write(at_12, 1000) == 1000
    assert await device.write(at_9, 2000) == 2000
    assert priorities(bacnet_peer) == {9: 2000, 12: 1000}
    assert await device.relinquish(at_9) == 1000
    assert await device.relinquish(at_12) == 1500
    assert priorities(bacnet_peer) == {}
    # Giving up twice, or what was never held, changes nothing.
    assert await device.relinquish(at_12) == 1500


@pytest.mark.parametrize(
    ("winner", "who"), [(8, "priority 8 \\(manual operator\\)"), (15, "priority 15")]
)
async def test_conflict_names_the_winner_and_the_command_stays(
    device: BacnetDevice, bacnet_peer: BacnetPeer, winner: int, who: str
) -> None:
    await bacnet_peer.object("analog-value", 1).write_property(
        "presentValue", Real(500.0), priority=winner
    )
    with pytest.raises(PointRefusedError, match=f"{who} holds 500") as caught:
        await device.write(POWER, 1800)
    assert caught.value.command_stays
    assert priorities(bacnet_peer) == {winner: 500, 16: 1800}
    assert await device.relinquish(POWER) == 500
    assert priorities(bacnet_peer) == {winner: 500}


async def test_giving_up_works_without_being_ticked(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    await device.write(POWER, 1800)
    assert await device.relinquish(dataclasses.replace(POWER, writable=False)) == 1500


@pytest.mark.parametrize(
    ("target", "value", "message"),
    [
        (POWER, 3000.1, "0 to 3000"),
        (POWER, -1, "0 to 3000"),
        (POWER, float("nan"), "finite"),
        (POWER, float("inf"), "finite"),
        (POWER, True, "number"),
        (POWER, "full", "number"),
        (ENABLE, 1, "on or off"),
        (LEVEL, 5, "1 to 4"),
        (LEVEL, 0, "1 to 4"),
        (LEVEL, 1.5, "whole"),
        (dataclasses.replace(POWER, writable=False), 1, "may not be written"),
        (dataclasses.replace(POWER, maximum=None), 1, "no limits"),
        (SETPOINT, 50, "no priority array"),
    ],
)
async def test_wrong_value_is_refused_before_it_is_sent(
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    target: BacnetPoint,
    value: Any,
    message: str,
) -> None:
    with pytest.raises(PointRefusedError, match=message) as caught:
        await device.write(target, value)
    assert not caught.value.command_stays
    assert device.writes == 0
    assert bacnet_peer.app.requests == []


async def test_value_beyond_its_data_type(device: BacnetDevice) -> None:
    wide = dataclasses.replace(POWER, maximum=1e300)
    with pytest.raises(PointRefusedError, match="cannot hold"):
        await device.write(wide, 1e200)
    assert device.writes == 0


@pytest.mark.parametrize("priority", [0, 1, 6, 7, 8, 17])
def test_priorities_that_are_not_ours(priority: int) -> None:
    row = {"object_type": "analog-value", "instance": 1, "priority": priority}
    with pytest.raises(PointConfigError, match="priority: .* from 9 to 16"):
        BacnetPoint.from_dict(row)


async def test_read_only_point_is_refused_by_the_controller(
    device: BacnetDevice,
) -> None:
    with pytest.raises(PointRefusedError, match="Fühler: write-access-denied"):
        await device.write(SENSOR, 50)


async def test_unknown_point_is_refused_by_the_controller(
    device: BacnetDevice,
) -> None:
    gone = point("analog-value", 4711, minimum=0, maximum=1, commandable=True)
    with pytest.raises(PointRefusedError, match="unknown-object"):
        await device.write(gone, 1)


async def test_controller_that_acknowledges_and_does_nothing(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    bacnet_peer.object("analog-value", 1)._ignores_writes = True
    with pytest.raises(PointRefusedError, match="does not keep it") as caught:
        await device.write(POWER, 1800)
    assert not caught.value.command_stays


async def test_controller_that_does_not_give_up(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    await device.write(POWER, 1800)
    bacnet_peer.object("analog-value", 1)._ignores_writes = True
    with pytest.raises(PointRefusedError, match="keeps the command") as caught:
        await device.relinquish(POWER)
    assert caught.value.command_stays


async def test_value_that_the_controller_limits_is_told(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    wide = dataclasses.replace(POWER, maximum=9999)
    assert await device.write(wide, 5000) == 3000


async def test_present_value_that_follows_later(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    """Ours is the highest command: it counts although the value still lags."""
    bacnet_peer.object("analog-value", 1)._lags = True
    assert await device.write(POWER, 1800) == 1800
    assert await device.read([POWER]) == {POWER.key: 1500}


async def test_present_value_that_is_none(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    """A sensor-driven value may be unknown while our command waits in the array."""
    power = bacnet_peer.object("analog-value", 1)
    power.relinquishDefault = float("nan")
    power.recalculating()
    power._lags = True
    assert await device.write(POWER, 1800) == 1800
    assert await device.relinquish(POWER) is None


async def test_plain_value_is_written_when_the_old_one_is_known(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    old = (await device.read([SETPOINT]))[SETPOINT.key]
    assert old is not None
    assert await device.write(SETPOINT, 60, restore=old) == 60
    assert await device.write(SETPOINT, old, restore=old) == 50
    with pytest.raises(PointRefusedError, match="no priority array"):
        await device.relinquish(SETPOINT)
    bacnet_peer.object("analog-value", 2)._ignores_writes = True
    with pytest.raises(PointRefusedError, match="holds 50.0 after 60.0"):
        await device.write(SETPOINT, 60, restore=old)


async def test_priority_array_that_is_gone(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    """The controller was programmed anew since browsing."""
    believed = dataclasses.replace(SETPOINT, commandable=True)
    with pytest.raises(PointRefusedError, match="lost its priority array") as caught:
        await device.write(believed, 60)
    assert caught.value.command_stays


async def test_dead_device(device: BacnetDevice, bacnet_peer: BacnetPeer) -> None:
    await device.identify()
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError) as caught:
        await device.write(POWER, 1800)
    assert caught.value.command_stays, "it may have arrived"
    with pytest.raises(LinkConnectionError) as caught:
        await device.write(POWER, 1800)
    assert not caught.value.command_stays, "who is there is asked first"
    assert device.writes == 1
    with pytest.raises(LinkConnectionError):
        await device.relinquish(POWER)


async def test_aborted_write_is_refused(stack: BacnetStack) -> None:
    peer = RawPeer(
        as_device(9, lambda invoke, _s, _c: bytes([ABORT_BY_SERVER, invoke, 9]))
    )
    device = BacnetDevice(stack, await peer.start())
    with pytest.raises(PointRefusedError, match="aborted: out-of-resources"):
        await device.write(POWER, 1800)
    peer.stop()


async def test_write_does_not_wait_for_a_long_reading(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    """Six of eight requests are for reading: a command passes what is queued."""
    bacnet_peer.app.multiple = False
    device = BacnetDevice(stack, bacnet_peer.address)
    await device.read([ENABLE])
    points = [point("binary-value", n) for n in range(100)]
    bacnet_peer.app.requests.clear()
    reading = asyncio.create_task(device.read(points))
    await asyncio.sleep(0.02)
    assert await device.write(POWER, 1800) == 1800
    assert len(bacnet_peer.app.requests) < 150
    await reading
    assert len(bacnet_peer.app.requests) > 290


async def test_writes_from_two_sides_do_not_mix(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    """Each write and its reading back belong together."""
    values = [float(n) for n in range(1, 9)]
    assert await asyncio.gather(*(device.write(POWER, one) for one in values)) == values
