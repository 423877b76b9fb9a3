"""Finding BACnet devices, also beyond a router through a BBMD."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
import logging
from typing import Any

import pytest

from custom_components.compute_heater.building import bacnet_foreign
from custom_components.compute_heater.building.bacnet import BacnetDevice
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import (
    BacnetStack,
    Bbmd,
    Discovered,
    Registration,
    StackRegistry,
)
from custom_components.compute_heater.building.points import (
    LinkAddressError,
    LinkConnectionError,
)

from .bacnet_peer import BacnetPeer
from .ports import free_udp_port
from .raw_bacnet import RawBbmd

TANK = BacnetPoint.from_dict({"object_type": "analog-input", "instance": 1})
WAIT_S = 0.5
"""Answers on loopback take some milliseconds."""

type PeerOf = Callable[..., Awaitable[BacnetPeer]]


@pytest.fixture
async def peer_of() -> AsyncIterator[PeerOf]:
    peers: list[BacnetPeer] = []

    async def start(instance: int, **more: Any) -> BacnetPeer:
        peer = BacnetPeer(instance, **more)
        await peer.start()
        peers.append(peer)
        if "bbmd" in more:
            await peer.registered()
        return peer

    yield start
    for peer in peers:
        await peer.stop()


@pytest.fixture
async def bbmd(peer_of: PeerOf) -> BacnetPeer:
    """Spread broadcasts over several ports, which loopback by itself does not."""
    return await peer_of(90, is_bbmd=True)


@pytest.fixture
async def raw_bbmd() -> AsyncIterator[RawBbmd]:
    peer = RawBbmd()
    await peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bacnet_foreign, "ANSWER_TIMEOUT_S", 0.1)
    monkeypatch.setattr(bacnet_foreign, "RETRY_S", 0.05)
    monkeypatch.setattr(bacnet_foreign, "RETRY_REFUSED_S", 0.05)


@pytest.fixture
async def foreign(bbmd: BacnetPeer) -> AsyncIterator[BacnetStack]:
    async with foreign_at(bbmd.address) as stack:
        yield stack


@asynccontextmanager
async def foreign_at(address: str, ttl_s: int = 60) -> AsyncIterator[BacnetStack]:
    asyncio.get_running_loop().set_debug(False)
    local = f"127.0.0.1/8:{free_udp_port()}"
    running = BacnetStack(local, Bbmd(address, ttl_s))
    await running.start()
    yield running
    await running.close()


async def test_search_at_one_address(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    at = bacnet_peer.address
    expected = [Discovered(instance=3001, address=at, vendor_id=999, max_apdu=1476)]
    assert await stack.discover(target=at) == expected
    assert await stack.discover(3000, 3001, at) == expected
    assert await stack.discover(1, 3000, at, WAIT_S) == []
    nobody = f"127.0.0.1:{free_udp_port()}"
    assert await stack.discover(target=nobody, wait_s=WAIT_S) == []
    # What was found can be used as it is.
    assert (await BacnetDevice(stack, expected[0].address).identify()).instance == 3001


@pytest.mark.parametrize("target", [None, "*", "12"])
async def test_search_where_nobody_answers(
    stack: BacnetStack, target: str | None
) -> None:
    assert await stack.discover(target=target, wait_s=0.1) == []


@pytest.mark.parametrize(
    "target",
    ["", "host", "0", "65535", "-1", "12:*", "127.0.0.1:0", "1.2.3", "*:*", "5:", "²"],
)
async def test_malformed_target(stack: BacnetStack, target: str) -> None:
    with pytest.raises(LinkAddressError):
        await stack.discover(target=target)


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (6, 5), (0, 4194303)])
async def test_range_that_is_none(stack: BacnetStack, low: int, high: int) -> None:
    with pytest.raises(LinkAddressError):
        await stack.discover(low, high)


async def test_search_of_a_closed_stack() -> None:
    with pytest.raises(LinkConnectionError):
        await BacnetStack(f"127.0.0.1/8:{free_udp_port()}").discover()


@pytest.mark.parametrize("target", [None, "*"])
async def test_search_through_a_bbmd(
    foreign: BacnetStack, bbmd: BacnetPeer, peer_of: PeerOf, target: str | None
) -> None:
    first, second = [await peer_of(n, bbmd=bbmd.address) for n in (91, 92)]
    found = await foreign.discover(target=target, wait_s=WAIT_S)
    assert [(one.instance, one.address) for one in found] == [
        (90, bbmd.address),
        (91, first.address),
        (92, second.address),
    ]
    found = await foreign.discover(92, 4194302, target, WAIT_S)
    assert [one.instance for one in found] == [92]
    device = BacnetDevice(foreign, second.address, 92)
    assert await device.read([TANK]) == {TANK.key: 48.3}
    assert await device.locate(WAIT_S) == {second.address}


async def test_two_devices_of_one_instance(
    foreign: BacnetStack, bbmd: BacnetPeer, peer_of: PeerOf
) -> None:
    twins = [(await peer_of(91, bbmd=bbmd.address)).address for _ in range(2)]
    found = await foreign.discover(91, 91, wait_s=WAIT_S)
    assert {one.address for one in found} == set(twins)
    assert len(found) == 2
    device = BacnetDevice(foreign, twins[0], 91)
    assert await device.locate(WAIT_S) == set(twins)


async def test_device_that_moved(
    foreign: BacnetStack, bbmd: BacnetPeer, peer_of: PeerOf
) -> None:
    old = await peer_of(91, bbmd=bbmd.address)
    device = BacnetDevice(foreign, old.address)
    await device.identify()
    await old.stop()
    new = await peer_of(91, bbmd=bbmd.address)
    assert await device.locate(WAIT_S) == {new.address}
    assert device.address == old.address
    await new.stop()
    assert await device.locate(WAIT_S) == frozenset()


async def test_device_that_broadcasts_do_not_reach(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    device = BacnetDevice(stack, bacnet_peer.address, 3001)
    assert await device.locate(WAIT_S) == {bacnet_peer.address}
    other = BacnetDevice(stack, bacnet_peer.address, 77)
    assert await other.locate(WAIT_S) == frozenset()


async def test_registration(foreign: BacnetStack, stack: BacnetStack) -> None:
    assert await foreign.registered(3)
    assert foreign.registration is Registration.REGISTERED
    await foreign.close()
    assert foreign.registration is None
    with pytest.raises(LinkConnectionError):
        await foreign.registered(0.1)
    assert stack.registration is None
    assert await stack.registered(0), "there is none to wait for"


@pytest.mark.usefixtures("short_waits")
async def test_bbmd_that_is_away_at_first_and_for_long(
    raw_bbmd: RawBbmd, bacnet_peer: BacnetPeer, caplog: pytest.LogCaptureFixture
) -> None:
    """The library's own registration is given up for ever after this."""
    caplog.set_level(logging.INFO, bacnet_foreign.__name__)
    raw_bbmd.code = None
    async with foreign_at(raw_bbmd.address) as stack:
        assert not await stack.registered(0.3)
        assert stack.registration is Registration.NO_ANSWER
        # Whoever is asked directly answers all the same.
        device = BacnetDevice(stack, bacnet_peer.address)
        assert await device.read([TANK]) == {TANK.key: 48.3}
        with pytest.raises(LinkConnectionError, match="BBMD: no_answer"):
            await stack.discover(wait_s=0.1)
        raw_bbmd.code = 0
        assert await stack.registered(3)
    told = [one.getMessage() for one in caplog.records if one.name.endswith("foreign")]
    assert told == [
        f"BBMD {raw_bbmd.address}: no_answer",
        f"Registered at the BBMD {raw_bbmd.address}",
    ]


