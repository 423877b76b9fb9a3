"""Controllers that are programmed anew, exchanged, or described by a list."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
import dataclasses
from typing import Any

import pytest

from custom_components.compute_heater.building import bacnet, bacnet_stack
from custom_components.compute_heater.building.bacnet import (
    BacnetDevice,
    BacnetIdentity,
)
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.ede import parse_ede
from custom_components.compute_heater.building.points import (
    LinkConnectionError,
    LinkProtocolError,
    PointRefusedError,
    Role,
)

from .bacnet_peer import NORMAL, AnalogInput, BacnetPeer, many_inputs, usual_objects
from .ports import free_udp_port
from .test_bacnet_cov import Listener

type PeerOf = Callable[..., Awaitable[BacnetPeer]]


@pytest.fixture
async def peer_of() -> AsyncIterator[PeerOf]:
    peers: list[BacnetPeer] = []

    async def start(objects: list[Any] | None = None, **device: Any) -> BacnetPeer:
        peer = BacnetPeer(**device)
        await peer.start(objects)
        peers.append(peer)
        return peer

    yield start
    for peer in peers:
        await peer.stop()


@dataclasses.dataclass
class Browsed:
    """What a link has stored of a device."""

    points: dict[str, BacnetPoint]
    identity: BacnetIdentity

    def __getitem__(self, key: str) -> BacnetPoint:
        return self.points[key]


TANK, POWER, SETPOINT, ENABLE, LEVEL = (
    "analog-input,1", "analog-value,1", "analog-value,2", "binary-value,1",
    "multi-state-value,1",
)  # fmt: skip


@pytest.fixture
async def browsed(stack: BacnetStack, bacnet_peer: BacnetPeer) -> Browsed:
    device = BacnetDevice(stack, bacnet_peer.address)
    points = {}
    for found in await device.browse():
        point = dataclasses.replace(found.point, writable=True)
        if point.kind == "analog":
            point = dataclasses.replace(point, minimum=0, maximum=3000)
        points[point.key] = point
    assert device.identity is not None
    return Browsed(points, device.identity)


@pytest.fixture
def known(
    stack: BacnetStack, bacnet_peer: BacnetPeer, browsed: Browsed
) -> BacnetDevice:
    """Return the device as a link has it after a restart."""
    return BacnetDevice(stack, bacnet_peer.address, 3001, known=browsed.identity)


def programmed_anew() -> list[Any]:
    """Return the usual objects, but another sensor in the place of the tank's."""
    return [
        AnalogInput(
            objectIdentifier=("analog-input", 1), objectName="Außenfühler",
            presentValue=-4.5, units="degreesCelsius", covIncrement=0.1, **NORMAL,
        ),
        *usual_objects()[1:],
    ]  # fmt: skip


async def reprogram(peer: BacnetPeer, objects: list[Any], revision: int = 2) -> None:
    await peer.stop()
    peer._device["databaseRevision"] = revision
    await peer.start(objects)


def forget_revision(peer: BacnetPeer) -> None:
    """Let it be an older controller, without one."""
    peer.app.device_object._has_revision = False


def written(peer: BacnetPeer) -> bool:
    return "WritePropertyRequest" in peer.app.requests


async def test_unchanged_device_is_not_asked_for_names(
    known: BacnetDevice, browsed: Browsed
) -> None:
    await known.identify()
    before = known.reads
    assert None not in (await known.read(browsed.points.values())).values()
    assert known.reads - before == 1
    assert known.changed == known.missing == frozenset()


