"""The dialogue that adds a BACnet controller, on the real house."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
import socket
from typing import Any

import pytest

from custom_components.compute_heater.building import bacnet_stack
from custom_components.compute_heater.building.bacnet import BacnetDevice
from homeassistant.components import network
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from simulator.ports import udp_port
from simulator.running import RunningHouse
from tests.building.bacnet_peer import (
    NORMAL,
    AnalogInput,
    AnalogValue,
    BacnetPeer,
    MultiStateValue,
    usual_objects,
)

from .dialogue import answer, begin, expect_abort, expect_form, leave, suggested
from .plant import add_site, add_subentry, bacnet_steps, entity_id

HOST = "127.0.0.1"


def connection(address: str, **more: Any) -> dict[str, Any]:
    """Return the answers of the first form; our side has a port of its own."""
    host, port = address.split(":")
    local = {"interface": f"{HOST}/8", "local_port": udp_port(HOST)}
    return {"host": host, "port": int(port), "local": local} | more


def choices(form: Any, field: str) -> dict[str, str]:
    """Return the labels that can be ticked, by key."""
    options = form["data_schema"].schema[field].config["options"]
    return {option["value"]: option["label"] for option in options}


@asynccontextmanager
async def echo() -> AsyncGenerator[str]:
    """Answer every datagram with itself: not what a BACnet device does."""

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            assert isinstance(self.transport, asyncio.DatagramTransport)
            self.transport.sendto(b"HTTP/1.1 400 " + data, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=(HOST, 0))
    try:
        yield f"{HOST}:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


async def test_nobody_answers(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead port, and something that does not speak BACnet."""
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 300)
    form = await begin(hass, site, "bacnet")
    dead = connection(f"{HOST}:{udp_port(HOST)}")
    form = await answer(hass, form, dead)
    expect_form(form, "user", base="cannot_connect")
    assert suggested(form) == dead
    async with echo() as stranger:
        form = await answer(hass, form, connection(stranger))
    expect_form(form, "user", base="cannot_connect")


