"""What controllers of another make command, and what they may not."""

import asyncio
import struct
from typing import Any

from bac_py import Client
from bac_py.services.errors import BACnetError, BACnetRejectError
import pytest

from custom_components.compute_heater.building import bacnet_apdu as apdu
from custom_components.compute_heater.building.bacnet_apdu import ObjectId, Ref
from custom_components.compute_heater.gateway.bacnet import BacnetDevice
from custom_components.compute_heater.gateway.bacnet_refusal import NEVER_DONE
from custom_components.compute_heater.gateway.guard import Guard, Refusal

from .bacnet_site import (
    CONTROLLER,
    DEMAND,
    ENABLE,
    HEARTBEAT,
    HEAT_REQUEST,
    INSTANCE,
    POWER,
    REQUEST,
    SECOND,
    SETPOINT,
    SUPPLY,
    controller,
    served_by,
)
from .modbus_site import Site
from .raw_controller import raw_controller, request

HEAT = "site/heat_request"


async def slots(client: Client, at: str, name: str) -> dict[int, Any]:
    array = await client.read(at, name, "priority-array")
    return {place: value for place, value in enumerate(array, 1) if value is not None}


@pytest.mark.parametrize(
    ("name", "point_id", "value", "expected"),
    [
        (HEAT_REQUEST, HEAT, 2.5, 2.5),
        (POWER, "heater/power_request", 62.1, 62.1),
        (SETPOINT, "heater/supply_setpoint", 65.3, 65.3),
        (ENABLE, "heater/enable", 0, False),
        (REQUEST, "heater/state_request", 3, 3.0),
    ],
)
async def test_command_and_relinquish(
    master: Client, at: str, site: Site, name: str, point_id: str, value: object,
    expected: object,
) -> None:  # fmt: skip
    """As short as it was meant: no 62.0999985 of a 32-bit float."""
    before = await master.read(at, name, "present-value")
    await master.write(at, name, "present-value", value, priority=10)
    assert site.commanded == {point_id: expected}
    assert await master.read(at, name, "present-value") == pytest.approx(value)
    assert await slots(master, at, name) == {10: pytest.approx(value)}
    assert await master.read(at, name, "current-command-priority") == 10
    assert await master.read(at, name, "relinquish-default") == pytest.approx(before)
    await master.write(at, name, "present-value", None, priority=10)
    assert site.commanded == {}
    assert await master.read(at, name, "present-value") == before
    assert await master.read(at, name, "current-command-priority") is None
    assert [one.refusal for one in site.writes] == [None, None]
    assert {(one.peer, one.protocol) for one in site.writes} == {(CONTROLLER, "BACnet")}


async def test_two_controllers(master: Client, at: str, site: Site) -> None:
    async with controller(SECOND) as second:
        await master.write(at, HEAT_REQUEST, "pv", 1.0)
        await second.write(at, HEAT_REQUEST, "pv", 2.0, priority=8)
        assert await slots(second, at, HEAT_REQUEST) == {8: 2.0, 16: 1.0}
        assert site.gateway.value(HEAT) == 2.0
        await second.write(at, HEAT_REQUEST, "pv", None, priority=8)
        assert site.gateway.value(HEAT) == 1.0


