"""Who is let in, who is not, and links that use the same stack."""

import asyncio
from ipaddress import IPv4Network
import socket

from bac_py import Client
from bac_py.services.errors import BACnetTimeoutError
import pytest

from custom_components.compute_heater.building import bacnet_apdu as apdu
from custom_components.compute_heater.building.bacnet import (
    BacnetDevice as RemoteDevice,
)
from custom_components.compute_heater.building.bacnet_apdu import ObjectId, Ref
from custom_components.compute_heater.building.bacnet_host import MAX_SEGMENTS
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.gateway.guard import Guard, Refusal
from tests.building.bacnet_peer import BacnetPeer
from tests.building.test_bacnet_cov import Listener

from .bacnet_site import (
    CONTROLLER,
    DEMAND,
    HEAT_REQUEST,
    INSTANCE,
    STRANGER,
    controller,
    served_by,
)
from .modbus_site import Site
from .raw_controller import BROADCAST, FORWARDED, RawController, raw_controller, request

HEAT = Ref(ObjectId(2, 60), 85)
COMMAND = request(1, 15, apdu.write_property(HEAT, apdu.real(1.0), 8))


async def settled(raw: RawController, at: str) -> None:
    """Wait until all that was sent before has been dealt with: datagrams keep order."""
    raw.send(b"\x10\x08", at)
    async with asyncio.timeout(10):
        while not any(b"\x10\x00\xc4" in one for one in raw.heard):
            raw._changed.clear()
            await raw._changed.wait()


async def test_strangers_get_no_answer(at: str, site: Site) -> None:
    """What they wanted to write is told; what they wanted to know is not."""
    async with controller(STRANGER) as stranger:
        for ask in (
            lambda: stranger.read(at, DEMAND, "pv"),
            lambda: stranger.write(at, HEAT_REQUEST, "pv", 1.0, priority=8),
            lambda: stranger.write_multiple(at, {HEAT_REQUEST: {"pv": 1.0}}),
            lambda: stranger.subscribe_cov_ex(at, DEMAND, 1, lifetime=60),
            lambda: stranger.reinitialize_device(at, "coldstart"),
        ):
            with pytest.raises(BACnetTimeoutError):
                await ask()
        assert (
            await stranger.who_has(
                object_identifier=DEMAND, destination=at, timeout=0.2
            )
            == []
        )
        # That we are here is no secret: every device says so to all.
        (found,) = await stranger.who_is(destination=at, timeout=0.3)
        assert found.object_identifier.instance_number == INSTANCE
    assert site.commanded == {}
    assert [(one.peer, one.refusal) for one in site.writes] == [
        (STRANGER, Refusal.FOREIGN_PEER)
    ] * 3
    assert [one.service for one in site.writes] == [None, None, "ReinitializeDevice"]
    assert site.writes[0].point is site.gateway.points["site/heat_request"]


@pytest.mark.parametrize(
    "disguise",
    [
        {"function": FORWARDED, "origin": socket.inet_aton(CONTROLLER) + b"\xba\xc0"},
        {"function": BROADCAST},
        {"network": b"\x01\x2c\xff\xff\x00\x00\x05\x06\x7f\x00\x00\x01\xba\xc0\xff"},
        {"network": b"\x01\x0c\x00\x05\x06\x7f\x00\x00\x01\xba\xc0"},
    ],
    ids=["forwarded", "broadcast", "to all networks", "from another network"],
)
async def test_disguises(at: str, site: Site, disguise: dict[str, object]) -> None:
    """A message that names a controller as its origin is still a stranger's."""
    async with raw_controller(STRANGER) as raw:
        raw.send(COMMAND, at, **disguise)  # type: ignore[arg-type]
        await settled(raw, at)
    assert site.commanded == {}