@pytest.mark.usefixtures("short_waits")
async def test_bbmd_that_refuses_and_then_does_not(raw_bbmd: RawBbmd) -> None:
    raw_bbmd.code = 0x30
    async with foreign_at(raw_bbmd.address, ttl_s=1) as stack:
        # Known as soon as the answer is there.
        assert not await stack.registered(30)
        assert stack.registration is Registration.REFUSED
        with pytest.raises(LinkConnectionError, match="BBMD: refused"):
            await stack.discover()
        raw_bbmd.code = 0
        await raw_bbmd.until(lambda: raw_bbmd.answered == 0)
        refused = raw_bbmd.registrations - 1
        # It renews, so it has heard that it was taken up.
        await raw_bbmd.until(lambda: raw_bbmd.registrations > refused + 1)
        assert await stack.registered(0)


async def test_registration_is_renewed_at_half_its_life(raw_bbmd: RawBbmd) -> None:
    async with foreign_at(raw_bbmd.address, ttl_s=1) as stack:
        await raw_bbmd.until(lambda: raw_bbmd.registrations >= 3)
        assert raw_bbmd.ttl_s == 1
        assert stack.registration is Registration.REGISTERED


async def test_bbmd_that_forgot_us(raw_bbmd: RawBbmd) -> None:
    """It has started anew, and says so to the next broadcast."""
    async with foreign_at(raw_bbmd.address) as stack:
        assert await stack.registered(3)
        raw_bbmd.refuses_broadcasts = True
        await stack.discover(wait_s=0.1)
        await raw_bbmd.until(lambda: raw_bbmd.registrations == 2)


