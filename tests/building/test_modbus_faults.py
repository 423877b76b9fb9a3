"""What becomes of a link when the device misbehaves, and afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import struct

from modbus_connection import ModbusTcpParams
from modbus_connection.tmodbus import ModbusConnection
import pytest

from custom_components.compute_heater.building import modbus_unit
from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_point import ModbusPoint
from custom_components.compute_heater.building.points import (
    LinkConnectionError,
    LinkError,
    LinkProtocolError,
    PointRefusedError,
)

from .conftest import UnitOf, always
from .modbus_peer import Cut, ModbusPeer, serve_raw

POINT = ModbusPoint.from_dict(
    {
        "space": "holding", "address": 20, "data_type": "uint16",
        "writable": True, "minimum": 0, "maximum": 800,
    }
)  # fmt: skip
BUSY = 6
ILLEGAL_VALUE = 3
READ = 3


class Faulty:
    """A device with one register, whose next answers are spoiled."""

    def __init__(self) -> None:
        self.value = 500
        self.faults: list[Callable[[bytes], bytes | None]] = []
        """Each spoils one answer; then answers are right again."""
        self.asked = 0

    async def answer(self, frame: bytes) -> bytes | None:
        self.asked += 1
        head, function, body = frame[:4], frame[7], frame[8:]
        if function == READ:
            body = struct.pack(">BH", 2, self.value)
        else:
            (self.value,) = struct.unpack(">H", body[2:4])
        reply = head + struct.pack(">HBB", len(body) + 2, frame[6], function) + body
        return self.faults.pop(0)(reply) if self.faults else reply


def truncated(reply: bytes) -> bytes:
    return reply[:-1]


def without_data(reply: bytes) -> bytes:
    return reply[:4] + b"\0\3" + reply[6:8] + b"\2"


def too_few_bytes(reply: bytes) -> bytes:
    return reply[:4] + b"\0\4" + reply[6:8] + b"\1\7"


def of_another_transaction(reply: bytes) -> bytes:
    return b"\x77\x77" + reply[2:]


def of_another_unit(reply: bytes) -> bytes:
    return reply[:6] + b"\x09" + reply[7:]


def of_another_function(reply: bytes) -> bytes:
    return reply[:7] + b"\x04" + reply[8:]


def noise(reply: bytes) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def cut_off(reply: bytes) -> bytes:
    return Cut(reply[:9])


def hung_up(reply: bytes) -> None:
    return None


def refusing(code: int) -> Callable[[bytes], bytes]:
    return lambda reply: (
        reply[:4] + b"\0\3" + reply[6:7] + bytes([reply[7] | 0x80, code])
    )


@asynccontextmanager
async def link_to(faulty: Faulty, timeout: float = 0.2) -> AsyncIterator[ModbusDevice]:
    async with serve_raw(faulty.answer) as port:
        connection = ModbusConnection(
            ModbusTcpParams(host="127.0.0.1", port=port), timeout=timeout
        )
        try:
            yield ModbusDevice(always(connection.for_unit(1)), [POINT])
        finally:
            await connection.close()


@pytest.mark.parametrize(
    ("fault", "error", "lost"),
    [
        # The rest of the answer is waited for, and the next one taken for it.
        (truncated, LinkConnectionError, 2),
        (without_data, LinkProtocolError, 1),
        (too_few_bytes, LinkProtocolError, 1),
        (of_another_transaction, LinkConnectionError, 1),
        (of_another_unit, LinkProtocolError, 1),
        (of_another_function, LinkProtocolError, 1),
        (noise, LinkConnectionError, 1),
        (cut_off, LinkConnectionError, 1),
        (hung_up, LinkConnectionError, 1),
    ],
)
async def test_spoiled_answer_is_an_error_and_the_link_recovers(
    fault: Callable[[bytes], bytes | None], error: type[LinkError], lost: int
) -> None:
    """No wrong value is ever believed, and nothing has to be opened anew by us."""
    faulty = Faulty()
    async with link_to(faulty) as device:
        assert await device.read() == {POINT.key: 500}
        faulty.faults = [fault]
        faulty.value = 501
        with pytest.raises(error):
            await device.read()
        for _ in range(lost - 1):
            with pytest.raises(LinkConnectionError):
                await device.read()
        assert await device.read() == {POINT.key: 501}
        assert device.refused == frozenset()


@pytest.mark.parametrize("fault", [of_another_transaction, cut_off, of_another_unit])
async def test_unanswered_write_may_have_arrived(
    fault: Callable[[bytes], bytes | None],
) -> None:
    faulty = Faulty()
    async with link_to(faulty) as device:
        faulty.faults = [fault]
        with pytest.raises(LinkError) as caught:
            await device.write(POINT, 600)
        assert caught.value.command_stays
        assert faulty.value == 600


async def test_refused_write_changed_nothing() -> None:
    faulty = Faulty()
    async with link_to(faulty) as device:
        faulty.faults = [refusing(ILLEGAL_VALUE)]
        with pytest.raises(PointRefusedError) as caught:
            await device.write(POINT, 600)
        assert not caught.value.command_stays


async def test_write_is_read_back_through_a_passing_refusal() -> None:
    """The write was acknowledged; that it cannot be read now is no failure."""
    faulty = Faulty()
    async with link_to(faulty) as device:
        faulty.faults = [lambda reply: reply, refusing(4)]
        assert await device.write(POINT, 600) is None
        assert faulty.value == 600


async def test_busy_device_is_asked_again() -> None:
    faulty = Faulty()
    async with link_to(faulty) as device:
        faulty.faults = [refusing(BUSY), refusing(BUSY)]
        assert await device.read() == {POINT.key: 500}
        assert faulty.asked == 3


async def test_device_that_stays_busy_does_not_hold_the_line_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modbus_unit, "REQUEST_LIMIT_S", 0.25)
    faulty = Faulty()
    async with link_to(faulty) as device:
        faulty.faults = [refusing(BUSY)] * 100
        with pytest.raises(LinkConnectionError):
            await device.read()
        faulty.faults = []
        assert await device.read() == {POINT.key: 500}


async def test_dead_register_is_asked_once_a_day_in_the_end(
    modbus_peer: ModbusPeer, unit_of: UnitOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a minute first, for devices refuse while they start; 99 others stay fresh."""
    loop = asyncio.get_running_loop()
    began, passed = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: began() + passed)
    points = [
        ModbusPoint.from_dict(
            {"space": "holding", "address": address, "data_type": "uint16"}
        )
        for address in range(100)
    ]
    modbus_peer.dead = {47}
    device = ModbusDevice(always(unit_of(modbus_peer.port)), points)

    async def asks_again() -> bool:
        modbus_peer.requests.clear()
        values = await device.read()
        assert sum(value is not None for value in values.values()) >= 99
        return (3, 47, 1) in modbus_peer.requests

    await device.read()
    assert not await asks_again()
    passed += 61
    assert await asks_again()
    passed += 61
    assert not await asks_again(), "the pause doubles"
    for _ in range(12):
        passed += 86401
        assert await asks_again()
    passed += 86000
    assert not await asks_again()
    modbus_peer.dead = set()
    passed += 401
    assert await asks_again()
    assert device.refused == frozenset()
    assert None not in (await device.read()).values()
