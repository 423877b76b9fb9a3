"""Our own BACnet device: binding, sharing, protecting itself, odd peers."""

import asyncio
from ipaddress import IPv4Network
import logging
import socket

from bacpypes3.apdu import ErrorRejectAbortNack
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import CharacterString, ObjectIdentifier, Unsigned
import pytest

from custom_components.compute_heater.building import bacnet_stack
from custom_components.compute_heater.building.bacnet import BacnetDevice
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import (
    BacnetStack,
    StackRegistry,
)
from custom_components.compute_heater.building.points import (
    LinkAddressError,
    LinkConnectionError,
    LinkProtocolError,
)

from .bacnet_peer import BacnetPeer
from .ports import free_udp_port
from .raw_bacnet import (
    ABORT_BY_SERVER,
    COMPLEX_ACK,
    ERROR,
    REJECT,
    SIMPLE_ACK,
    RawPeer,
    device_id_ack,
)

TANK = BacnetPoint.from_dict({"object_type": "analog-input", "instance": 1})


@pytest.mark.parametrize(
    "address",
    [
        "", "lo", "127.0.0.1/8:", "127.0.0.1/8:0", "127.0.0.1/8:65536",
        "127.0.0.1/33:1", "127.0.0.1/8:x", "0.0.0.0/0:47808", "224.0.0.1/4:47808",
        "::1/64",
    ],
)  # fmt: skip
def test_malformed_local_address(address: str) -> None:
    if address.endswith("/8:"):
        assert BacnetStack(address).port == 47808
        return
    with pytest.raises(LinkAddressError):
        BacnetStack(address)


def test_default_port_and_own_instance() -> None:
    stack = BacnetStack("192.168.1.7/24")
    assert stack.endpoint == "192.168.1.7:47808"
    assert stack.instance == BacnetStack("192.168.1.7/24:47808").instance
    assert 3_900_000 <= stack.instance < 4_190_000
    assert stack.instance != BacnetStack("192.168.1.8/24").instance


@pytest.mark.parametrize("reuse", [False, True])
async def test_taken_port_is_found_before_binding(reuse: bool) -> None:
    """The library would share the port and lose every second datagram."""
    port = free_udp_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        if reuse:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", port))
        with pytest.raises(LinkAddressError, match="cannot be used"):
            await BacnetStack(f"127.0.0.1/8:{port}").start()
    stack = BacnetStack(f"127.0.0.1/8:{port}")
    await stack.start()
    second = BacnetStack(f"127.0.0.1/8:{port}")
    with pytest.raises(LinkAddressError):
        await second.start()
    await second.close()
    await stack.close()
    await stack.close()


async def test_foreign_address_and_wrong_prefix() -> None:
    with pytest.raises(LinkAddressError):
        await BacnetStack("198.51.100.1/24:47808").start()
    # Loopback would bind every 127.x.y.z; a network beyond it has no such address.
    stack = BacnetStack(f"127.0.0.1/8:{free_udp_port()}")
    stack._interface.network = IPv4Network("198.51.100.0/24")
    with pytest.raises(LinkAddressError, match="not the broadcast address"):
        await stack.start()


async def test_address_without_a_network(bacnet_peer: BacnetPeer) -> None:
    stack = BacnetStack(f"127.0.0.1/32:{free_udp_port()}")
    await stack.start()
    assert (await BacnetDevice(stack, bacnet_peer.address).identify()).instance == 3001
    await stack.close()


async def test_bind_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone takes the port between our look and the library's bind."""
    monkeypatch.setattr(bacnet_stack, "BIND_TIMEOUT_S", 0.1)
    monkeypatch.setattr(BacnetStack, "_probe", lambda self: None)
    # The library's task is cancelled under a callback that does not expect it.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    port = free_udp_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        with pytest.raises(LinkAddressError, match="cannot be bound"):
            await BacnetStack(f"127.0.0.1/8:{port}").start()


async def test_start_that_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bacnet_stack, "_is_bound", lambda app: False)
    stack = BacnetStack(f"127.0.0.1/8:{free_udp_port()}")
    starting = asyncio.create_task(stack.start())
    await asyncio.sleep(0.05)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(LinkConnectionError):
        _ = stack.app


async def test_registry_shares_one_stack_per_address(bacnet_peer: BacnetPeer) -> None:
    registry = StackRegistry()
    address = f"127.0.0.1/8:{free_udp_port()}"
    first, second = await asyncio.gather(
        registry.acquire(address), registry.acquire(address)
    )
    assert first is second
    await registry.release(first)
    assert (await BacnetDevice(second, bacnet_peer.address).identify()).vendor
    await registry.release(second)
    with pytest.raises(LinkConnectionError):
        _ = second.app
    third = await registry.acquire(address)
    assert third is not first
    await registry.release(third)


async def test_registry_forgets_a_stack_that_did_not_start() -> None:
    registry = StackRegistry()
    port = free_udp_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        with pytest.raises(LinkAddressError):
            await registry.acquire(f"127.0.0.1/8:{port}")
    await registry.release(await registry.acquire(f"127.0.0.1/8:{port}"))