async def test_renamed_object_reads_as_none_and_is_never_written(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    await reprogram(bacnet_peer, programmed_anew())
    values = await known.read(browsed.points.values())
    assert values[TANK] is None
    assert values[POWER] == 1500
    assert known.changed == {TANK}
    # It stays so without asking for all names again.
    before = known.reads
    assert (await known.read([browsed[TANK]]))[TANK] is None
    assert known.reads - before == 1
    with pytest.raises(PointRefusedError, match="programmed anew"):
        await known.write(browsed[TANK], 50, restore=50.0)
    assert not written(bacnet_peer)
    assert await known.write(browsed[POWER], 1800) == 1800


@pytest.mark.parametrize(
    "act",
    [
        lambda device, points: device.write(points[POWER], 1),
        lambda device, points: device.write(points[SETPOINT], 1, restore=50.0),
        lambda device, points: device.relinquish(points[POWER]),
        lambda device, points: device.restore(points[SETPOINT], 50.0),
    ],
    ids=["command", "write", "relinquish", "restore"],
)
async def test_name_is_compared_before_the_first_write(
    known: BacnetDevice,
    browsed: Browsed,
    bacnet_peer: BacnetPeer,
    act: Callable[[BacnetDevice, Browsed], Awaitable[Any]],
) -> None:
    """After a restart of ours nothing was read yet, but a command is to be released."""
    bacnet_peer.object("analog-value", 1).objectName = "Grenzwert"
    bacnet_peer.object("analog-value", 2).objectName = "Kennlinie"
    bacnet_peer.app.device_object.databaseRevision = 2
    with pytest.raises(PointRefusedError, match="programmed anew"):
        await act(known, browsed)
    assert not written(bacnet_peer)


async def test_new_names_are_known_after_browsing_again(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer, stack: BacnetStack
) -> None:
    await reprogram(bacnet_peer, programmed_anew())
    await known.read(browsed.points.values())
    found = {one.point.key: one.point for one in await known.browse()}
    assert found[TANK].object_name == "Außenfühler"
    assert found[TANK].role is Role.OUTDOOR_TEMPERATURE
    fresh = BacnetDevice(stack, bacnet_peer.address, 3001, known=known.identity)
    assert (await fresh.read([found[TANK]]))[TANK] == -4.5
    assert fresh.changed == frozenset()


async def test_programming_during_an_outage_is_noticed(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    assert (await known.read([browsed[TANK]]))[TANK] == 48.3
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError):
        await known.read([browsed[TANK]])
    await reprogram(bacnet_peer, programmed_anew())
    assert (await known.read([browsed[TANK]]))[TANK] is None
    assert known.changed == {TANK}
    # And when the old program is put back, all is as it was.
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError):
        await known.read([browsed[TANK]])
    await reprogram(bacnet_peer, usual_objects(), 1)
    assert (await known.read([browsed[TANK]]))[TANK] == 48.3
    assert known.changed == frozenset()


async def test_programming_without_an_outage_is_noticed_in_time(
    known: BacnetDevice,
    browsed: Browsed,
    bacnet_peer: BacnetPeer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await known.read([browsed[TANK]]))[TANK] == 48.3
    await reprogram(bacnet_peer, programmed_anew())
    assert (await known.read([browsed[TANK]]))[TANK] == -4.5, "not asked yet"
    monkeypatch.setattr(bacnet, "IDENTITY_VALID_S", 0.0)
    assert (await known.read([browsed[TANK]]))[TANK] is None


async def test_device_without_revision_is_compared_at_start_and_after_outages(
    stack: BacnetStack, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    old = dataclasses.replace(browsed.identity, database_revision=None)
    forget_revision(bacnet_peer)
    device = BacnetDevice(stack, bacnet_peer.address, known=old)
    assert (await device.read([browsed[TANK]]))[TANK] == 48.3
    assert device.identity == old
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError):
        await device.read([browsed[TANK]])
    await bacnet_peer.start(programmed_anew())
    forget_revision(bacnet_peer)
    assert (await device.read([browsed[TANK]]))[TANK] is None


async def test_reports_of_a_changed_object_are_none(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    await reprogram(bacnet_peer, programmed_anew())
    listener = Listener()
    subscription = known.subscribe([browsed[TANK], browsed[POWER]], listener)
    await listener.until(lambda: len(listener.values) == 2)
    await known.read([browsed[TANK]])
    bacnet_peer.object("analog-input", 1).presentValue = -9.0
    bacnet_peer.object("analog-value", 1).presentValue = 700.0
    await listener.until_value(POWER, 700)
    assert [one[TANK] for one in listener.calls if TANK in one][-1] is None
    await subscription.close()


async def test_object_that_is_gone_and_comes_back(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    wanted = [browsed[TANK], browsed[POWER]]
    await known.read(wanted)
    sensor = bacnet_peer.object("analog-input", 1)
    for strict in (False, True):
        bacnet_peer.app.strict = strict
        bacnet_peer.app.delete_object(sensor)
        assert await known.read(wanted) == {TANK: None, POWER: 1500}
        assert known.missing == {TANK}
        # Another poll group tells nothing about it.
        await known.read([browsed[POWER]])
        assert known.missing == {TANK}
        with pytest.raises(PointRefusedError, match="unknown-object"):
            await known.write(browsed[TANK], 1, restore=0.0)
        bacnet_peer.app.add_object(sensor)
        assert await known.read(wanted) == {TANK: 48.3, POWER: 1500}
        assert known.missing == frozenset()


async def test_another_device_takes_the_address(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    await known.read([browsed[POWER]])
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError):
        await known.read([browsed[POWER]])
    bacnet_peer.instance = 3002
    await bacnet_peer.start()
    for _ in range(2):
        with pytest.raises(LinkProtocolError, match="device 3002 answers"):
            await known.read([browsed[POWER]])
        with pytest.raises(LinkProtocolError, match="device 3002 answers"):
            await known.write(browsed[POWER], 100)
    assert not written(bacnet_peer)


async def test_many_readings_ask_once_who_is_there(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    bacnet_peer.app.requests.clear()
    await asyncio.gather(*(known.read([browsed[TANK]]) for _ in range(5)))
    assert len(bacnet_peer.app.requests) == 6
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError):
        await known.read([browsed[TANK]])
    before = known.reads
    readings = (known.read([browsed[TANK]]) for _ in range(5))
    results = await asyncio.gather(*readings, return_exceptions=True)
    assert {type(one) for one in results} == {LinkConnectionError}
    assert known.reads - before == 1, "one time-out, not five"


@pytest.mark.parametrize(("key", "value"), [(SETPOINT, 47.5)])
async def test_restore(
    known: BacnetDevice,
    browsed: Browsed,
    bacnet_peer: BacnetPeer,
    key: str,
    value: float,
) -> None:
    """Though the point is no longer ticked, and whatever its limits are now."""
    assert await known.write(browsed[key], 60, restore=50.0) == 60
    point = dataclasses.replace(browsed[key], writable=False, minimum=0, maximum=1)
    assert await known.restore(point, value) == value
    assert bacnet_peer.object("analog-value", 2).presentValue == value
    bacnet_peer.object("analog-value", 2)._ignores_writes = True
    with pytest.raises(PointRefusedError, match="holds 47.5"):
        await known.restore(point, 20.0)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (POWER, 1.0, "has a priority array"),
        (SETPOINT, True, "cannot have held True"),
        (SETPOINT, float("nan"), "cannot have held nan"),
        (SETPOINT, 1e300, "cannot hold"),
    ],
)
async def test_what_cannot_be_restored(
    known: BacnetDevice,
    browsed: Browsed,
    bacnet_peer: BacnetPeer,
    key: str,
    value: float,
    message: str,
) -> None:
    with pytest.raises(PointRefusedError, match=message) as caught:
        await known.restore(browsed[key], value)
    assert not written(bacnet_peer)
    assert not caught.value.command_stays


