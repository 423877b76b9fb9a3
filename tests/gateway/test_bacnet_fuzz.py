"""Nonsense, forbidden requests and floods over UDP: no command changes by them.

What a stranger sends changes nothing at all. What comes from a controller may by chance be
a command that it might give; then it was told as taken, and keeps within the limits.
"""

import asyncio
from collections.abc import Callable
import gc
import logging
import os
import random
import tracemalloc
from typing import Any

import pytest

from custom_components.compute_heater.building import bacnet_apdu as apdu
from custom_components.compute_heater.building.bacnet_apdu import ObjectId, Ref
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.gateway.bacnet import BacnetDevice
from custom_components.compute_heater.gateway.gateway import WriteEvent
from custom_components.compute_heater.gateway.guard import Refusal

from .bacnet_site import CONTROLLER, INSTANCE, SECOND, STRANGER
from .modbus_site import Site
from .raw_controller import (
    BROADCAST,
    DIRECT,
    FORWARDED,
    RawController,
    raw_controller,
    request,
)

MOST_GROWTH = 150_000
"""Bytes: caches and queues fill up in the first part, and nothing grows after it."""

COUNTS = [
    600,
    pytest.param(
        10_000,
        marks=(
            pytest.mark.long,
            pytest.mark.timeout(900),
            pytest.mark.skipif(
                not os.environ.get("COMPUTE_HEATER_LONG"),
                reason="only with scripts/test --long",
            ),
        ),
    ),
]

HEAT, POWER, DEMAND = ObjectId(2, 60), ObjectId(2, 161), ObjectId(0, 6)
OWN = ObjectId(8, INSTANCE)


def _one(target: ObjectId, number: int, value: bytes, priority: int | None) -> bytes:
    written = apdu.context_unsigned(0, number) + apdu.enclosed(2, value)
    if priority is not None:
        written += apdu.context_unsigned(3, priority)
    return apdu.context_object(0, target) + apdu.enclosed(1, written)


FORBIDDEN = [
    (15, apdu.write_property(Ref(HEAT, 85), apdu.real(99.0), 8)),
    (15, apdu.write_property(Ref(HEAT, 85), apdu.real(float("nan")), 8)),
    (15, apdu.write_property(Ref(HEAT, 85), apdu.real(1.0), 6)),
    (15, apdu.write_property(Ref(HEAT, 85), apdu.unsigned(1), 8)),
    (15, apdu.write_property(Ref(HEAT, 85, 1), apdu.real(1.0), 8)),
    (15, apdu.write_property(Ref(HEAT, 87, 8), apdu.real(1.0), None)),
    (15, apdu.write_property(Ref(HEAT, 104), apdu.real(3.0), None)),
    (15, apdu.write_property(Ref(HEAT, 65), apdu.real(9.0), None)),
    (15, apdu.write_property(Ref(HEAT, 81), apdu.boolean(True), None)),
    (15, apdu.write_property(Ref(DEMAND, 85), apdu.real(1.0), None)),
    (15, apdu.write_property(Ref(OWN, 75), apdu.object_identifier(OWN), None)),
    (15, apdu.write_property(Ref(OWN, 77), apdu.character_string("x"), None)),
    (16, _one(POWER, 85, apdu.real(50.0), 8) + _one(HEAT, 85, apdu.real(9.9), 8)),
    (16, _one(POWER, 85, apdu.real(50.0), 8) + _one(DEMAND, 85, apdu.real(1.0), 8)),
    (17, b"\x09\x05\x19\x01"),  # DeviceCommunicationControl: disable
    (20, b"\x09\x00"),  # ReinitializeDevice
    (10, b"\x0e\x09\x02\x0f"),  # CreateObject
    (11, apdu.object_identifier(HEAT)),  # DeleteObject
    (8, apdu.context_object(0, HEAT) + b"\x19\x57\x3e\x44\0\0\0\0\x3f"),
    (7, apdu.object_identifier(ObjectId(10, 1)) + b"\x0e\x31\x00\x61\x41\x0f"),
    (1, b"\x09\x01" + apdu.context_object(1, OWN)),
]
"""Services with requests that are never fulfilled."""
ALLOWED = [
    (12, apdu.read_property(Ref(HEAT, 85))),
    (12, apdu.read_property(Ref(OWN, 76))),
    (14, apdu.read_property_multiple([Ref(HEAT, 8), Ref(OWN, 8), Ref(POWER, 87)])),
    (15, apdu.write_property(Ref(HEAT, 85), apdu.real(1.0), 8)),
    (15, apdu.write_property(Ref(HEAT, 85), apdu.null(), 8)),
    (16, _one(POWER, 85, apdu.real(50.0), 9) + _one(HEAT, 85, apdu.real(1.0), 9)),
    (5, b"\x09\x01" + apdu.context_object(1, HEAT) + b"\x29\x00\x39\x3c"),
    (28, b"\x09\x01" + apdu.context_object(1, HEAT) + b"\x29\x01\x39\x3c\x4e\x09\x55\x4f"),
]  # fmt: skip