@pytest.mark.usefixtures("short_waits")
async def test_answers_of_others_do_not_register_us(raw_bbmd: RawBbmd) -> None:
    raw_bbmd.code = None
    async with foreign_at(raw_bbmd.address) as stack:
        forger = RawBbmd()
        await forger.start()
        await raw_bbmd.until(lambda: raw_bbmd.registrations > 0)
        forger.send_result(0, ("127.0.0.1", stack.port))
        assert not await stack.registered(0.3)
        forger.stop()


@pytest.mark.parametrize(
    "bbmd",
    [
        Bbmd("host"), Bbmd("12:5"), Bbmd("127.0.0.1:0"), Bbmd("127.0.0.1:1", 0),
        Bbmd("127.0.0.1:1", 65536), Bbmd("127.0.0.1"),
    ],
)  # fmt: skip
def test_wrong_bbmd(bbmd: Bbmd) -> None:
    """The last one is ourselves."""
    with pytest.raises(LinkAddressError):
        BacnetStack("127.0.0.1/8:47808", bbmd)


async def test_one_address_has_one_bbmd(raw_bbmd: RawBbmd) -> None:
    registry = StackRegistry()
    local = f"127.0.0.1/8:{free_udp_port()}"
    bbmd = Bbmd(raw_bbmd.address)
    stack = await registry.acquire(local, bbmd)
    assert await registry.acquire(local, Bbmd(raw_bbmd.address, 60)) is stack
    with pytest.raises(LinkAddressError, match="already, so not without a BBMD"):
        await registry.acquire(local)
    with pytest.raises(LinkAddressError, match="so not with the BBMD 127.0.0.1:1"):
        await registry.acquire(local, Bbmd("127.0.0.1:1"))
    for _ in range(2):
        await registry.release(stack)
    await registry.release(await registry.acquire(local))


async def test_several_networks_at_a_time(peer_of: PeerOf) -> None:
    """Two stacks, each with its own device: none takes the other's answers."""
    registry = StackRegistry()
    peers = [await peer_of(n) for n in (91, 92)]
    locals_ = [f"127.0.0.{n}/8:{free_udp_port()}" for n in (1, 2)]
    stacks = [await registry.acquire(local) for local in locals_]
    devices = [
        BacnetDevice(stack, peer.address)
        for stack, peer in zip(stacks, peers, strict=True)
    ]
    found = await asyncio.gather(*(device.identify() for device in devices))
    assert [one.instance for one in found] == [91, 92]
    await registry.release(stacks[0])
    assert await devices[1].read([TANK]) == {TANK.key: 48.3}
    await registry.release(stacks[1])