async def test_restoring_in_a_dead_device_may_have_arrived(
    known: BacnetDevice, browsed: Browsed, bacnet_peer: BacnetPeer
) -> None:
    await known.identify()
    await bacnet_peer.stop()
    with pytest.raises(LinkConnectionError) as caught:
        await known.restore(browsed[SETPOINT], 50.0)
    assert caught.value.command_stays


async def test_list_of_a_planner(stack: BacnetStack, bacnet_peer: BacnetPeer) -> None:
    listed = parse_ede(
        "object-name;object-type;object-instance;description;min-present-value;"
        "max-present-value;commandable;unit-code\n"
        "Vorlauf Heizkreis 1;0;1;;;;N;64\n"
        "Wärmeleistung;2;1;;;2500;N;\n"
        ";5;1;;;;Y;\n"
        "Stufe;19;1;;;;N;\n"
        "Ventil Nord;2;77;;;;Y;\n"
    ).points
    listed[3] = dataclasses.replace(listed[3], states=("a", "b"), priority=12)
    found, missing = await BacnetDevice(stack, bacnet_peer.address).describe(listed)
    assert missing == ["analog-value,77"]
    assert [one.value for one in found] == [48.3, 1500, True, 1]
    supply, power, enable, level = [one.point for one in found]
    # Names and roles are the list's, units the device's.
    assert (supply.name, supply.object_name) == ("Vorlauf Heizkreis 1", "TWW oben °C")
    assert (supply.role, supply.unit) == (Role.SUPPLY_TEMPERATURE, "°C")
    assert supply.description == "Speicher, oben"
    assert (power.minimum, power.maximum) == (0, 2500)
    assert power.role is Role.HEAT_POWER
    assert power.commandable, "the device knows better than the list"
    assert (enable.name, enable.role) == ("Freigabe", Role.RELEASE)
    assert level.states == ("off", "eco", "normal", "boost")
    assert level.priority == 12
    assert not any(one.point.writable for one in found)


async def test_limits_of_list_and_device_that_contradict(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    power = BacnetPoint.from_dict(
        {"object_type": "analog-value", "instance": 1, "minimum": 5000, "unit": "kW"}
    )
    device = BacnetDevice(stack, bacnet_peer.address)
    ((found,), missing) = await device.describe([power])
    assert (found.point.minimum, found.point.maximum) == (5000, None)
    assert found.point.unit == "W"
    assert missing == []
    assert await device.describe([]) == ([], [])


async def test_thousand_points_of_a_slow_device_take_few_requests(
    peer_of: PeerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both sides share a processor here: no request is to be repeated.
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 10_000)
    asyncio.get_running_loop().set_debug(False)
    stack = BacnetStack(f"127.0.0.1/8:{free_udp_port()}")
    await stack.start()
    peer = await peer_of(many_inputs(1000))
    device = BacnetDevice(stack, peer.address)
    points = [one.point for one in await device.browse()]
    device = BacnetDevice(stack, peer.address, known=device.identity)
    peer.app.delay_s = 0.02
    await device.read(points)
    peer.app.requests.clear()
    values = await device.read(points)
    assert values == {f"analog-input,{1000 + n}": float(n) for n in range(1000)}
    # 63 points fit into an answer.
    assert len(peer.app.requests) == 16
    await stack.close()
