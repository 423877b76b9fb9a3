"""Modbus over TLS, by pymodbus: who may read, who may write, and who may not even connect."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
import ssl

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pymodbus.client import AsyncModbusTlsClient
from pymodbus.exceptions import ModbusException
import pytest

from custom_components.compute_heater.gateway.guard import Refusal
from custom_components.compute_heater.gateway.modbus import ModbusServer
from custom_components.compute_heater.gateway.modbus_tls import TlsSettings
from tests.building.certificates import Authority

from .modbus_raw import RawClient
from .modbus_site import HOST, Site

ENABLE, HEARTBEAT = 100, 1
ILLEGAL_FUNCTION = 1


def utf8(role: str) -> bytes:
    """Return the role as DER."""
    content = role.encode()
    return bytes([0x0C, len(content)]) + content


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def settings(authority: Authority) -> TlsSettings:
    certificate, key = authority.issue("server", HOST)
    return TlsSettings(
        certificate=certificate, key=key, client_authority=authority.file
    )


@pytest.fixture
async def server(site: Site, settings: TlsSettings) -> AsyncIterator[ModbusServer]:
    async with site.served(tls=settings) as running:
        yield running


@asynccontextmanager
async def pymodbus(
    port: int,
    authority: Authority,
    certificate: tuple[Path, Path] | None,
    *,
    version: ssl.TLSVersion | None = None,
) -> AsyncIterator[AsyncModbusTlsClient]:
    # As strict as Python is by default.
    context = ssl.create_default_context(cafile=str(authority.file))
    if certificate is not None:
        context.load_cert_chain(*certificate)
    if version is not None:
        context.maximum_version = version
    client = AsyncModbusTlsClient(
        HOST,
        port=port,
        sslctx=context,
        timeout=5,
        retries=0,
        reconnect_delay=0,
    )
    try:
        await client.connect()
        yield client
    finally:
        client.close()


async def reads(client: AsyncModbusTlsClient) -> bool:
    try:
        response = await client.read_input_registers(0, count=2)
    except ModbusException:
        return False
    assert response.registers == [0x4348, 1]
    return True


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_operator_reads_and_writes(
    site: Site, server: ModbusServer, authority: Authority, version: ssl.TLSVersion
) -> None:
    operator = authority.issue("operator", role=utf8("Operator"))
    async with pymodbus(server.port, authority, operator, version=version) as client:
        assert await reads(client)
        written = await client.write_register(ENABLE, 0)
        assert not written.isError()
        read = await client.read_holding_registers(ENABLE)
        assert read.registers == [0]
    assert site.commanded == {"heater/enable": False}
    assert {(event.peer, event.protocol) for event in site.writes} == {
        (HOST, "Modbus TLS")
    }


@pytest.mark.parametrize(
    "role",
    [
        None,
        utf8("Viewer"),
        utf8("operator"),
        utf8(""),
        b"",
        b"\x0c\x7fOperator",
        b"\x04\x08Operator",
        b"\x0c\x02\xff\xfe",
    ],
)
async def test_others_only_read(
    site: Site, server: ModbusServer, authority: Authority, role: bytes | None
) -> None:
    viewer = authority.issue("viewer", role=role)
    async with pymodbus(server.port, authority, viewer) as client:
        assert await reads(client)
        for address in (ENABLE, HEARTBEAT):
            refused = await client.write_register(address, 0)
            assert refused.exception_code == ILLEGAL_FUNCTION
        refused = await client.write_registers(ENABLE, [0, 2])
        assert refused.exception_code == ILLEGAL_FUNCTION
        assert await reads(client)
    assert site.commanded == {}
    assert [event.refusal for event in site.writes] == [Refusal.NO_ROLE] * 4


async def test_reading_of_who_may_not_write_is_no_life(
    site: Site, server: ModbusServer, authority: Authority
) -> None:
    operator = authority.issue("operator", role=utf8("Operator"))
    async with pymodbus(server.port, authority, operator) as client:
        await client.write_register(ENABLE, 0)
    site.now += 59
    async with pymodbus(server.port, authority, authority.issue("viewer")) as client:
        read = await client.read_holding_registers(ENABLE)
        assert read.registers == [0]
    site.now += 1
    site.gateway.expire(site.now)
    assert site.commanded == {}


async def test_roles_of_the_building(
    site: Site, settings: TlsSettings, authority: Authority
) -> None:
    named = TlsSettings(
        certificate=settings.certificate,
        key=settings.key,
        client_authority=settings.client_authority,
        roles=frozenset({"Gebäudeleittechnik", "Service"}),
    )
    async with site.served(tls=named) as server:
        for role, may_write in (
            ("Gebäudeleittechnik", True),
            ("Service", True),
            ("Operator", False),
        ):
            certificate = authority.issue("client", role=utf8(role))
            async with pymodbus(server.port, authority, certificate) as client:
                written = await client.write_register(ENABLE, 0)
                assert written.isError() is not may_write


async def test_client_without_certificate(
    site: Site, server: ModbusServer, authority: Authority
) -> None:
    async with pymodbus(server.port, authority, None) as client:
        assert not await reads(client)


async def test_client_of_another_authority(
    site: Site, server: ModbusServer, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "strangers").issue("s", role=utf8("Operator"))
    async with pymodbus(server.port, authority, stranger) as client:
        assert not await reads(client)
    assert site.commanded == {}


async def test_certificate_that_is_another_s_own(
    site: Site, server: ModbusServer, authority: Authority, tmp_path: Path
) -> None:
    """The name of the authority alone does not make it ours."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    namesake = Authority(folder).issue("operator", role=utf8("Operator"))
    async with pymodbus(server.port, authority, namesake) as client:
        assert not await reads(client)