@pytest.mark.parametrize(
    ("name", "property_name", "value", "priority", "error", "refusal"),
    [
        (HEAT_REQUEST, "pv", 3.1, 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (HEAT_REQUEST, "pv", -0.1, 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (HEAT_REQUEST, "pv", float("nan"), 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (HEAT_REQUEST, "pv", float("inf"), 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (HEAT_REQUEST, "pv", "much", 8, "INVALID_DATA_TYPE", Refusal.WRONG_TYPE),
        (HEAT_REQUEST, "pv", True, 8, "INVALID_DATA_TYPE", Refusal.WRONG_TYPE),
        (HEAT_REQUEST, "pv", 1.0, 6, "WRITE_ACCESS_DENIED", Refusal.WRONG_PRIORITY),
        (REQUEST, "pv", 0, 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (REQUEST, "pv", 5, 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (ENABLE, "pv", 2, 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (ENABLE, "pv", 2**32 - 1, 8, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (ENABLE, "pv", "Yes", 8, "INVALID_DATA_TYPE", Refusal.WRONG_TYPE),
        (REQUEST, "pv", "Full", 8, "INVALID_DATA_TYPE", Refusal.WRONG_TYPE),
        (HEARTBEAT, "pv", None, 8, "INVALID_DATA_TYPE", Refusal.WRONG_TYPE),
        (HEARTBEAT, "pv", 65536.0, None, "VALUE_OUT_OF_RANGE", Refusal.OUT_OF_RANGE),
        (DEMAND, "pv", 1.0, 8, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        (SUPPLY, "out-of-service", True, None, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        (HEAT_REQUEST, "out-of-service", True, None, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        (HEAT_REQUEST, "relinquish-default", 3.0, None, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        (HEAT_REQUEST, "max-pres-value", 9.0, None, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        (HEAT_REQUEST, "object-name", "mine", None, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        (f"device,{INSTANCE}", "object-name", "mine", None, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        ("network-port,1", "object-name", "mine", None, "WRITE_ACCESS_DENIED", Refusal.NOT_WRITABLE),
        ("av,999", "pv", 1.0, 8, "UNKNOWN_OBJECT", Refusal.NOT_WRITABLE),
        (HEAT_REQUEST, "polarity", 1, None, "UNKNOWN_PROPERTY", Refusal.NOT_WRITABLE),
    ],
)  # fmt: skip
async def test_what_is_refused(
    master: Client, at: str, site: Site, name: str, property_name: str, value: object,
    priority: int | None, error: str, refusal: Refusal,
) -> None:  # fmt: skip
    before = {
        key: site.gateway.value(key) for key in site.gateway.points
    }  # of everything
    with pytest.raises(BACnetError, match=error):
        await master.write(at, name, property_name, value, priority=priority)
    assert site.commanded == {}
    assert {key: site.gateway.value(key) for key in before} == before
    (event,) = site.writes
    assert (event.refusal, event.peer) == (refusal, CONTROLLER)


@pytest.mark.parametrize("priority", [0, 17, 1000])
async def test_priorities_that_there_are_not(
    at: str, site: Site, priority: int
) -> None:
    content = apdu.write_property(Ref(ObjectId(2, 60), 85), apdu.real(1.0), priority)
    async with raw_controller(CONTROLLER) as raw:
        raw.send(request(7, 15, content), at)
        # Error, services, parameter out of range.
        assert await raw.answer(7) == b"\x50\x07\x0f\x91\x05\x91\x50"
    assert [one.refusal for one in site.writes] == [Refusal.WRONG_PRIORITY]


async def test_part_of_a_value(at: str, site: Site) -> None:
    """An element of what is no array, two values, a value in a value."""
    target = ObjectId(2, 60)
    async with raw_controller(CONTROLLER) as raw:
        for invoke_id, content, answer in (
            (1, apdu.write_property(Ref(target, 85, 1), apdu.real(1.0), 8), (2, 50)),
            (2, apdu.write_property(Ref(target, 85), apdu.real(1.0) * 2, 8), (2, 9)),
            (3, apdu.write_property(Ref(target, 85), b"", 8), (2, 9)),
            (4, apdu.write_property(Ref(target, 85), b"\x1e\x44\0\0\0\0\x1f", 8), (2, 9)),
            (5, apdu.write_property(Ref(target, 87, 3), apdu.real(1.0), 8), (2, 40)),
        ):  # fmt: skip
            raw.send(request(invoke_id, 15, content), at)
            expected = bytes([0x50, invoke_id, 15, 0x91, answer[0], 0x91, answer[1]])
            assert await raw.answer(invoke_id) == expected
    assert site.commanded == {}


async def test_many_at_once(master: Client, at: str, site: Site) -> None:
    await master.write_multiple(
        at,
        {POWER: {"pv": 50.0}, SETPOINT: {"pv": 45.0}, REQUEST: {"pv": 3}},
        priority=9,
    )
    assert site.commanded == {
        "heater/power_request": 50.0,
        "heater/supply_setpoint": 45.0,
        "heater/state_request": 3.0,
    }
    assert site.commands == 1


@pytest.mark.parametrize(
    "bad",
    [
        (Ref(ObjectId(2, 60), 85), apdu.real(99.0), b"\x91\x02\x91\x25"),
        (Ref(ObjectId(0, 6), 85), apdu.real(1.0), b"\x91\x02\x91\x28"),
        (Ref(ObjectId(2, 999), 85), apdu.real(1.0), b"\x91\x01\x91\x1f"),
        (Ref(ObjectId(2, 60), 84), apdu.enumerated(1), b"\x91\x02\x91\x20"),
        (Ref(ObjectId(2, 60), 85), apdu.unsigned(1), b"\x91\x02\x91\x09"),
    ],
)
async def test_one_of_many_is_refused_and_none_is_taken(
    at: str, site: Site, bad: tuple[Ref, bytes, bytes]
) -> None:
    """The answer names the one that is to blame."""
    ref, value, error = bad

    def one(ref: Ref, value: bytes) -> bytes:
        return apdu.context_object(0, ref.object) + apdu.enclosed(
            1, apdu.context_unsigned(0, ref.property) + apdu.enclosed(2, value)
        )

    good = one(Ref(ObjectId(2, 161), 85), apdu.real(50.0))
    async with raw_controller(CONTROLLER) as raw:
        raw.send(request(9, 16, good + one(ref, value) + good), at)
        where = apdu.context_object(0, ref.object) + apdu.context_unsigned(
            1, ref.property
        )
        expected = apdu.enclosed(0, error) + apdu.enclosed(1, where)
        assert await raw.answer(9) == b"\x50\x09\x10" + expected
    assert (site.commanded, site.commands) == ({}, 0)


async def test_too_often(master: Client, at: str, site: Site) -> None:
    """Device busy: it may try again; what it commanded before holds."""
    for number in range(20):
        await master.write(at, HEAT_REQUEST, "pv", number / 10)
    with pytest.raises(BACnetError, match="DEVICE_BUSY"):
        await master.write(at, HEAT_REQUEST, "pv", 2.5)
    assert site.commanded == {HEAT: 1.9}
    site.now += 1
    await master.write(at, HEAT_REQUEST, "pv", 2.5)
    assert site.commanded == {HEAT: 2.5}


async def test_a_flood_keeps_no_other_controller_out(
    master: Client, at: str, site: Site
) -> None:
    """Whoever writes too often is refused alone; it may still take back."""
    async with controller(SECOND) as second:
        for number in range(20):
            await second.write(at, HEAT_REQUEST, "pv", number / 10)
        for number in range(20):
            with pytest.raises(BACnetError, match="DEVICE_BUSY"):
                await second.write(at, HEAT_REQUEST, "pv", 2.5)
            await master.write(at, HEAT_REQUEST, "pv", number / 10, priority=8)
        await second.write(at, HEAT_REQUEST, "pv", None)
    with pytest.raises(BACnetError, match="DEVICE_BUSY"):
        await master.write(at, HEAT_REQUEST, "pv", 2.5, priority=8)
    assert await slots(master, at, HEAT_REQUEST) == {8: pytest.approx(1.9)}


async def test_heartbeat(master: Client, at: str, site: Site) -> None:
    """It needs no priority, has none, and keeps commands alive."""
    await master.write(at, HEAT_REQUEST, "pv", 2.0)
    for number in range(1, 5):
        site.now += 50
        await master.write(at, HEARTBEAT, "pv", float(number))
        site.gateway.expire(site.now)
    assert await master.read(at, HEARTBEAT, "pv") == 4.0
    assert site.commanded == {HEAT: 2.0}
    with pytest.raises(BACnetError, match="UNKNOWN_PROPERTY"):
        await master.read(at, HEARTBEAT, "priority-array")


async def test_silence_is_a_failure_of_communication(
    master: Client, at: str, site: Site
) -> None:
    await master.write(at, HEAT_REQUEST, "pv", 2.0)
    site.now += 60
    site.gateway.expire(site.now)
    assert await master.read(at, HEAT_REQUEST, "pv") == 0.0
    assert await master.read(at, HEAT_REQUEST, "reliability") == 12
    assert [*await master.read(at, HEAT_REQUEST, "status-flags")][1]
    await master.write(at, HEAT_REQUEST, "pv", 1.0)
    assert await master.read(at, HEAT_REQUEST, "reliability") == 0


async def test_reads_of_what_it_commands_keep_it_alive(
    master: Client, at: str, site: Site
) -> None:
    await master.write(at, HEAT_REQUEST, "pv", 2.0)
    for read in (
        lambda: master.read(at, HEAT_REQUEST, "pv"),
        lambda: master.read_multiple(at, {HEAT_REQUEST: ["pv"]}),
    ):
        site.now += 50
        await read()
        site.gateway.expire(site.now)
        assert site.silent == []
    site.now += 50
    await master.read(at, DEMAND, "pv")
    site.now += 10
    site.gateway.expire(site.now)
    assert site.silent == [CONTROLLER]


async def test_server_for_reading_only(stack: Any, site: Site, master: Client) -> None:
    guard = Guard(site.guard._peers, commands=False)
    device = served_by(stack, site, guard=guard)
    await device.start()
    with pytest.raises(BACnetError, match="WRITE_ACCESS_DENIED"):
        await master.write(stack.endpoint, HEAT_REQUEST, "pv", 1.0)
    await master.write(stack.endpoint, HEARTBEAT, "pv", 1.0)
    await device.stop()


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (
            lambda client, at: client.device_communication_control(at, "disable", 1),
            ["DeviceCommunicationControl"],
        ),
        (
            lambda client, at: client.reinitialize_device(at, "coldstart"),
            ["ReinitializeDevice"],
        ),
        (
            lambda client, at: client.create_object(at, object_type="av"),
            ["CreateObject"],
        ),
        (lambda client, at: client.delete_object(at, HEAT_REQUEST), ["DeleteObject"]),
        (lambda client, at: client.send_text_message(at, "hello"), []),
    ],
    ids=["communication", "restart", "create", "delete", "text"],
)
async def test_services_that_we_do_not_have(
    master: Client, at: str, site: Site, device: BacnetDevice, ask: Any,
    told: list[str],
) -> None:  # fmt: skip
    """Those that would change us are told of."""
    with pytest.raises(BACnetRejectError):
        await ask(master, at)
    assert await master.read(at, DEMAND, "pv") == 2.5
    assert len(await master.get_object_list(at, INSTANCE)) == 2 + len(
        site.gateway.points
    )
    assert [one.service for one in site.writes] == told
    for event in site.writes:
        assert (event.peer, event.refusal) == (CONTROLLER, Refusal.NOT_WRITABLE)


async def test_every_other_service(at: str, site: Site) -> None:
    """Files, lists, private transfer, terminals, and what the standard has not yet."""
    ours = {5, 12, 14, 15, 16, 28}
    others = [number for number in range(2, 256) if number not in ours]
    async with raw_controller(CONTROLLER) as raw:
        for service in others:
            raw.send(request(service, service, b"\x09\x00"), at)
            assert await raw.answer(service) == bytes([0x60, service, 9])
    assert [one.service for one in site.writes] == [*NEVER_DONE.values()]


async def test_clock_is_not_set(master: Client, at: str) -> None:
    """Time synchronization has no answer; it just does nothing."""
    async with raw_controller(CONTROLLER) as raw:
        raw.send(b"\x10\x06\xa4\x64\x01\x01\x01\xb4\x00\x00\x00\x00", at)
        assert await master.read(at, DEMAND, "pv") == 2.5
        assert raw.heard == []


async def test_requests_at_the_same_time(master: Client, at: str, site: Site) -> None:
    values = [number / 10 for number in range(15)]
    await asyncio.gather(
        *(master.write(at, POWER, "pv", value, priority=9) for value in values)
    )
    assert site.commanded["heater/power_request"] in values
    raw_value = struct.pack(">f", await master.read(at, POWER, "pv"))
    assert raw_value in [struct.pack(">f", value) for value in values]
