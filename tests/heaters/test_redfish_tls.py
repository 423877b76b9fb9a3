"""Certificates: trusted, pinned, neither."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
import ssl

import aiohttp
import pytest
from yarl import URL

from compute_heater_agent.service import RunningAgent, running_agent
from compute_heater_agent.settings import AgentSettings
from compute_heater_agent.tls import _make_certificate
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterCertificateError,
    HeaterConnectionError,
    HeaterProtocolError,
)
from custom_components.compute_heater.heaters.redfish import RedfishHeater
from custom_components.compute_heater.heaters.redfish_tls import presented_fingerprint

from .bmc import PASSWORD, USER, Bmc, modern, running_bmc
from .conftest import MakeHeater


@asynccontextmanager
async def tls_agent(port: int = 0) -> AsyncGenerator[RunningAgent]:
    settings = AgentSettings(
        user=USER, password=PASSWORD, port=port, tls_self_signed=True
    )
    async with running_agent(settings) as agent:
        yield agent


async def test_self_signed_certificate_is_shown_not_trusted(
    make_heater: MakeHeater,
) -> None:
    async with tls_agent() as agent:
        with pytest.raises(HeaterCertificateError) as refused:
            await make_heater(agent.url).connect()
        assert refused.value.fingerprint == agent.fingerprint


async def test_pinned_certificate(make_heater: MakeHeater) -> None:
    async with tls_agent() as agent:
        fingerprint = agent.fingerprint
        assert fingerprint is not None
        colons = ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
        for spelling in (fingerprint, colons):
            heater = make_heater(agent.url, fingerprint=spelling)
            identity, _ = await heater.connect()
            assert identity.uuid == agent.uuid
        await heater.apply(Command(on=True, power_limit_w=800))
        assert (await heater.read()).power_limit_w == 800


async def test_certificate_changes_behind_the_pin(
    make_heater: MakeHeater, unused_tcp_port: int
) -> None:
    async with tls_agent(port=unused_tcp_port) as agent:
        heater = make_heater(agent.url, fingerprint=agent.fingerprint)
        await heater.read()
    async with tls_agent(port=unused_tcp_port) as impostor:
        with pytest.raises(HeaterCertificateError) as refused:
            await heater.read()
        assert refused.value.fingerprint == impostor.fingerprint


async def test_password_is_not_sent_to_the_wrong_certificate(
    make_heater: MakeHeater, self_signed: ssl.SSLContext
) -> None:
    async with running_bmc(Bmc(resources=modern()), self_signed) as bmc:
        for fingerprint in (None, "ab" * 32):
            with pytest.raises(HeaterCertificateError) as refused:
                await make_heater(bmc.url, fingerprint=fingerprint).connect()
            assert refused.value.fingerprint == await presented_fingerprint(
                URL(bmc.url)
            )
        assert not bmc.seen


@pytest.mark.parametrize("name", ["127.0.0.1", "bmc.example"])
async def test_certificate_of_an_authority(name: str, tmp_path: Path) -> None:
    server = server_context(tmp_path, name)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    connector = aiohttp.TCPConnector(ssl=trusting)
    async with (
        running_bmc(Bmc(resources=modern()), server) as bmc,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        heater = RedfishHeater(http, bmc.url, USER, PASSWORD)
        if name == "127.0.0.1":
            assert (await heater.read()).power_w == 812.5
            await heater.close()
        else:
            with pytest.raises(HeaterCertificateError):
                await heater.connect()


async def test_https_to_a_plain_port_and_back(
    make_heater: MakeHeater, self_signed: ssl.SSLContext
) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        with pytest.raises(HeaterConnectionError):
            await make_heater(bmc.url.replace("http:", "https:")).connect()
    async with running_bmc(Bmc(resources=modern()), self_signed) as bmc:
        with pytest.raises(HeaterConnectionError):
            await make_heater(bmc.url.replace("https:", "http:")).connect()


async def test_no_certificate_to_show(unused_tcp_port: int) -> None:
    assert (
        await presented_fingerprint(URL(f"https://127.0.0.1:{unused_tcp_port}")) is None
    )


@pytest.mark.parametrize("fingerprint", ["", "ab" * 31, "zz" * 32])
def test_not_a_fingerprint(fingerprint: str, make_heater: MakeHeater) -> None:
    with pytest.raises(HeaterProtocolError):
        make_heater("https://127.0.0.1", fingerprint=fingerprint)


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """Serve with a certificate that nobody trusts."""
    return server_context(tmp_path, "127.0.0.1")


def server_context(folder: Path, name: str) -> ssl.SSLContext:
    """Make a certificate for ``name`` in cert.pem, and a server context with it."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    _make_certificate(name, certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
