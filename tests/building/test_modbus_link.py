"""Addresses of Modbus devices."""

from collections.abc import Awaitable, Callable
import json
from pathlib import Path
from typing import Any

from modbus_connection import (
    ModbusSerialParams,
    ModbusTcpParams,
    ModbusTlsParams,
    ModbusUdpParams,
)
from modbus_connection.tmodbus import ModbusConnection
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer, ModbusUdpServer
from pymodbus.simulator import DataType, SimData, SimDevice
import pytest

from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_link import (
    LinkSettings,
    Transport,
    endpoint_text,
    params,
)
from custom_components.compute_heater.building.modbus_point import ModbusPoint
from custom_components.compute_heater.building.points import (
    LinkAddressError,
    LinkConnectionError,
    PointConfigError,
)

from .conftest import always
from .ports import free_tcp_port, free_udp_port

POINT = ModbusPoint.from_dict({"space": "holding", "address": 1, "data_type": "int16"})


@pytest.mark.parametrize(
    ("settings", "expected", "text"),
    [
        (
            {"host": "10.0.0.5", "port": 502, "unit_id": 1},
            ModbusTcpParams(host="10.0.0.5", port=502),
            "10.0.0.5:502",
        ),
        (
            {"host": "Fe80::1", "transport": "tcp"},
            ModbusTcpParams(host="fe80::1", port=502),
            "[fe80::1]:502",
        ),
        (
            {"host": "10.0.0.5", "port": 8899, "transport": "rtu_over_tcp"},
            ModbusSerialParams(device="socket://10.0.0.5:8899", baudrate=115200),
            "10.0.0.5:8899",
        ),
        (
            {"host": "10.0.0.5", "transport": "udp"},
            ModbusUdpParams(host="10.0.0.5", port=502),
            "udp://10.0.0.5:502",
        ),
        (
            {
                "device": "/dev/ttyUSB0", "transport": "serial", "baudrate": 19200.0,
                "parity": "E", "stopbits": 2, "bytesize": 7,
            },
            ModbusSerialParams(
                device="/dev/ttyUSB0", baudrate=19200, parity="E", stopbits=2, bytesize=7
            ),
            "/dev/ttyUSB0",
        ),
        (
            {"host": "hub.lan", "transport": "tls"},
            ModbusTlsParams(host="hub.lan", port=802),
            "hub.lan:802",
        ),
        (
            {
                "host": "hub.lan", "port": 8802, "transport": "tls",
                "ca_file": "/ssl/ca.pem", "check_hostname": False,
                "client_cert": "/ssl/us.pem", "client_key": "/ssl/us.key",
            },
            ModbusTlsParams(
                host="hub.lan", port=8802, verify="/ssl/ca.pem", check_hostname=False,
                client_cert="/ssl/us.pem", client_key="/ssl/us.key",
            ),
            "hub.lan:8802",
        ),
        (
            {
                "host": "hub.lan", "transport": "tls", "verify": False,
                "ca_file": "/ssl/ca.pem",
            },
            ModbusTlsParams(host="hub.lan", verify=False),
            "hub.lan:802",
        ),
    ],
)  # fmt: skip
def test_settings_and_the_connection_that_they_mean(
    settings: dict[str, Any], expected: object, text: str
) -> None:
    stored = {**settings, "points": [], "profile": "idm", "name": "not ours"}
    assert params(stored) == expected
    assert endpoint_text(stored) == text
    again = json.loads(json.dumps(LinkSettings.from_dict(settings).to_dict()))
    assert LinkSettings.from_dict(again) == LinkSettings.from_dict(settings)


def test_only_what_the_transport_needs_is_stored() -> None:
    typed = {"host": "a", "device": "/dev/x", "parity": "E", "transport": "tcp"}
    assert LinkSettings.from_dict(typed).to_dict() == {
        "transport": "tcp", "host": "a", "port": 502, "unit_id": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "host"),
        ({"device": "/dev/ttyUSB0"}, "host"),
        ({"host": " "}, "host"),
        ({"host": "a", "transport": "serial"}, "device"),
        ({"host": "a", "transport": "ascii"}, "transport"),
        ({"host": "a", "port": 0}, "port"),
        ({"host": "a", "port": 70000}, "port"),
        ({"host": "a", "port": "502"}, "port"),
        ({"host": "a", "unit_id": 256}, "unit_id"),
        ({"device": "/dev/x", "transport": "serial", "parity": "M"}, "parity"),
        ({"device": "/dev/x", "transport": "serial", "stopbits": 3}, "stopbits"),
        ({"device": "/dev/x", "transport": "serial", "bytesize": 6}, "bytesize"),
        ({"device": "/dev/x", "transport": "serial", "baudrate": 1}, "baudrate"),
        ({"host": "a", "transport": "tls", "verify": "no"}, "verify"),
        ({"host": "a", "transport": "tls", "client_cert": "/c"}, "client_key"),
        ({"host": "a", "transport": "tls", "client_key": "/c"}, "client_cert"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(PointConfigError) as caught:
        params(settings)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "host", ["http://10.0.0.5", "10.0.0.5:502", "10.0.0.5/24", "a b", "[::1]"]
)
def test_host_that_cannot_be_one(host: str) -> None:
    with pytest.raises(LinkAddressError, match=r"host name|port"):
        params({"host": host})


def _device() -> SimDevice:
    return SimDevice(1, simdata=SimData(0, values=[5, 7], datatype=DataType.UINT16))


async def _rtu_over_tcp(port: int) -> ModbusTcpServer:
    return ModbusTcpServer(
        _device(), framer=FramerType.RTU, address=("127.0.0.1", port)
    )


async def _udp(port: int) -> ModbusUdpServer:
    return ModbusUdpServer(_device(), address=("127.0.0.1", port))


@pytest.mark.parametrize(
    ("transport", "serve", "port_of"),
    [
        (Transport.RTU_OVER_TCP, _rtu_over_tcp, free_tcp_port),
        (Transport.UDP, _udp, free_udp_port),
    ],
)
async def test_other_transports_reach_a_real_server(
    transport: Transport,
    serve: Callable[[int], Awaitable[Any]],
    port_of: Callable[[], int],
) -> None:
    port = port_of()
    server = await serve(port)
    await server.serve_forever(background=True)
    settings = {"transport": transport, "host": "127.0.0.1", "port": port}
    connection = ModbusConnection(params(settings), timeout=2)
    try:
        device = ModbusDevice(always(connection.for_unit(1)), [POINT])
        assert await device.read() == {POINT.key: 7}
    finally:
        await connection.close()
        await server.shutdown()


@pytest.mark.parametrize("name", ["ca_file", "client_cert"])
async def test_certificate_that_is_not_there(name: str, tmp_path: Path) -> None:
    """It is found when the link is opened, and is an error of the link like others."""
    path = str(tmp_path / "none.pem")
    settings: dict[str, Any] = {"transport": "tls", "host": "127.0.0.1", name: path}
    if name == "client_cert":
        settings["client_key"] = path
    connection = ModbusConnection(params(settings), timeout=1)
    device = ModbusDevice(always(connection.for_unit(1)), [POINT])
    with pytest.raises(LinkConnectionError, match="No such file"):
        await device.read()
    (tmp_path / "none.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(LinkConnectionError, match=r"(?i)ssl|pem"):
        await device.read()
    await connection.close()
