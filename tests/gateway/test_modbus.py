"""The Modbus server: what it answers, and what becomes of what is written."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import IPv4Network
import math
import struct

import pytest

from custom_components.compute_heater.gateway import modbus_connections, modbus_requests
from custom_components.compute_heater.gateway.guard import BURST, Guard, Refusal
from custom_components.compute_heater.gateway.modbus import ModbusServer
from custom_components.compute_heater.gateway.register_map import RegisterMap

from .modbus_raw import RawClient, client
from .modbus_site import HOST, NUMBERS, Site, points

FUNCTION, ADDRESS, VALUE, BUSY, TARGET = 1, 2, 3, 6, 11
ENABLE, STATE, POWER, SETPOINT = 100, 101, 102, 104
POWER_SCALED, SETPOINT_SCALED = 110, 111
NONE = 0x8000
NAN = [0x7FC0, 0]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def server(site: Site) -> AsyncIterator[ModbusServer]:
    async with site.served() as running:
        yield running


@pytest.fixture
async def master(server: ModbusServer) -> AsyncIterator[RawClient]:
    async with client(server.port) as connected:
        yield connected


def words(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def refusals(site: Site) -> list[Refusal | None]:
    return [event.refusal for event in site.writes]


async def test_reading(master: RawClient) -> None:
    site_block = await master.read(4, 0, 28)
    assert site_block[0] == 0x4348
    assert await master.read(4, 122, 1) == [543]
    assert await master.read(4, 106, 2) == words(54.3)


async def test_heartbeat_counts_seconds(site: Site, master: RawClient) -> None:
    assert await master.read(4, 2, 1) == [0]
    site.now += 1
    assert await master.read(4, 2, 1) == [1]
    site.now += 0x10000
    assert await master.read(4, 2, 1) == [1]


async def test_holding_register_has_what_holds(site: Site, master: RawClient) -> None:
    assert await master.read(3, ENABLE, 6) == [1, 1, 0, 0, *words(65.3)]
    assert await master.write(POWER_SCALED, 405) == 0
    assert await master.write(SETPOINT, *words(55.5)) == 0
    assert await master.read(3, ENABLE, 6) == [1, 1, *words(40.5), *words(55.5)]
    assert await master.read(3, POWER_SCALED, 2) == [405, 555]
    assert site.commanded == {
        "heater/power_request": 40.5,
        "heater/supply_setpoint": 55.5,
    }
    assert site.commands == 2


@pytest.mark.parametrize(
    ("address", "written", "point", "value"),
    [
        (ENABLE, [0], "heater/enable", False),
        (STATE, [4], "heater/state_request", 4.0),
        (POWER, words(0.1), "heater/power_request", 0.1),
        (POWER_SCALED, [1000], "heater/power_request", 100.0),
        (SETPOINT, words(65.3), "heater/supply_setpoint", 65.3),
        (SETPOINT_SCALED, [653], "heater/supply_setpoint", 65.3),
        (2, words(3), "site/heat_request", 3.0),
        (10, [30], "site/heat_request", 3.0),
    ],
)
async def test_command_and_taking_it_back(
    site: Site,
    master: RawClient,
    address: int,
    written: list[int],
    point: str,
    value: float | bool,
) -> None:
    before = await master.read(3, address, len(written))
    assert await master.write(address, *written) == 0
    assert site.commanded == {point: value}
    assert type(site.commanded[point]) is type(value)
    assert await master.read(3, address, len(written)) == written
    assert await master.write(address, *([NONE] if len(written) == 1 else NAN)) == 0
    assert site.commanded == {}
    assert await master.read(3, address, len(written)) == before
    assert refusals(site) == [None, None]
    assert {event.peer for event in site.writes} == {HOST}
    assert {event.protocol for event in site.writes} == {"Modbus"}


async def test_priority_of_the_server(site: Site) -> None:
    async with (
        site.served(priority=10) as above,
        site.served() as below,
        client(above.port) as upper,
        client(below.port) as lower,
    ):
        assert await upper.write(ENABLE, 0) == 0
        assert await lower.write(ENABLE, 1) == 0
        assert site.commanded == {"heater/enable": False}
        assert await lower.read(3, ENABLE, 1) == [0]
        assert await upper.write(ENABLE, NONE) == 0
        assert site.commanded == {"heater/enable": True}


@pytest.mark.parametrize(
    ("address", "written", "code", "refusal"),
    [
        (ENABLE, [2], VALUE, Refusal.OUT_OF_RANGE),
        (STATE, [0], VALUE, Refusal.OUT_OF_RANGE),
        (STATE, [5], VALUE, Refusal.OUT_OF_RANGE),
        (POWER, words(100.1), VALUE, Refusal.OUT_OF_RANGE),
        (POWER, words(-1), VALUE, Refusal.OUT_OF_RANGE),
        (POWER, words(math.inf), VALUE, Refusal.OUT_OF_RANGE),
        (POWER_SCALED, [0xFFFF], VALUE, Refusal.OUT_OF_RANGE),
        (SETPOINT_SCALED, [654], VALUE, Refusal.OUT_OF_RANGE),
        (SETPOINT, words(19.9), VALUE, Refusal.OUT_OF_RANGE),
    ],
)
async def test_value_that_is_refused(
    site: Site,
    master: RawClient,
    address: int,
    written: list[int],
    code: int,
    refusal: Refusal,
) -> None:
    assert await master.write(address, *written) == code
    assert (site.commanded, site.commands) == ({}, 0)
    assert refusals(site) == [refusal]


@pytest.mark.parametrize(
    ("address", "written", "code"),
    [
        (POWER, [0x42C8], VALUE),
        (POWER + 1, [0], VALUE),
        (ENABLE, [0, 2, 0x42C8], VALUE),
        (0, [1], ADDRESS),
        (106, [1], ADDRESS),
        (ENABLE, [0, 2, 0, 0, 0, 0, 0], ADDRESS),
        (0xFFFF, [0], ADDRESS),
    ],
)
async def test_what_is_no_whole_number_or_not_there(
    site: Site, master: RawClient, address: int, written: list[int], code: int
) -> None:
    """It commands nothing, and is told with where and what it was."""
    assert await master.write(address, *written) == code
    assert site.commanded == {}
    (event,) = site.writes
    refusal = Refusal.NOT_WRITABLE if code == ADDRESS else Refusal.WRONG_TYPE
    assert (event.peer, event.point, event.refusal) == (HOST, None, refusal)
    assert event.value == f"register {address}: {', '.join(map(str, written))}"


async def test_all_or_nothing(site: Site, master: RawClient) -> None:
    good = [0, 3, *words(50), *words(60)]
    for wrong in (
        [2, 3, *words(50), *words(60)],
        [0, 9, *words(50), *words(60)],
        [0, 3, *words(101), *words(60)],
        [0, 3, *words(50), *words(70)],
    ):
        assert await master.write(ENABLE, *wrong) == VALUE
        assert site.commanded == {}
    assert site.commands == 0
    assert await master.write(ENABLE, *good) == 0
    assert len(site.commanded) == 4
    assert site.commands == 1


async def test_heartbeat_together_with_a_command(site: Site, master: RawClient) -> None:
    assert await master.write(1, 7, *words(2.5)) == 0
    assert await master.read(3, 1, 3) == [7, *words(2.5)]
    assert site.commanded == {"site/heat_request": 2.5}


def test_every_refusal_has_an_exception() -> None:
    assert modbus_requests.EXCEPTIONS.keys() == set(Refusal)


async def test_too_often(site: Site, master: RawClient) -> None:
    for number in range(int(BURST)):
        assert await master.write(POWER_SCALED, number) == 0
    assert await master.write(POWER_SCALED, 500) == BUSY
    assert site.commanded == {"heater/power_request": (BURST - 1) / 10}
    # The same once more is no change, and another command has not been too often.
    assert await master.write(POWER_SCALED, int(BURST) - 1) == 0
    assert await master.write(ENABLE, 0) == 0
    site.now += 1
    assert await master.write(POWER_SCALED, 500) == 0


@pytest.mark.parametrize("table", [3, 4])
async def test_what_is_not_there_to_read(master: RawClient, table: int) -> None:
    request = struct.pack(">BHH", table, 99, 2)
    assert await master.ask(request) == bytes([table | 0x80, ADDRESS])


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ("0100000001", FUNCTION),
        ("0500000001", FUNCTION),
        ("0800000000", FUNCTION),
        ("16006400010001", FUNCTION),
        ("2b0e0100", FUNCTION),
        ("80", FUNCTION),
        ("ff", FUNCTION),
        ("03", VALUE),
        ("0300640000", VALUE),
        ("030064007e", VALUE),
        ("03ffff0002", VALUE),
        ("0300640001ff", VALUE),
        ("060064", VALUE),
        ("060064000000", VALUE),
        ("1000640001020000ff", VALUE),
        ("10006400010400000000", VALUE),
        ("1000640002020000", VALUE),
        ("100064000000", VALUE),
        ("170064000100640001040000", VALUE),
    ],
)
async def test_request_that_is_none(
    site: Site, master: RawClient, request_: str, code: int
) -> None:
    request = bytes.fromhex(request_)
    assert await master.ask(request) == bytes([request[0] | 0x80, code])
    assert site.commanded == {}


def read_write(read: tuple[int, int], address: int, *content: int) -> bytes:
    return struct.pack(
        f">BHHHHB{len(content)}H",
        0x17, *read, address, len(content), 2 * len(content), *content,
    )  # fmt: skip


async def test_writing_and_reading_in_one(site: Site, master: RawClient) -> None:
    response = await master.ask(read_write((SETPOINT_SCALED, 1), SETPOINT, *words(50)))
    assert response == struct.pack(">BBH", 0x17, 2, 500)
    assert site.commanded == {"heater/supply_setpoint": 50.0}


async def test_nothing_is_written_where_reading_must_fail(
    site: Site, master: RawClient
) -> None:
    response = await master.ask(read_write((99, 1), SETPOINT, *words(50)))
    assert response == bytes([0x97, ADDRESS])
    assert site.commanded == {}


@pytest.mark.parametrize(("unit", "is_ours"), [(0, True), (255, True), (2, False)])
async def test_unit(master: RawClient, unit: int, is_ours: bool) -> None:
    response = await master.ask(struct.pack(">BHH", 4, 0, 1), unit=unit)
    assert response == (bytes.fromhex("04024348") if is_ours else bytes([0x84, TARGET]))


async def test_unit_that_was_chosen(site: Site) -> None:
    async with site.served(unit_id=17) as server, client(server.port) as master:
        request = struct.pack(">BHH", 4, 0, 1)
        assert await master.ask(request, unit=17) == bytes.fromhex("04024348")
        assert await master.ask(request, unit=1) == bytes([0x84, TARGET])


async def test_many_requests_at_once(master: RawClient) -> None:
    """They are answered one after the other."""
    for _ in range(50):
        master.send(struct.pack(">BHH", 4, 0, 1))
    async with asyncio.timeout(20):
        answers = await master.reader.readexactly(50 * 11)
    assert answers == bytes.fromhex("0000000000050104024348") * 50


async def test_server_that_takes_no_commands(site: Site) -> None:
    guard = Guard([IPv4Network(HOST)], commands=False, watchdog_s=90)
    async with site.served(guard=guard) as server, client(server.port) as master:
        assert await master.write(ENABLE, 0) == ADDRESS
        assert await master.write(1, 5) == 0
        assert await master.read(3, ENABLE, 1) == [1]
        assert await master.read(4, 3, 1) == [90]
    assert refusals(site) == [Refusal.NOT_WRITABLE, None]


@pytest.mark.parametrize("function", [5, 15, 21, 22])
async def test_other_ways_to_write_are_told_of(
    site: Site, master: RawClient, function: int
) -> None:
    answer = await master.ask(bytes([function, 0, ENABLE, 0, 0]))
    assert answer == bytes([function | 0x80, 1])
    (event,) = site.writes
    assert event.refusal is Refusal.NOT_WRITABLE
    assert event.value == f"function {function}: 00 {ENABLE:02x} 00 00"


async def test_silence(site: Site, master: RawClient) -> None:
    assert await master.write(ENABLE, 0) == 0
    site.now += 59
    site.gateway.expire(site.now)
    assert site.commanded
    site.now += 1
    site.gateway.expire(site.now)
    assert site.commanded == {}
    assert site.silent == [HOST]
    assert await master.read(4, 102, 1) == [1], "the enable command was given up"
    assert await master.write(ENABLE, 0) == 0
    assert await master.read(4, 102, 1) == [0]


@pytest.mark.parametrize(
    ("function", "address", "is_life"),
    [(3, ENABLE, True), (3, 1, False), (3, STATE, False), (4, 104, False)],
)
async def test_reading_what_one_commands_is_life(
    site: Site, master: RawClient, function: int, address: int, is_life: bool
) -> None:
    assert await master.write(ENABLE, 0) == 0
    site.now += 59
    await master.read(function, address, 1)
    site.now += 1
    site.gateway.expire(site.now)
    assert (site.commanded == {"heater/enable": False}) is is_life


async def test_reading_by_somebody_else_is_none(
    site: Site, server: ModbusServer, master: RawClient
) -> None:
    assert await master.write(ENABLE, 0) == 0
    site.now += 59
    async with client(server.port, "127.0.0.2") as other:
        await other.read(3, ENABLE, 1)
    site.now += 1
    site.gateway.expire(site.now)
    assert site.commanded == {}


@pytest.mark.parametrize("written", [[7], [0]])
async def test_heartbeat_is_life(
    site: Site, master: RawClient, written: list[int]
) -> None:
    assert await master.write(ENABLE, 0) == 0
    site.now += 59
    assert await master.write(1, *written) == 0
    assert await master.read(3, 1, 1) == written
    site.now += 1
    site.gateway.expire(site.now)
    assert site.commanded == {"heater/enable": False}


async def test_commands_that_nobody_heeds(site: Site, master: RawClient) -> None:
    site.gateway.update({}, heeded=False)
    assert await master.read(4, 4, 1) == [0]
    assert await master.write(ENABLE, 0) == 0
    assert site.commanded == {"heater/enable": False}


async def test_stranger_is_shown_the_door(site: Site, server: ModbusServer) -> None:
    async with client(server.port, "127.0.0.66") as stranger:
        assert await stranger.ended() == b""
    assert server.strangers == 1
    assert server.peers == []


async def test_port_that_is_taken(site: Site, server: ModbusServer) -> None:
    other = ModbusServer(
        site.gateway,
        site.guard,
        RegisterMap(points(), NUMBERS),
        host=HOST,
        port=server.port,
    )
    with pytest.raises(OSError, match="address already in use"):
        await other.start()
    await other.stop()
    async with client(server.port) as master:
        await master.read(4, 0, 1)


async def test_stop_and_start_again(site: Site) -> None:
    async with site.served() as server:
        port = server.port
        async with client(port) as master:
            await master.read(4, 0, 1)
            assert server.peers == [HOST]
            await server.stop()
            assert server.peers == []
            assert await master.ended() == b""
        with pytest.raises(ConnectionRefusedError):
            await RawClient.open(port)
        await server.start()
        async with client(server.port) as master:
            await master.read(4, 0, 1)


async def test_newest_connections_have_a_place(
    site: Site, server: ModbusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has most of them loses that which was used longest ago."""
    monkeypatch.setattr(modbus_connections, "MOST", 4)
    modest = await RawClient.open(server.port, "127.0.0.2")
    await modest.read(4, 0, 1)
    greedy = []
    for _ in range(3):
        site.now += 1
        greedy.append(await RawClient.open(server.port))
        await greedy[-1].read(4, 0, 1)
    site.now += 1
    await greedy[0].read(4, 0, 1)
    async with client(server.port, "127.0.0.3") as newcomer:
        await newcomer.read(4, 0, 1)
        assert await greedy[1].ended() == b""
        for each in (modest, greedy[0], greedy[2], newcomer):
            await each.read(4, 0, 1)
        assert sorted(server.peers) == [
            "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3",
        ]  # fmt: skip
    for each in (modest, *greedy):
        each.close()