async def test_client_without_tls(server: ModbusServer) -> None:
    plain = await RawClient.open(server.port)
    plain.send(bytes.fromhex("0400000001"))
    answer = await plain.ended()
    # An alert of TLS, if anything.
    assert answer[:1] in (b"", b"\x15")
    plain.close()


async def test_stranger_gets_no_handshake(
    server: ModbusServer, authority: Authority
) -> None:
    operator = authority.issue("operator", role=utf8("Operator"))
    context = ssl.create_default_context(cafile=str(authority.file))
    context.load_cert_chain(*operator)
    with pytest.raises(OSError):  # noqa: PT011 - end of file or reset, as it happens
        await asyncio.open_connection(
            HOST, server.port, ssl=context, local_addr=("127.0.0.66", 0)
        )
    assert server.strangers == 1


async def test_many_clients_at_once(server: ModbusServer, authority: Authority) -> None:
    """What arrives before TLS has begun is not lost."""
    operator = authority.issue("operator", role=utf8("Operator"))

    async def one() -> bool:
        async with pymodbus(server.port, authority, operator) as client:
            return await reads(client)

    assert await asyncio.gather(*(one() for _ in range(16))) == [True] * 16


def encrypted(settings: TlsSettings) -> None:
    key = load_pem_private_key(settings.key.read_bytes(), None)
    settings.key.write_bytes(
        key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        )
    )


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda settings: settings.key.unlink(), FileNotFoundError),
        (lambda settings: settings.certificate.unlink(), FileNotFoundError),
        (lambda settings: settings.client_authority.unlink(), FileNotFoundError),
        (lambda settings: settings.key.write_text("no key"), ssl.SSLError),
        (lambda settings: settings.client_authority.write_text("no"), ssl.SSLError),
        (encrypted, ssl.SSLError),
    ],
)
async def test_unusable_files(
    site: Site,
    settings: TlsSettings,
    spoil: Callable[[TlsSettings], None],
    error: type[Exception],
) -> None:
    spoil(settings)
    with pytest.raises(error):
        async with site.served(tls=settings):
            pass


async def test_key_of_another_certificate(
    site: Site, settings: TlsSettings, authority: Authority
) -> None:
    _, settings_key = authority.issue("another")
    settings.key.write_bytes(settings_key.read_bytes())
    with pytest.raises(ssl.SSLError):
        async with site.served(tls=settings):
            pass
