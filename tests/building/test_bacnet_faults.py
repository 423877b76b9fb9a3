"""Controllers that answer late, with somebody else's answer, or with nonsense."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from custom_components.compute_heater.building import bacnet_stack
from custom_components.compute_heater.building.bacnet import BacnetDevice
from custom_components.compute_heater.building.bacnet_apdu import (
    READ_PROPERTY_MULTIPLE,
    enumerated,
    real,
)
from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.points import (
    LinkConnectionError,
    LinkProtocolError,
    Value,
)

from .bacnet_peer import BacnetPeer
from .raw_bacnet import COMPLEX_ACK, REJECT, Answer, RawPeer, ack, as_device

TANK, ENABLE, LEVEL, COUNT, DEMAND = (
    BacnetPoint.from_dict({"object_type": kind, "instance": 1})
    for kind in (
        "analog-input", "binary-value", "multi-state-value",
        "positive-integer-value", "analog-value",
    )
)  # fmt: skip
PRESENT_VALUE = 85
UNKNOWN_SERVICE = 9
TEXT = b"\x75\x03\x00no"
LARGEST = b"\x25\x08" + b"\xff" * 8

type PeerOf = Callable[[Answer], Awaitable[str]]


@pytest.fixture
async def raw_of() -> AsyncIterator[PeerOf]:
    peers: list[RawPeer] = []

    async def start(answer: Answer) -> str:
        peers.append(RawPeer(as_device(9, answer)))
        return await peers[-1].start()

    yield start
    for peer in peers:
        peer.stop()


def multiple(kind: int, instance: int, value: bytes) -> bytes:
    """Encode the result of ReadPropertyMultiple for one present value."""
    target = (kind << 22 | instance).to_bytes(4)
    return b"\x0c" + target + b"\x1e\x29\x55\x4e" + value + b"\x4f\x1f"


def one_by_one(value: bytes, kind: int = 0, instance: int = 1) -> Answer:
    """Know single reads only, and of all properties the present value."""

    def answer(invoke: int, service: int, content: bytes) -> bytes:
        if service == READ_PROPERTY_MULTIPLE:
            return bytes([REJECT, invoke, UNKNOWN_SERVICE])
        number = content[6]
        if number != PRESENT_VALUE:
            return bytes([0x50, invoke, service]) + b"\x91\x02\x91\x20"
        return ack(invoke, number, value, instance, kind)

    return answer


def only_multiple(answer: Answer) -> Answer:
    """Let the device's own properties be asked for one by one, all else not."""

    def chosen(invoke: int, service: int, content: bytes) -> bytes | None:
        if content[1:3] == b"\x02\x00" or service != READ_PROPERTY_MULTIPLE:
            return bytes([REJECT, invoke, UNKNOWN_SERVICE])
        return answer(invoke, service, content)

    return chosen


def at_once(value: bytes, kind: int = 0, instance: int = 1) -> Answer:
    """Answer every ReadPropertyMultiple with one present value."""
    return only_multiple(
        lambda invoke, service, _content: (
            bytes([COMPLEX_ACK, invoke, service]) + multiple(kind, instance, value)
        )
    )


@pytest.mark.parametrize("form", [one_by_one, at_once])
async def test_answer_about_another_object_is_not_taken(
    stack: BacnetStack, raw_of: PeerOf, form: Callable[..., Answer]
) -> None:
    """Some servers repeat an old answer to a new request of the same number."""
    device = BacnetDevice(stack, await raw_of(form(real(99.0), 0, 2)))
    with pytest.raises(LinkProtocolError, match="the answer is about"):
        await device.read([TANK])
    device = BacnetDevice(stack, await raw_of(form(real(48.5))))
    assert await device.read([TANK]) == {TANK.key: 48.5}


@pytest.mark.parametrize("form", [one_by_one, at_once])
@pytest.mark.parametrize(
    ("point", "value", "expected"),
    [
        (TANK, TEXT, None),
        (TANK, b"\x00", None),
        (TANK, b"\x11", None),
        (TANK, real(float("nan")), None),
        (TANK, real(float("inf")), None),
        (TANK, enumerated(7), 7.0),
        (TANK, b"", None),
        (TANK, real(1.0) + real(2.0), None),
        (ENABLE, real(1.0), True),
        (ENABLE, enumerated(2), None),
        (ENABLE, TEXT, None),
        (LEVEL, enumerated(0), None),
        (LEVEL, TEXT, None),
        (COUNT, LARGEST, float(2**64 - 1)),
        (COUNT, TEXT, None),
    ],
)
async def test_value_of_a_wrong_type_is_unknown(
    stack: BacnetStack,
    raw_of: PeerOf,
    form: Callable[..., Answer],
    point: BacnetPoint,
    value: bytes,
    expected: Value | None,
) -> None:
    device = BacnetDevice(stack, await raw_of(form(value, *point.object_id)))
    assert await device.read([point]) == {point.key: expected}


async def test_one_wrong_value_costs_no_other(
    stack: BacnetStack, raw_of: PeerOf
) -> None:
    """And an object that the answer leaves out is unknown, not an error."""

    def answer(invoke: int, service: int, _content: bytes) -> bytes:
        values = multiple(0, 1, real(48.5)) + multiple(5, 1, TEXT)
        return bytes([COMPLEX_ACK, invoke, service]) + values

    device = BacnetDevice(stack, await raw_of(only_multiple(answer)))
    assert await device.read([TANK, ENABLE, DEMAND]) == {
        TANK.key: 48.5,
        ENABLE.key: None,
        DEMAND.key: None,
    }
    assert device.missing == frozenset()


async def test_answer_after_the_time_out_is_not_taken_for_the_next(
    device: BacnetDevice, bacnet_peer: BacnetPeer
) -> None:
    assert await device.read([TANK]) == {TANK.key: 48.3}
    bacnet_peer.app.delay_s = 3 * bacnet_stack.APDU_TIMEOUT_MS / 1000
    with pytest.raises(LinkConnectionError):
        await device.read([TANK])
    bacnet_peer.app.delay_s = 0
    # The old answers come in between.
    values = [await device.read([DEMAND]) for _ in range(200)]
    assert values == [{DEMAND.key: 1500.0}] * 200
    await asyncio.sleep(2 * bacnet_stack.APDU_TIMEOUT_MS / 1000)
    assert await device.read([TANK]) == {TANK.key: 48.3}


async def test_answer_from_another_address_is_not_taken(
    stack: BacnetStack, raw_of: PeerOf
) -> None:
    forger = RawPeer(lambda *_: None)
    await forger.start()

    def answer(invoke: int, service: int, content: bytes) -> bytes | None:
        if forged := one_by_one(real(99.0))(invoke, service, content):
            forger.send(forged, ("127.0.0.1", stack.port))
        return one_by_one(real(48.5))(invoke, service, content)

    device = BacnetDevice(stack, await raw_of(answer))
    assert await device.read([TANK]) == {TANK.key: 48.5}
    assert forger.sent > 0
    forger.stop()