async def test_nobody_can_write_to_our_device(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    """The library lets any peer rename a device or change its number."""
    ours = Address(stack.endpoint)
    device, port = (
        ObjectIdentifier(one) for one in (f"device,{stack.instance}", "network-port,1")
    )
    for target, name, value in (
        (device, "object-name", CharacterString("theirs")),
        (device, "object-identifier", ObjectIdentifier("device,1")),
        (device, "max-apdu-length-accepted", Unsigned(50)),
        (port, "object-name", CharacterString("theirs")),
    ):
        with pytest.raises(ErrorRejectAbortNack, match="write-access-denied"):
            await bacnet_peer.app.write_property(ours, target, name, value)
    name = stack.app.device_object.objectName
    assert name == f"Compute Heater {stack.instance}"


async def test_who_is(stack: BacnetStack, bacnet_peer: BacnetPeer) -> None:
    assert await stack.who_is(Address(bacnet_peer.address)) == 3001
    assert await stack.who_is(Address(f"127.0.0.1:{free_udp_port()}")) is None


async def test_network_without_a_router(stack: BacnetStack) -> None:
    with pytest.raises(LinkConnectionError):
        await BacnetDevice(stack, "5:12", 1).read([TANK])


async def test_another_device_with_our_number_is_told_once(
    stack: BacnetStack, caplog: pytest.LogCaptureFixture
) -> None:
    twin = BacnetPeer(stack.instance)
    await twin.start()
    for _ in range(2):
        twin.app.i_am(address=Address(stack.endpoint))
    await asyncio.sleep(0.1)
    told = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert [twin.address in one.getMessage() for one in told] == [True]
    await twin.stop()


async def test_closing_ends_a_search(stack: BacnetStack) -> None:
    search = asyncio.create_task(stack.who_is(Address(f"127.0.0.1:{free_udp_port()}")))
    await asyncio.sleep(0.05)
    await stack.close()
    assert await search is None


def wrong(apdu: bytes) -> RawPeer:
    """Answer the question for the instance, and everything else with ``apdu``."""

    def answer(invoke: int, service: int, content: bytes) -> bytes | None:
        if service == 12 and content.endswith(b"\x19\x4b"):
            return device_id_ack(invoke, 9)
        return apdu[:1] + bytes([invoke]) + apdu[1:]

    return RawPeer(answer)


@pytest.mark.parametrize(
    "apdu",
    [
        bytes([COMPLEX_ACK, 14]),
        bytes([COMPLEX_ACK, 14]) + b"\x0c\x02\0\0",
        bytes([COMPLEX_ACK, 14]) + b"\xff" * 40,
        bytes([COMPLEX_ACK, 12]) + b"\x0c\x02\0\0\x09\x19\x4d\x3e\x75\xff\x00",
        bytes([ERROR, 14]) + b"\x91",
        bytes([ERROR, 14]),
        bytes([SIMPLE_ACK, 14]),
    ],
    ids=["empty", "truncated", "garbage", "short text", "error", "no error", "ack"],
)
async def test_malformed_answer_is_a_protocol_error_at_once(
    stack: BacnetStack, apdu: bytes
) -> None:
    peer = wrong(apdu)
    device = BacnetDevice(stack, await peer.start())
    with pytest.raises(LinkProtocolError):
        await device.read([TANK])
    peer.stop()


async def test_device_that_refuses_everything(stack: BacnetStack) -> None:
    """Nothing but a clear error, and no endless halving."""
    for apdu in (
        bytes([ERROR, 14]) + b"\x91\x00\x91\x52",
        bytes([REJECT, 9]),
        bytes([REJECT, 1]),
        bytes([ABORT_BY_SERVER, 0]),
    ):
        peer = wrong(apdu)
        device = BacnetDevice(stack, await peer.start())
        with pytest.raises(LinkProtocolError, match="no BACnet device 9"):
            await device.read([TANK])
        assert peer.sent < 20
        peer.stop()


async def test_device_that_does_not_tell_its_instance(stack: BacnetStack) -> None:
    """The number that the user knows is taken then, and checked by its device object."""
    peer = RawPeer(lambda invoke, _s, _c: bytes([ERROR, invoke, 12, 0x91, 1, 0x91, 31]))
    address = await peer.start()
    with pytest.raises(LinkProtocolError, match="does not tell its instance"):
        await BacnetDevice(stack, address).identify()
    with pytest.raises(LinkProtocolError, match="no BACnet device 9"):
        await BacnetDevice(stack, address, 9).identify()
    peer.stop()


async def test_datagrams_from_nowhere_do_no_harm(
    stack: BacnetStack, bacnet_peer: BacnetPeer
) -> None:
    device = BacnetDevice(stack, bacnet_peer.address)
    await device.identify()
    noise = RawPeer(lambda *_: None)
    await noise.start()
    host, port = stack.endpoint.split(":")
    good = b"\x81\x0a\x00\x0c\x01\x00\x30\x01\x0c\x0c\x02\x00"
    for datagram in (
        b"",
        b"\x81",
        b"\xff" * 1500,
        good[:7],
        good,
        b"\x81\x0a\x00\x08\x01\x00\x10\x00",  # I-Am without content
        b"\x81\x0a\x00\x09\x01\x00\x10\x02\x09",  # a truncated notification
        b"\x81\x0b\xff\xff\x01\x20",
    ):
        noise.send_raw(datagram, (host, int(port)))
    await asyncio.sleep(0.05)
    assert (await device.read([TANK]))[TANK.key] == 48.3
    noise.stop()
