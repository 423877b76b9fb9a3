"""The Modbus server as clients of other makes see it: pyModbusTCP, pymodbus and mbpoll."""

import asyncio
from collections.abc import AsyncIterator
import math
import re
import shutil

from pymodbus.client import AsyncModbusTcpClient
from pyModbusTCP.client import ModbusClient
from pyModbusTCP.utils import decode_ieee, encode_ieee, word_list_to_long
import pytest

from custom_components.compute_heater.gateway.modbus import ModbusServer
from custom_components.compute_heater.gateway.register_layout import RegisterType
from custom_components.compute_heater.gateway.register_map import MapRow, RegisterMap

from .modbus_site import HOST, NUMBERS, READINGS, Site, points

ROWS = RegisterMap(points(), NUMBERS).rows()
IDS = {point.name: point.point_id for point in points()}
ENABLE, POWER, SETPOINT, SETPOINT_SCALED = 100, 102, 104, 111
ADDRESS, VALUE = 2, 3
FOR_INPUTS = {RegisterType.FLOAT32: "3:float", RegisterType.UINT32: "3:int"}
_LINE = re.compile(r"^\[(\d+)\]:\s+(\S+)(?: \((-?\d+)\))?$", re.MULTILINE)

mbpoll_only = pytest.mark.skipif(
    shutil.which("mbpoll") is None, reason="mbpoll is not installed"
)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def server(site: Site) -> AsyncIterator[ModbusServer]:
    async with site.served() as running:
        yield running


def readable() -> list[MapRow]:
    """Return the rows of points that are read, not commanded."""
    return [row for row in ROWS if row.access == "r" and row.name in IDS]


async def test_pymodbustcp_reads_every_register(server: ModbusServer) -> None:
    def read() -> dict[int, float | None]:
        found: dict[int, float | None] = {}
        client = ModbusClient(HOST, server.port, auto_close=False)
        for row in readable():
            words = client.read_input_registers(row.address, row.registers)
            assert words is not None, client.last_except_as_txt
            number: float
            match row.data_type:
                case RegisterType.FLOAT32:
                    number = decode_ieee(word_list_to_long(words)[0])
                    missing = math.isnan(number)
                case RegisterType.UINT32:
                    number = word_list_to_long(words)[0]
                    missing = number == 0xFFFFFFFF
                case _:
                    number = words[0] - (0x10000 if words[0] & 0x8000 else 0)
                    missing = words[0] == 0x8000
            found[row.address] = None if missing else number * row.scale
        client.close()
        return found

    found = await asyncio.to_thread(read)
    assert len(found) > 30
    for row in readable():
        value = READINGS[IDS[row.name]]
        if value is None:
            assert found[row.address] is None, row
            continue
        tolerance = row.scale / 2 if row.data_type is not RegisterType.FLOAT32 else 1e-9
        assert found[row.address] == pytest.approx(
            float(value), rel=1e-6, abs=tolerance * 1.001
        ), row


async def test_pymodbustcp_commands(site: Site, server: ModbusServer) -> None:
    def command() -> None:
        client = ModbusClient(HOST, server.port, auto_close=False)
        for wrong, code in ((SETPOINT, VALUE), (SETPOINT + 2, ADDRESS)):
            assert not client.write_single_register(wrong, 550)
            assert client.last_except == code
        assert client.write_single_register(SETPOINT_SCALED, 551)
        assert client.read_holding_registers(SETPOINT_SCALED) == [551]
        bits = encode_ieee(62.5)
        assert client.write_multiple_registers(POWER, [bits >> 16, bits & 0xFFFF])
        assert client.read_holding_registers(POWER, 2) == [bits >> 16, bits & 0xFFFF]
        assert client.write_read_multiple_registers(ENABLE, [0], ENABLE, 1) == [0]
        client.close()

    await asyncio.to_thread(command)
    assert site.commanded == {
        "heater/supply_setpoint": 55.1,
        "heater/power_request": 62.5,
        "heater/enable": False,
    }


async def test_pymodbus_commands(site: Site, server: ModbusServer) -> None:
    client = AsyncModbusTcpClient(HOST, port=server.port, retries=0)
    assert await client.connect()
    try:
        floating = client.DATATYPE.FLOAT32
        for value in (44.4, math.nan):
            words = client.convert_to_registers(value, floating)
            assert not (await client.write_registers(SETPOINT, words)).isError()
            commanded = {} if math.isnan(value) else {"heater/supply_setpoint": 44.4}
            assert site.commanded == commanded
        refused = await client.write_register(ENABLE, 7)
        assert refused.exception_code == VALUE
        energy = await client.read_input_registers(128, count=2)
        found = client.convert_from_registers(energy.registers, client.DATATYPE.UINT32)
        assert found == 43215
    finally:
        client.close()


async def mbpoll(
    server: ModbusServer, table: str, address: int, *values: str, count: int = 1
) -> tuple[int | None, dict[int, float]]:
    """Poll once, or write; its exit code, and the numbers by address."""
    options = ["-m", "tcp", "-a", "1", "-0", "-1", "-o", "5", "-t", table]
    options += ["-r", str(address), "-p", str(server.port)]
    # -B: the high word first.
    options += ["-B", HOST, *values] if values else ["-B", "-c", str(count), HOST]
    process = await asyncio.create_subprocess_exec(
        "mbpoll",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    return process.returncode, {
        int(where): float(signed or shown)
        for where, shown, signed in _LINE.findall(output.decode())
    }


@mbpoll_only
@pytest.mark.parametrize(
    ("data_type", "first", "count"),
    [
        (RegisterType.FLOAT32, 8, 2),
        (RegisterType.FLOAT32, 106, 7),
        (RegisterType.FLOAT32, 202, 3),
        (RegisterType.UINT32, 24, 2),
        (RegisterType.UINT32, 128, 1),
        (RegisterType.INT16, 122, 6),
        (RegisterType.INT16, 103, 3),
        (RegisterType.INT16, 208, 3),
    ],
)
async def test_mbpoll_reads(
    server: ModbusServer, data_type: RegisterType, first: int, count: int
) -> None:
    table = FOR_INPUTS.get(data_type, "3")
    code, found = await mbpoll(server, table, first, count=count)
    assert code == 0
    rows = {row.address: row for row in readable()}
    assert len(found) == count
    for address, number in found.items():
        row = rows[address]
        assert row.data_type is data_type
        value = READINGS[IDS[row.name]]
        assert value is not None
        assert number * row.scale == pytest.approx(float(value), rel=1e-5), row


@mbpoll_only
async def test_mbpoll_commands(site: Site, server: ModbusServer) -> None:
    assert (await mbpoll(server, "4", SETPOINT_SCALED, "600"))[0] == 0
    assert site.commanded == {"heater/supply_setpoint": 60.0}
    assert (await mbpoll(server, "4:float", SETPOINT, "48.5"))[0] == 0
    assert site.commanded == {"heater/supply_setpoint": 48.5}
    assert await mbpoll(server, "4:float", SETPOINT) == (0, {SETPOINT: 48.5})
    assert (await mbpoll(server, "4:float", SETPOINT, "99"))[0] != 0
    assert (await mbpoll(server, "4", SETPOINT, "50"))[0] != 0
    assert site.commanded == {"heater/supply_setpoint": 48.5}