@pytest.mark.parametrize(
    "disguise",
    [
        {"function": FORWARDED, "origin": socket.inet_aton(CONTROLLER) + b"\xba\xc0"},
        {"function": BROADCAST},
    ],
)
async def test_requests_in_broadcasts(
    at: str, site: Site, disguise: dict[str, object]
) -> None:
    async with raw_controller(CONTROLLER) as raw:
        raw.send(COMMAND, at, **disguise)  # type: ignore[arg-type]
        await settled(raw, at)
        raw.send(COMMAND, at)
        assert await raw.answer(1) == b"\x20\x01\x0f"
    assert len(site.writes) == 1


async def test_controller_behind_a_router_is_known_by_the_router(
    at: str, site: Site
) -> None:
    async with raw_controller(CONTROLLER) as router:
        router.send(COMMAND, at, network=b"\x01\x0c\x00\x05\x01\x11")
        async with asyncio.timeout(10):
            while not any(one.endswith(b"\x20\x01\x0f") for one in router.heard):
                router._changed.clear()
                await router._changed.wait()
    # The answer names the station behind the router.
    assert router.heard[-1][4:].startswith(b"\x01\x20\x00\x05\x01\x11")
    (event,) = site.writes
    assert (event.peer, event.refusal) == (CONTROLLER, None)


async def test_malformed_requests_are_rejected(at: str, site: Site) -> None:
    async with raw_controller(CONTROLLER) as raw:
        for invoke_id, (service, content) in enumerate(
            [
                (12, b""),
                (12, b"\x0c\x00\x00"),
                (12, b"\x0c\x00\x00\x00\x06\x19\x55\x00"),
                (14, b""),
                (14, b"\x0c\x00\x00\x00\x06\x1e\x09\x55"),
                (15, b"\x0c\x00\x80\x00\x3c\x19\x55\x3e\x44\x00\x00"),
                (15, b"\x0c\x00\x80\x00\x3c\x19\x55"),
                (16, b"\x0c\x00\x80\x00\x3c\x1e\x1f"),
                (5, b"\x09\x01"),
                (28, b"\x09\x01\x1c\x00\x00\x00\x06\x29\x01\x39\x0a"),
            ]
        ):
            raw.send(request(invoke_id, service, content), at)
            assert await raw.answer(invoke_id) == bytes([0x60, invoke_id, 4])
    assert site.commanded == {}


async def test_endless_request(at: str, master: Client) -> None:
    """One in segments without end is broken off."""
    async with raw_controller(CONTROLLER) as raw:
        for number in range(MAX_SEGMENTS + 1):
            head = bytes([0x0E, 0x75, 3, number, 1, 15])
            raw.send(head + b"\x00" * 1000, at)
        # Abort by the server, buffer overflow.
        async with asyncio.timeout(10):
            while not any(one[6:] == b"\x71\x03\x01" for one in raw.heard):
                raw._changed.clear()
                await raw._changed.wait()
    assert await master.read(at, DEMAND, "pv") == 2.5


async def test_links_go_on(stack: BacnetStack, site: Site) -> None:
    """A link reads, writes and hears a controller that we do not let in."""
    peer = BacnetPeer()
    await peer.start()
    remote = RemoteDevice(stack, peer.address)
    demand = BacnetPoint.from_dict(
        {
            "object_type": "analog-value", "instance": 1, "commandable": True,
            "writable": True, "minimum": 0, "maximum": 100,
        }
    )  # fmt: skip
    before = await remote.read([demand])
    listener = Listener()
    subscription = remote.subscribe([demand], listener)
    await listener.until(lambda: demand.key in listener.values)
    device = served_by(stack, site, guard=Guard([IPv4Network(STRANGER)]))
    await device.start()
    assert await remote.read([demand]) == before
    assert await remote.write(demand, 42) == 42
    await listener.until_value(demand.key, 42)
    await device.stop()
    assert await remote.relinquish(demand) == before[demand.key]
    await listener.until_value(demand.key, before[demand.key])
    await subscription.close()
    await peer.stop()
