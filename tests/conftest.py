"""What every test has: loopback sockets and our integration."""

from collections.abc import AsyncIterator

from bac_py import Client, DeviceConfig
from hypothesis import HealthCheck, settings
import pytest

from simulator.ports import udp_port

# How quick a machine is that does other things as well says nothing of the code.
settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared machine")


@pytest.fixture(autouse=True)
def loopback(socket_enabled: None) -> None:
    """Let tests talk to real servers; pytest-socket still holds them to 127.0.0.1."""


@pytest.fixture(autouse=True)
def custom_integration(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant find custom_components/, in the tests that start it."""
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
async def bacnet() -> AsyncIterator[Client]:
    """Offer a BACnet client of another make than the house's stack."""
    config = DeviceConfig(
        instance_number=998,
        interface="127.0.0.1",
        port=udp_port("127.0.0.1"),
        broadcast_address="127.255.255.255",
        apdu_timeout=2000,
        apdu_retries=1,
    )
    async with Client(config) as client:
        yield client