def mutated(rng: random.Random, content: bytes) -> bytes:
    """Change a few bytes, cut, double or lengthen."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0 if changed:
                changed[place % len(changed)] = rng.randrange(256)
            case 1 if changed:
                changed[place % len(changed)] ^= 1 << rng.randrange(8)
            case 2:
                del changed[place:]
            case 3:
                changed[place:place] = rng.randbytes(rng.randint(1, 20))
            case _:
                changed += changed[:place]
    return bytes(changed[:1400])


def hostile(rng: random.Random, *, allowed: bool) -> tuple[bytes, dict[str, Any]]:
    """Return an APDU, and what the lower layers put around it."""
    invoke_id = rng.randrange(256)
    service, content = rng.choice(FORBIDDEN + (ALLOWED if allowed else []))
    around: dict[str, Any] = {}
    match rng.randrange(10):
        case 0:
            message = rng.randbytes(rng.randint(0, 60))
        case 1:
            # The other types of messages: unconfirmed, acks, errors, aborts.
            message = bytes([rng.randrange(0x10, 0x80)]) + rng.randbytes(
                rng.randint(0, 40)
            )
        case 2:
            # One segment of many.
            head = bytes([0x0E, 0x75, invoke_id, rng.randrange(3), 2, service])
            message = head + content
        case 3:
            message = request(invoke_id, service, content)
            around["network"] = b"\x01" + rng.randbytes(rng.randint(1, 12))
        case 4:
            message = request(invoke_id, service, content)
            around["function"] = rng.choice([BROADCAST, FORWARDED, rng.randrange(256)])
            around["origin"] = rng.randbytes(6)
        case 5:
            message = mutated(rng, request(invoke_id, service, content))
        case 6:
            message = request(invoke_id, rng.randrange(256), mutated(rng, content))
        case 7 | 8:
            message = request(invoke_id, service, mutated(rng, content))
        case _:
            message = request(invoke_id, service, content)
    return message, {"network": DIRECT, **around}


async def read(raw: RawController, at: str, invoke_id: int) -> None:
    """See that the device answers, after all that it was sent before."""
    raw.heard.clear()
    raw.send(request(invoke_id, 12, apdu.read_property(Ref(DEMAND, 85))), at)
    answer = await raw.answer(invoke_id)
    assert answer[:3] == bytes([0x30, invoke_id, 12])
    assert answer.endswith(apdu.enclosed(3, apdu.real(2.5)))


def replayed(events: list[WriteEvent]) -> dict[str, dict[int, object]]:
    """Return what must be commanded when that was taken."""
    slots: dict[str, dict[int, object]] = {}
    for event in events:
        if event.refusal is not None or event.point is None:
            continue
        if not event.point.is_command:
            continue
        of_point = slots.setdefault(event.point.point_id, {})
        if event.value is None:
            of_point.pop(event.priority, None)
        else:
            of_point[event.priority] = event.value
    return {key: of_point for key, of_point in slots.items() if of_point}


def commanded(site: Site) -> dict[str, dict[int, object]]:
    found = {}
    for key in site.gateway.points:
        commands = site.gateway.commands(key)
        slots = {
            number: slot.value
            for number, slot in enumerate(commands.slots if commands else (), 1)
            if slot is not None
        }
        if slots:
            found[key] = slots
    return found


async def flood(
    device: BacnetDevice,
    at: str,
    ip: str,
    count: int,
    message: Callable[[int], tuple[bytes, dict[str, Any]]],
) -> int:
    """Send, looking every now and then that it answers; return how memory has grown."""
    loop = asyncio.get_running_loop()
    found: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: found.append(context))
    sizes = []
    tracemalloc.start()
    async with raw_controller(ip) as raw, raw_controller(CONTROLLER) as calm:
        for number in range(count):
            apdu_, around = message(number)
            raw.send(apdu_, at, **around)
            if number % 25 == 24:
                await read(calm, at, number // 25 % 256)
                raw.heard.clear()
            if number in (count // 4, count // 2, count - 1):
                await at_rest(device)
                sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    gc.collect()
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    assert found == []
    return sizes[-1] - sizes[0]


async def at_rest(device: BacnetDevice) -> None:
    """Wait until no request is in hand any more; those in segments take their time."""
    app = device.stack.app
    async with asyncio.timeout(20):
        while app.asap.serverTransactions or app._requests:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
    gc.collect()


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("seed", [1])
async def test_strangers(
    device: BacnetDevice, at: str, site: Site, count: int, seed: int,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.WARNING)
    rng = random.Random(seed)
    writes = 0

    def note(event: WriteEvent) -> None:
        nonlocal writes
        writes += 1
        assert (event.peer, event.refusal) == (STRANGER, Refusal.FOREIGN_PEER)

    site.gateway._on_write = note
    grown = await flood(
        device, at, STRANGER, count, lambda _: hostile(rng, allowed=True)
    )
    assert (site.commanded, site.commands, device.subscriptions) == ({}, 0, 0)
    assert writes > count // 20
    assert grown < MOST_GROWTH
    assert caplog.records == []


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("seed", [2])
async def test_controller_gone_mad(
    device: BacnetDevice, at: str, site: Site, count: int, seed: int,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.WARNING)
    rng = random.Random(seed)
    grown = await flood(device, at, SECOND, count, lambda _: hostile(rng, allowed=True))
    assert commanded(site) == replayed(site.writes)
    for event in site.writes:
        if event.refusal is None and event.value is not None:
            assert event.point is not None
            site.guard.check(event.point, event.value, event.priority)
    refused = sum(event.refusal is not None for event in site.writes)
    assert refused > count // 40
    # Events are kept by the test.
    assert grown < MOST_GROWTH + 300 * len(site.writes)
    assert caplog.records == []


@pytest.mark.parametrize("count", COUNTS)
async def test_flood_of_good_commands(
    device: BacnetDevice, at: str, site: Site, count: int
) -> None:
    """What is too often is refused; the last that was taken holds."""

    def command(number: int) -> tuple[bytes, dict[str, Any]]:
        value = apdu.real(3 * number / count)
        content = apdu.write_property(Ref(HEAT, 85), value, 8)
        return request(number % 256, 15, content), {}

    grown = await flood(device, at, SECOND, count, command)
    taken = [event for event in site.writes if event.refusal is None]
    assert len(taken) == 20
    assert site.commanded == {"site/heat_request": taken[-1].value}
    assert site.commands == 20
    refusals = {event.refusal for event in site.writes}
    assert refusals == {None, Refusal.TOO_OFTEN}
    assert grown < MOST_GROWTH + 300 * len(site.writes)


@pytest.mark.parametrize("count", COUNTS)
async def test_forbidden_requests_as_they_are(
    stack: BacnetStack, device: BacnetDevice, at: str, site: Site, count: int
) -> None:
    """From a controller that may command: each is refused, and none is half taken."""
    instance, name = stack.instance, stack.app.device_object.objectName

    def forbidden(number: int) -> tuple[bytes, dict[str, Any]]:
        service, content = FORBIDDEN[number % len(FORBIDDEN)]
        return request(number % 256, service, content), {}

    grown = await flood(device, at, SECOND, count, forbidden)
    assert (site.commanded, site.commands, device.subscriptions) == ({}, 0, 0)
    assert all(event.refusal is not None for event in site.writes)
    assert (stack.instance, stack.app.device_object.objectName) == (instance, name)
    assert grown < MOST_GROWTH + 300 * len(site.writes)
