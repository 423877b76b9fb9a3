"""Browsing and reading BACnet controllers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
import dataclasses
import json
from typing import Any

from bacpypes3.basetypes import Segmentation
import pytest

from custom_components.compute_heater.building import bacnet_stack
from custom_components.compute_heater.building.bacnet import (
    BacnetDevice,
    BacnetIdentity,
)
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.points import (
    LinkAddressError,
    LinkConnectionError,
    LinkProtocolError,
    PointConfigError,
    PointKind,
    Role,
)

from .bacnet_peer import BacnetPeer, many_inputs, rare_objects, usual_objects
from .ports import free_udp_port
from .raw_bacnet import ABORT_BY_SERVER, RawPeer, as_device

type PeerOf = Callable[..., Awaitable[BacnetPeer]]


@pytest.fixture
async def peer_of() -> AsyncIterator[PeerOf]:
    """Start controllers with other objects and abilities than the usual one."""
    peers: list[BacnetPeer] = []

    async def start(objects: list[Any], **device: Any) -> BacnetPeer:
        peer = BacnetPeer(**device)
        await peer.start(objects)
        peers.append(peer)
        return peer

    yield start
    for peer in peers:
        await peer.stop()


def point(kind: str, instance: int, **more: Any) -> BacnetPoint:
    return BacnetPoint.from_dict({"object_type": kind, "instance": instance, **more})


TANK = point("analog-input", 1)
USUAL = {
    "analog-input,1": 48.3,
    "binary-input,1": True,
    "analog-output,1": 0.0,
    "analog-value,1": 1500.0,
    "analog-value,2": 50.0,
    "binary-value,1": True,
    "multi-state-value,1": 1.0,
}


async def test_identity(device: BacnetDevice) -> None:
    assert await device.identify() == BacnetIdentity(
        instance=3001,
        name="controller-3001",
        vendor="Vendor",
        model="DDC",
        firmware="1.2",
        max_apdu=1476,
        segmentation="both",
        database_revision=1,
    )
    assert device.instance == 3001


async def test_browsing_tells_all_that_a_point_needs(device: BacnetDevice) -> None:
    found = {one.point.key: one for one in await device.browse()}
    assert {key: one.value for key, one in found.items()} == USUAL
    tank = found["analog-input,1"].point
    assert tank == BacnetPoint(
        key="analog-input,1",
        name="TWW oben °C",
        kind=PointKind.ANALOG,
        unit="°C",
        object_type="analog-input",
        instance=1,
        description="Speicher, oben",
        object_name="TWW oben °C",
        role=Role.DHW_TEMPERATURE,
    )
    power = found["analog-value,1"].point
    assert (power.unit, power.minimum, power.maximum) == ("W", 0, 3000)
    level = found["multi-state-value,1"].point
    assert level.kind is PointKind.MULTISTATE
    assert level.states == ("off", "eco", "normal", "boost")
    assert (level.minimum, level.maximum) == (1, 4)
    assert {key for key, one in found.items() if one.point.commandable} == {
        "analog-output,1",
        "analog-value,1",
        "binary-value,1",
        "multi-state-value,1",
    }
    assert not any(one.point.writable for one in found.values())


async def test_rare_objects(stack: BacnetStack, peer_of: PeerOf) -> None:
    peer = await peer_of(rare_objects())
    found = await BacnetDevice(stack, peer.address).browse()
    assert [(one.point.unit, one.value) for one in found] == [
        ("K", -3.0),
        (None, 123456789.0),
        ("kWh", 123456789.125),
    ]


async def test_point_goes_through_json_and_back(device: BacnetDevice) -> None:
    for one in await device.browse():
        plain = json.loads(json.dumps(one.point.to_dict()))
        assert BacnetPoint.from_dict(plain) == one.point


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"object_type": "analog-value"}, "instance"),
        ({"object_type": "loop", "instance": 1}, "object_type"),
        ({"instance": 1}, "object_type"),
        ({"object_type": "analog-value", "instance": 4194303}, "instance"),
        ({"object_type": "analog-value", "instance": 1, "writable": True}, "minimum"),
        (
            {"object_type": "binary-value", "instance": 1, "comandable": True},
            "comandable",
        ),
    ],
)
def test_wrong_description_names_the_field(data: dict[str, Any], field: str) -> None:
    with pytest.raises(PointConfigError) as caught:
        BacnetPoint.from_dict(data)
    assert caught.value.field == field


async def test_reading_takes_few_requests(stack: BacnetStack, peer_of: PeerOf) -> None:
    peer = await peer_of(many_inputs(300))
    device = BacnetDevice(stack, peer.address)
    points = [one.point for one in await device.browse()]
    await device.read(points)
    before = device.reads
    values = await device.read(points)
    assert values == {f"analog-input,{1000 + n}": float(n) for n in range(300)}
    # (1476 - 8) // 23 bytes = 63 points in an answer.
    assert device.reads - before == 5
    assert device.writes == 0


async def test_unknown_object_among_known_ones(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    gone = point("analog-input", 4711)
    for strict in (False, True):
        bacnet_peer.app.strict = strict
        for _ in range(2):
            assert await device.read([gone, TANK]) == {gone.key: None, TANK.key: 48.3}
    before = device.reads
    await device.read([gone, TANK])
    # What spoils a request is read on its own from then on.
    assert device.reads - before <= 4


async def test_only_unknown_objects(device: BacnetDevice) -> None:
    gone = [point("analog-input", 4711), point("analog-value", 4711)]
    assert set((await device.read(gone)).values()) == {None}


@pytest.mark.parametrize(
    ("flags", "reliability"),
    [
        ([0, 1, 0, 0], "noFaultDetected"),
        ([0, 0, 0, 1], "noFaultDetected"),
        ([0, 0, 0, 0], "noSensor"),
    ],
    ids=["fault", "out of service", "no sensor"],
)
async def test_value_that_is_not_to_be_believed_is_none(
    device: BacnetDevice, bacnet_peer: BacnetPeer, flags: list[int], reliability: str
) -> None:
    sensor = bacnet_peer.object("analog-input", 1)
    sensor.reliability = "noFaultDetected"
    assert await device.read([TANK]) == {TANK.key: 48.3}
    sensor._flags, sensor.reliability = flags, reliability
    assert await device.read([TANK]) == {TANK.key: None}
    found = {one.point.key: one.value for one in await device.browse()}
    assert found[TANK.key] is None
    sensor._flags, sensor.reliability = None, "noFaultDetected"
    assert await device.read([TANK]) == {TANK.key: 48.3}


async def test_overridden_or_alarm_is_believed(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    bacnet_peer.object("analog-input", 1)._flags = [1, 0, 1, 0]
    assert await device.read([TANK]) == {TANK.key: 48.3}


async def test_nan_is_none(device: BacnetDevice, bacnet_peer: BacnetPeer) -> None:
    bacnet_peer.object("analog-input", 1).presentValue = float("nan")
    assert await device.read([TANK]) == {TANK.key: None}


@pytest.mark.parametrize("size", [50, 128, 206, 480, 1024])
async def test_small_device_without_segmentation(
    stack: BacnetStack, peer_of: PeerOf, size: int
) -> None:
    peer = await peer_of(
        usual_objects() + many_inputs(40),
        maxApduLengthAccepted=size,
        segmentationSupported=Segmentation.noSegmentation,
    )
    device = BacnetDevice(stack, peer.address)
    found = await device.browse()
    assert device.identity is not None
    assert device.identity.segmentation == "none"
    assert device.identity.max_apdu == size
    points = [one.point for one in found]
    assert len(points) == 47
    assert points[3].unit == "W"
    values = await device.read(points)
    assert None not in values.values()
    assert values["analog-input,1039"] == 39.0
    # What did not fit is remembered: nothing is refused any more.
    peer.app.requests.clear()
    await device.read(points)
    per_answer = max(1, (size - 8) // 23)
    assert len(peer.app.requests) <= -(-len(points) // per_answer) + 1


async def test_device_that_promises_more_than_it_holds(
    stack: BacnetStack, peer_of: PeerOf
) -> None:
    """Its answers are aborted: half as many from then on, and so forth."""
    peer = await peer_of(
        many_inputs(60), segmentationSupported=Segmentation.noSegmentation
    )
    device = BacnetDevice(stack, peer.address)
    points = [one.point for one in await device.browse()]
    # The library's server keeps to what the request says that we take.
    stack.app.device_object.maxApduLengthAccepted = 206
    assert None not in (await device.read(points)).values()
    before = device.reads
    assert None not in (await device.read(points)).values()
    first = device.reads - before
    before = device.reads
    await device.read(points)
    assert device.reads - before <= first <= 12
    # The object list alone is longer than an answer: read one by one.
    assert [one.point for one in await device.browse()] == points


async def test_device_that_does_not_tell_its_objects(stack: BacnetStack) -> None:
    peer = RawPeer(
        as_device(9, lambda invoke, _s, _c: bytes([ABORT_BY_SERVER, invoke, 4]))
    )
    device = BacnetDevice(stack, await peer.start())
    with pytest.raises(LinkProtocolError, match="does not tell its objects"):
        await device.browse()
    assert device.identity is not None
    assert device.identity.name is None
    peer.stop()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-3.4e38, 3.4e38, (None, None)),
        (0.0, 3.4e38, (0, None)),
        (float("-inf"), 100.0, (None, 100)),
        (0.0, 0.0, (None, None)),
    ],
)
async def test_limits_that_are_none(
    device: BacnetDevice,
    bacnet_peer: BacnetPeer,
    low: float,
    high: float,
    expected: tuple[float | None, float | None],
) -> None:
    power = bacnet_peer.object("analog-value", 1)
    power.minPresValue, power.maxPresValue = low, high
    found = {one.point.key: one.point for one in await device.browse()}
    point = found["analog-value,1"]
    assert (point.minimum, point.maximum) == expected


async def test_device_without_read_property_multiple(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    bacnet_peer.app.multiple = False
    assert {one.point.key: one.value for one in await device.browse()} == USUAL
    points = [one.point for one in await device.browse()]
    await device.read(points)
    bacnet_peer.app.requests.clear()
    assert await device.read(points) == USUAL
    assert "ReadPropertyMultipleRequest" not in bacnet_peer.app.requests
    # Two each: value and flags. Reliability is not there and not asked for again.
    assert len(bacnet_peer.app.requests) == 14


async def test_device_that_knows_no_wildcard(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    bacnet_peer.app.wildcard = False
    device = BacnetDevice(stack, bacnet_peer.address)
    assert (await device.identify()).instance == 3001


async def test_another_device_at_the_address(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    device = BacnetDevice(stack, bacnet_peer.address, 77)
    with pytest.raises(LinkProtocolError, match="3001 answers"):
        await device.read([TANK])
    assert device.identity is None


async def test_dead_port(stack: BacnetStack) -> None:
    device = BacnetDevice(stack, f"127.0.0.1:{free_udp_port()}", 1)
    with pytest.raises(LinkConnectionError):
        await device.identify()
    with pytest.raises(LinkConnectionError):
        await device.read([TANK])


async def test_dead_at_first_and_then_there(stack: BacnetStack) -> None:
    peer = BacnetPeer()
    device = BacnetDevice(stack, peer.address, 3001)
    with pytest.raises(LinkConnectionError):
        await device.read([TANK])
    await peer.start()
    assert await device.read([TANK]) == {TANK.key: 48.3}
    await peer.stop()


async def test_killed_in_the_middle_and_back(
    stack: BacnetStack, peer_of: PeerOf
) -> None:
    objects = many_inputs(300)
    peer = await peer_of(objects)
    device = BacnetDevice(stack, peer.address)
    points = [one.point for one in await device.browse()]
    reading = asyncio.create_task(device.read(points))
    await asyncio.sleep(0.01)
    await peer.stop()
    with pytest.raises(LinkConnectionError):
        await reading
    await peer.start(many_inputs(300))
    values = await device.read(points)
    assert None not in values.values()


async def test_hung_device_costs_one_time_out(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    """Not one per batch; and other devices of the stack go on meanwhile."""
    points = [point("analog-input", n) for n in range(1000)]
    await device.read([TANK])
    bacnet_peer.app.mute = True
    bacnet_peer.app.requests.clear()
    with pytest.raises(LinkConnectionError):
        await device.read(points)
    # Six batches in parallel, each sent twice.
    assert len(bacnet_peer.app.requests) <= 12
    bacnet_peer.app.mute = False
    assert await device.read([TANK]) == {TANK.key: 48.3}


async def test_cancelled_reading_leaves_a_working_link(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    await device.identify()
    bacnet_peer.app.mute = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await device.read([TANK])
    bacnet_peer.app.mute = False
    assert await device.read([TANK]) == {TANK.key: 48.3}


@pytest.mark.parametrize(
    "address", ["", "host", "300.1.1.1", "*", "12", "127.0.0.1:99999", "5:*"]
)
def test_malformed_address(address: str) -> None:
    with pytest.raises(LinkAddressError):
        BacnetDevice(BacnetStack("127.0.0.1/8:47999"), address)


async def test_closed_stack_ends_what_waits(
    device: BacnetDevice, stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    bacnet_peer.app.mute = True
    reading = asyncio.create_task(device.read([TANK]))
    await asyncio.sleep(0.05)
    await stack.close()
    with pytest.raises(LinkConnectionError):
        await reading
    with pytest.raises(LinkConnectionError, match="not running"):
        await device.read([TANK])


async def test_never_more_than_eight_requests_at_a_time(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    bacnet_peer.app.multiple = False
    device = BacnetDevice(stack, bacnet_peer.address)
    await device.read([TANK])
    most = 0
    requests = stack.app._requests

    def watch() -> None:
        nonlocal most
        most = max([most, *(len(queue) for queue in requests.values())])

    original = stack.app.request

    def request(apdu: Any) -> Any:
        future = original(apdu)
        watch()
        return future

    stack.app.request = request
    points = [point("analog-input", n) for n in range(20)]
    await asyncio.gather(*(device.read(points) for _ in range(3)))
    assert 1 < most <= bacnet_stack.MAX_IN_FLIGHT


def test_point_is_a_value() -> None:
    assert dataclasses.replace(TANK, name="x") != TANK
    assert hash(TANK) == hash(point("analog-input", 1))
