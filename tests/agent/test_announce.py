"""The announcement, as another machine's DNS-SD sees it. Loopback only."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import errno
import socket
from typing import Any

import pytest
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

from compute_heater_agent.announce import SERVICE_TYPE, announced
from compute_heater_agent.errors import SettingsError

from .client import open_heater
from .test_command_line import process, stop

type Changes = asyncio.Queue[tuple[str, ServiceStateChange]]


@pytest.fixture
def multicast() -> None:
    """Skip where loopback carries no multicast."""
    group = ("239.255.71.9", 0)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        own = socket.inet_aton("127.0.0.1")
        try:
            receiver.bind(("", 0))
            receiver.settimeout(2)
            receiver.setsockopt(
                socket.IPPROTO_IP,
                socket.IP_ADD_MEMBERSHIP,
                socket.inet_aton(group[0]) + own,
            )
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
            sender.sendto(b"?", (group[0], receiver.getsockname()[1]))
            receiver.recv(1)
        except TimeoutError:
            pytest.skip("loopback carries no multicast here")
        except OSError as err:
            if err.errno not in (errno.ENODEV, errno.ENETUNREACH, errno.EADDRNOTAVAIL):
                raise
            pytest.skip(f"loopback carries no multicast here: {err}")


@asynccontextmanager
async def listening() -> AsyncGenerator[tuple[AsyncZeroconf, Changes]]:
    """Browse for heaters with another instance."""
    changes: Changes = asyncio.Queue()

    def changed(
        *, zeroconf: Zeroconf, service_type: str, name: str, state_change: Any
    ) -> None:
        del zeroconf, service_type
        changes.put_nowait((name, state_change))

    other = AsyncZeroconf(interfaces=["127.0.0.1"])
    browser = AsyncServiceBrowser(other.zeroconf, SERVICE_TYPE, handlers=[changed])
    try:
        yield other, changes
    finally:
        await browser.async_cancel()
        await other.async_close()


async def wait_for(changes: Changes, name: str, change: ServiceStateChange) -> None:
    """Wait until the service came or went; another one may be there, too."""
    async with asyncio.timeout(20):
        while await changes.get() != (f"{name}.{SERVICE_TYPE}", change):
            pass


@pytest.mark.usefixtures("multicast")
async def test_process_is_announced_and_withdrawn() -> None:
    uuid = "0a4ed9d5-4f0c-4c6e-9ae5-6c1e2b0d7f11"
    # Dots and more than a label holds, as people may well name their heater.
    name = "No. 7, " + "ä" * 40
    arguments = ("--announce", "--name", name, "--uuid", uuid, "--tls-self-signed")
    async with listening() as (other, changes):
        async with process(*arguments) as (child, greeting):
            instance = "No  7, " + "ä" * 24
            await wait_for(changes, instance, ServiceStateChange.Added)
            info = await other.async_get_service_info(
                SERVICE_TYPE, f"{instance}.{SERVICE_TYPE}"
            )
            assert info is not None
            assert info.parsed_addresses() == ["127.0.0.1"]
            assert greeting["redfish"] == f"https://127.0.0.1:{info.port}"
            assert info.decoded_properties == {
                "uuid": uuid,
                "name": name,
                "path": "/redfish/v1/",
                "tls": "1",
            }
            assert await stop(child) == (0, "")
        await wait_for(changes, instance, ServiceStateChange.Removed)


@pytest.mark.usefixtures("multicast")
async def test_two_of_a_name() -> None:
    """Both are found; one gets a number."""
    async with (
        listening() as (other, changes),
        open_heater(announce=True, name="Twin"),
        open_heater(announce=True, name="Twin") as second,
    ):
        await wait_for(changes, "Twin", ServiceStateChange.Added)
        await wait_for(changes, "Twin-2", ServiceStateChange.Added)
        info = await other.async_get_service_info(
            SERVICE_TYPE, f"Twin-2.{SERVICE_TYPE}"
        )
        assert info is not None
        assert info.decoded_properties["uuid"] == second.agent.uuid
        assert info.decoded_properties["tls"] == "0"


async def test_silent_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the option nothing of it is even touched."""

    def fail(*_arguments: Any, **_words: Any) -> None:
        pytest.fail("announced")

    monkeypatch.setattr("compute_heater_agent.serving.announced", fail)
    async with open_heater() as client:
        assert (await client.get("/redfish/v1/")).status == 200


async def test_impossible_names_are_told() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(SettingsError, match="cannot announce"),
    ):
        async with announced(listener, name="two\nlines", uuid="1", tls=False):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_no_network(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listening everywhere, on a machine that has nothing but loopback."""
    monkeypatch.setattr("compute_heater_agent.announce.ifaddr.get_adapters", list)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("no such addresses here")
    with listener, pytest.raises(SettingsError, match="no network"):
        async with announced(listener, name="Heater", uuid="1", tls=False):
            pass