async def test_add_device(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """Every mistake is named; then the device's objects are there to be ticked."""
    form = await begin(hass, site, "bacnet")
    expect_form(form, "user")
    assert suggested(form)["port"] == 47808
    assert "/" in suggested(form)["local"]["interface"]

    address = house.addresses.bacnet
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        for local in (
            {"interface": f"{HOST}/8", "local_port": port},
            {"interface": "192.0.2.1/24", "local_port": udp_port(HOST)},
            {"interface": "house", "local_port": udp_port(HOST)},
        ):
            form = await answer(hass, form, connection(address, local=local))
            expect_form(form, "user", base="local_address")
            assert form["description_placeholders"]["detail"]
    form = await answer(hass, form, connection(address, host="not an address"))
    expect_form(form, "user", base="local_address")
    form = await answer(hass, form, connection(address, device_instance=1))
    expect_form(form, "user", base="not_bacnet")

    right = connection(address)
    form = await answer(hass, form, right)
    expect_form(form, "points")
    found = choices(form, "read")
    writable = choices(form, "write")
    assert form["description_placeholders"]["count"] == str(len(found))
    assert found["analog-input,1"].startswith("DHW tank top (analog-input,1: 4")
    assert found["analog-input,1"].endswith(" °C)")
    assert found["binary-input,1"] == "DHW request (binary-input,1: False)"
    assert found["multi-state-value,1"].endswith(": Auto)")
    assert suggested(form) == {"read": list(found), "write": []}
    assert "analog-value,1" in writable
    assert "analog-input,1" not in writable

    for ticked, errors in (
        ({"read": [], "write": []}, {"read": "no_points"}),
        (
            {"read": ["analog-input,1"], "write": ["analog-value,1"]},
            {"write": "write_without_read"},
        ),
    ):
        form = await answer(hass, form, ticked)
        expect_form(form, "points", **errors)
        assert suggested(form) == ticked
    ticked = {"read": ["analog-input,1", "analog-value,1"], "write": ["analog-value,1"]}
    result = await answer(hass, form, ticked)
    assert result["type"] is FlowResultType.CREATE_ENTRY

    (subentry,) = site.subentries.values()
    instance = house.addresses.bacnet_device
    assert subentry.title == form["description_placeholders"]["name"]
    assert subentry.unique_id == str(instance)
    assert subentry.data["device_instance"] == instance
    assert subentry.data["local_port"] == right["local"]["local_port"]
    setpoint = entity_id(hass, site, subentry.subentry_id, "analog-value,1", "number")
    state = hass.states.get(setpoint)
    assert state is not None
    assert float(state.state) == 50
    assert (state.attributes["min"], state.attributes["max"]) == (30, 65)
    assert house.house.commands.dhw_setpoint_c.override is None


async def test_known_device_and_change(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """A device is added once; its points and its address can be changed."""
    steps = bacnet_steps(house)
    link_id = await add_subentry(hass, site, "bacnet", *steps)

    again = await begin(hass, site, "bacnet")
    # The running link's own port is shared.
    result = await answer(hass, again, steps[0])
    expect_abort(result, "already_configured")

    form = await begin(hass, site, "bacnet", link_id)
    expect_form(form, "reconfigure")
    instance = house.addresses.bacnet_device
    assert suggested(form) == steps[0] | {"device_instance": instance}
    form = await answer(hass, form, suggested(form) | {"device_instance": instance + 1})
    expect_form(form, "reconfigure", base="not_bacnet")
    form = await answer(hass, form, steps[0])
    expect_form(form, "points")
    assert suggested(form) == steps[1]
    fewer = {"read": ["analog-input,1", "analog-value,1"], "write": []}
    result = await answer(hass, form, fewer)
    expect_abort(result, "reconfigure_successful")
    (subentry,) = site.subentries.values()
    assert subentry.unique_id == str(instance)
    assert len(subentry.data["points"]) == 2
    setpoint = entity_id(hass, site, link_id, "analog-value,1", "sensor")
    state = hass.states.get(setpoint)
    assert state is not None
    assert float(state.state) == 50


@pytest.mark.parametrize("read", [["analog-value,1"], ["analog-input,1"]])
async def test_unticked_point_is_let_go(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry, read: list[str]
) -> None:
    """A command is taken back when its point may not be written any more."""
    steps = bacnet_steps(house)
    link_id = await add_subentry(hass, site, "bacnet", *steps)
    setpoint = entity_id(hass, site, link_id, "analog-value,1", "number")
    value = {"entity_id": setpoint, "value": 52}
    await hass.services.async_call("number", "set_value", value, blocking=True)
    assert house.house.commands.dhw_setpoint_c.override == 52
    form = await begin(hass, site, "bacnet", link_id)
    form = await answer(hass, form, steps[0])
    result = await answer(hass, form, {"read": read, "write": []})
    expect_abort(result, "reconfigure_successful")
    assert house.house.commands.dhw_setpoint_c.override is None


@pytest.fixture
async def controller() -> AsyncIterator[BacnetPeer]:
    """Run a controller that keeps the limits of its values to itself."""
    peer = BacnetPeer(77)
    sensor = AnalogInput(
        objectIdentifier=("analog-input", 2), objectName="Broken sensor",
        presentValue=0.0, units="degreesCelsius", covIncrement=0.1,
        **NORMAL | {"outOfService": True},
    )  # fmt: skip
    values = [
        AnalogValue(
            objectIdentifier=("analog-value", 10 + number), objectName=f"Value {unit}",
            presentValue=1.0, units=unit, covIncrement=1.0, relinquishDefault=1.0,
            **NORMAL,
        )
        for number, unit in enumerate(("degreesCelsius", "noUnits"))
    ]  # fmt: skip
    await peer.start([*usual_objects(), sensor, *values])
    yield peer
    await peer.stop()


async def test_what_may_be_written(
    hass: HomeAssistant, controller: BacnetPeer, site: ConfigEntry
) -> None:
    """Only what can be taken back, and whose limits are known or can be guessed."""
    form = await begin(hass, site, "bacnet")
    form = await answer(hass, form, connection(controller.address))
    expect_form(form, "points")
    assert choices(form, "read")["analog-input,2"] == "Broken sensor (analog-input,2)"
    assert set(choices(form, "write")) == {
        "analog-value,1",
        "analog-output,1",
        "analog-value,10",
        "binary-value,1",
        "multi-state-value,1",
    }
    ticked = ["analog-output,1", "analog-value,10"]
    await answer(hass, form, {"read": ticked, "write": ticked})
    (link_id,) = site.subentries
    for key, limits in (("analog-output,1", (0, 100)), ("analog-value,10", (5, 80))):
        state = hass.states.get(entity_id(hass, site, link_id, key, "number"))
        assert state is not None
        assert (state.attributes["min"], state.attributes["max"]) == limits


async def test_a_single_state(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A multi-state object of one state is a point like any other."""
    peer = BacnetPeer(78)
    single = MultiStateValue(
        objectIdentifier=("multi-state-value", 9), objectName="Mode",
        presentValue=1, numberOfStates=1, relinquishDefault=1, **NORMAL,
    )  # fmt: skip
    await peer.start([single])
    try:
        ticked = {"read": ["multi-state-value,9"], "write": []}
        link_id = await add_subentry(
            hass, site, "bacnet", connection(peer.address), ticked
        )
        assert site.state is ConfigEntryState.LOADED
        sensor = entity_id(hass, site, link_id, "multi-state-value,9", "sensor")
        state = hass.states.get(sensor)
        assert state is not None
        assert state.state not in ("unknown", "unavailable")
        form = await begin(hass, site, "bacnet", link_id)
        form = await answer(hass, form, connection(peer.address))
        assert suggested(form)["read"] == ["multi-state-value,9"]
        leave(hass, form)
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await peer.stop()


async def test_a_stored_point_that_cannot_be_read(
    hass: HomeAssistant,
    controller: BacnetPeer,
    site: ConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is left out with one line; the site, and its other points, go on."""
    ticked = {"read": ["analog-input,1"], "write": []}
    steps = connection(controller.address), ticked
    link_id = await add_subentry(hass, site, "bacnet", *steps)
    subentry = site.subentries[link_id]
    bad = {"object_type": "analog-value", "instance": 1, "minimum": 5, "maximum": 2}
    caplog.clear()
    hass.config_entries.async_update_subentry(
        site,
        subentry,
        data={**subentry.data, "points": [*subentry.data["points"], bad]},
    )
    await hass.async_block_till_done()
    assert site.state is ConfigEntryState.LOADED
    assert caplog.text.count("points left out") == 1
    assert "maximum: must be above the minimum 5 (entry 2)" in caplog.text
    found = hass.states.get(entity_id(hass, site, link_id, "analog-input,1", "sensor"))
    assert found is not None
    assert float(found.state) == 48.3
    form = await begin(hass, site, "bacnet", link_id)
    form = await answer(hass, form, steps[0])
    assert suggested(form)["read"] == ["analog-input,1"]
    leave(hass, form)


async def test_two_devices(
    hass: HomeAssistant,
    house: RunningHouse,
    controller: BacnetPeer,
    site: ConfigEntry,
) -> None:
    """Reconfiguring cannot make two links of one device."""
    first = bacnet_steps(house)
    await add_subentry(hass, site, "bacnet", *first)
    second = connection(controller.address)
    ticked = {"read": ["analog-input,1"], "write": []}
    link_id = await add_subentry(hass, site, "bacnet", second, ticked)
    assert site.subentries[link_id].unique_id == "77"
    form = await begin(hass, site, "bacnet", link_id)
    result = await answer(hass, form, first[0])
    expect_abort(result, "already_configured")
    # Another site may have a link to it of its own.
    other = await add_site(hass, "Cottage")
    form = await begin(hass, other, "bacnet")
    form = await answer(hass, form, second)
    expect_form(form, "points")
    leave(hass, form)
    await hass.config_entries.async_unload(other.entry_id)


async def test_unexpected_error(
    hass: HomeAssistant,
    house: RunningHouse,
    site: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A mistake of ours ends in the form too; without a network nothing is guessed."""

    async def fail(_self: BacnetDevice) -> None:
        raise RuntimeError("a mistake of ours")

    async def none(_hass: HomeAssistant) -> list[network.Adapter]:
        return []

    with monkeypatch.context() as patch:
        patch.setattr(network, "async_get_adapters", none)
        form = await begin(hass, site, "bacnet")
    assert suggested(form)["local"]["interface"] == ""
    with monkeypatch.context() as patch:
        patch.setattr(BacnetDevice, "browse", fail)
        form = await answer(hass, form, connection(house.addresses.bacnet))
    expect_form(form, "user", base="unknown")
    assert "Unexpected error from a BACnet device" in caplog.text
    form = await answer(hass, form, connection(house.addresses.bacnet))
    expect_form(form, "points")
    leave(hass, form)
