"""Adding and changing gateways, up to where controllers find them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
import socket
from typing import Any

import pytest

from custom_components.compute_heater.const import SUBENTRY_GATEWAY
from homeassistant.components import network
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from simulator.ports import tcp_port, udp_port
from simulator.running import RunningHouse, Settings, running_house
from tests.gateway.bacnet_site import controller
from tests.gateway.modbus_raw import RawClient

from .conftest import until
from .dialogue import answer, begin, expect_abort, expect_form, leave, suggested
from .gateway_parts import (
    CONTROLLER,
    INSTANCE,
    STRANGER,
    add_gateway,
    bacnet_answers,
    gateway_form,
    gateways,
    modbus_answers,
    serving,
)
from .plant import add_site, add_subentry, bacnet_steps, modbus_steps

HOST = "127.0.0.1"


def without_commands(answers: dict[str, Any]) -> dict[str, Any]:
    """Let controllers only read."""
    left = {
        key: value
        for key, value in answers.items()
        if key not in ("watchdog", "priority")
    }
    return left | {"commands": False}


async def device_name(port: int, instance: int) -> Any:
    """Read the name of the BACnet device as its controller does."""
    async with controller(CONTROLLER) as client:
        return await client.read(f"{HOST}:{port}", f"device,{instance}", "object-name")


@contextmanager
def taken(kind: socket.SocketKind) -> Iterator[int]:
    """Hold a port, as another program does."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((HOST, 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        yield other.getsockname()[1]


async def test_bacnet_is_suggested_narrow(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """Nobody but who is named, and nobody commands."""
    result = await gateway_form(hass, site, "bacnet")
    adapters = await network.async_get_adapters(hass)
    first = next(
        f"{ipv4['address']}/{ipv4['network_prefix']}"
        for adapter in sorted(adapters, key=lambda each: not each["default"])
        for ipv4 in adapter["ipv4"]
    )
    values = suggested(result)
    assert values == {
        "name": "Home",
        "interface": first,
        "local_port": 47808,
        "bbmd_ttl": 120,
        "peers": [],
        "commands": False,
        "watchdog": 300,
        "understood": False,
    }
    port = udp_port(HOST)
    values |= {"device_instance": INSTANCE, "interface": "127.0.0.1/8"}
    values |= {"local_port": port, "peers": [CONTROLLER], "understood": True}
    result = await answer(hass, result, values)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (gateway,) = gateways(site)
    assert (gateway.title, gateway.unique_id) == ("Home", "bacnet")
    assert gateway.data == {
        "kind": "bacnet",
        "device_instance": INSTANCE,
        "interface": "127.0.0.1/8",
        "local_port": port,
        "peers": [f"{CONTROLLER}/32"],
        "commands": False,
    }
    await serving(site)
    assert await device_name(port, INSTANCE) == "Home"
    async with controller(STRANGER) as stranger:
        with pytest.raises(Exception, match="No response"):
            await stranger.read(f"{HOST}:{port}", "device,4711", "object-name")


async def test_modbus_is_suggested_narrow(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    result = await gateway_form(hass, site, "modbus")
    values = suggested(result)
    del values["interface"]
    assert values == {
        "name": "Home",
        "tls": False,
        "port": 502,
        "unit_id": 1,
        "peers": [],
        "commands": False,
        "watchdog": 300,
        "priority": 16,
        "understood": False,
    }
    port = tcp_port(HOST)
    values |= {"interface": " 127.0.0.1/8 ", "port": port, "understood": True}
    values["peers"] = [CONTROLLER, "10.1.0.0/16", f" {CONTROLLER}/32 "]
    result = await answer(hass, result, values)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (gateway,) = gateways(site)
    assert (gateway.title, gateway.unique_id) == ("Home", "modbus")
    assert gateway.data == {
        "kind": "modbus",
        "interface": "127.0.0.1/8",
        "port": port,
        "unit_id": 1,
        "peers": [f"{CONTROLLER}/32", "10.1.0.0/16"],
        "commands": False,
    }
    await serving(site)
    client = await RawClient.open(port, CONTROLLER)
    assert await client.read(4, 0, 2) == [0x4348, 1]
    stranger = await RawClient.open(port, STRANGER)
    assert await stranger.ended() == b""


async def test_without_a_network_nothing_is_guessed(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(_hass: HomeAssistant) -> list[network.Adapter]:
        return []

    monkeypatch.setattr(network, "async_get_adapters", none)
    assert "interface" not in suggested(await gateway_form(hass, site, "modbus"))


@pytest.fixture
async def second_house() -> AsyncIterator[RunningHouse]:
    """Run a house at another address."""
    async with running_house(Settings(host="127.0.0.9")) as running:
        yield running


async def test_controllers_that_are_known_are_suggested(
    hass: HomeAssistant,
    site: ConfigEntry,
    house: RunningHouse,
    second_house: RunningHouse,
) -> None:
    """By their addresses; the network is the one that they are read by."""
    link_id = await add_subentry(hass, site, "bacnet", *bacnet_steps(second_house))
    await add_subentry(hass, site, "modbus", *modbus_steps(house))
    link = site.subentries[link_id]
    # One behind a router has no address of its own.
    hass.config_entries.async_add_subentry(
        site,
        ConfigSubentry(
            data={**link.data, "address": "2001:7"},  # type: ignore[arg-type]
            subentry_type="bacnet",
            title="Behind",
            unique_id="7",
        ),
    )
    await hass.async_block_till_done()
    result = await gateway_form(hass, site, "bacnet")
    values = suggested(result)
    assert values["peers"] == ["127.0.0.9", HOST]
    local_port = link.data["local_port"]
    assert (values["interface"], values["local_port"]) == ("127.0.0.1/8", local_port)
    values |= {"device_instance": INSTANCE, "understood": True}
    await answer(hass, result, values | {"peers": [CONTROLLER]})
    await serving(site)
    assert await device_name(local_port, INSTANCE) == "Home"
    assert site.runtime_data.links[link_id].last_update_success


ACCESS_ERRORS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"understood": False}, {"understood": "not_understood"}),
    ({"peers": []}, {"peers": "no_peers"}),
    ({"peers": [CONTROLLER, "192.168.1.300"]}, {"peers": "invalid_peer"}),
    ({"peers": ["192.168.1.5/24"]}, {"peers": "invalid_peer"}),
    ({"peers": ["the DDC"]}, {"peers": "invalid_peer"}),
    ({"peers": ["10.0.0.0/15"]}, {"peers": "peers_too_wide"}),
    ({"interface": "the LAN"}, {"interface": "invalid_interface"}),
    ({"interface": "0.0.0.0/0"}, {"interface": "invalid_interface"}),
    ({"interface": "224.0.0.1/8"}, {"interface": "invalid_interface"}),
]


async def refused(
    hass: HomeAssistant,
    site: ConfigEntry,
    kind: str,
    good: dict[str, Any],
    wrong: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """Assert that ``wrong`` answers are refused, and that the good ones do after that."""
    result = await gateway_form(hass, site, kind)
    result = await answer(hass, result, good | wrong)
    expect_form(result, kind, **errors)
    shown = suggested(result)
    assert shown == shown | good | wrong
    assert not gateways(site)
    result = await answer(hass, result, good)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        *ACCESS_ERRORS,
        ({"bbmd": "the router"}, {"base": "invalid_bbmd"}),
        ({"interface": "192.0.2.1/24"}, {"base": "local_address"}),
    ],
)
async def test_bacnet_errors_and_recovery(
    hass: HomeAssistant,
    site: ConfigEntry,
    wrong: dict[str, Any],
    errors: dict[str, str],
) -> None:
    await refused(hass, site, "bacnet", bacnet_answers(), wrong, errors)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        *ACCESS_ERRORS,
        ({"priority": 6}, {"priority": "reserved_priority"}),
        ({"interface": "192.0.2.1/24"}, {"base": "cannot_listen"}),
    ],
)
async def test_modbus_errors_and_recovery(
    hass: HomeAssistant,
    site: ConfigEntry,
    wrong: dict[str, Any],
    errors: dict[str, str],
) -> None:
    await refused(hass, site, "modbus", modbus_answers(), wrong, errors)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("bacnet", {"device_instance": 4194303}),
        ("bacnet", {"local_port": 0}),
        ("bacnet", {"watchdog": 9}),
        ("modbus", {"unit_id": 248}),
        ("modbus", {"port": 65536}),
        ("modbus", {"priority": 17}),
        ("modbus", {"watchdog": 3601}),
    ],
)
async def test_numbers_out_of_range(
    hass: HomeAssistant, site: ConfigEntry, kind: str, wrong: dict[str, Any]
) -> None:
    result = await gateway_form(hass, site, kind)
    good = bacnet_answers() if kind == "bacnet" else modbus_answers()
    with pytest.raises(InvalidData) as refusal:
        await answer(hass, result, good | wrong)
    assert refusal.value.schema_errors.keys() == wrong.keys()
    assert not gateways(site)


async def test_a_udp_port_that_another_program_holds(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    with taken(socket.SOCK_DGRAM) as port:
        wrong = {"local_port": port}
        errors = {"base": "local_address"}
        await refused(hass, site, "bacnet", bacnet_answers(), wrong, errors)


async def test_a_tcp_port_that_another_program_holds(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    with taken(socket.SOCK_STREAM) as port:
        wrong = {"port": port}
        errors = {"base": "cannot_listen"}
        await refused(hass, site, "modbus", modbus_answers(), wrong, errors)


async def test_one_device_at_a_port(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Of two sites only one can be the BACnet device there, and both need a number."""
    other = await add_site(hass, "Next door")
    theirs = bacnet_answers()
    await add_gateway(hass, other, "bacnet", theirs)
    await serving(other)
    good = bacnet_answers(device_instance=4712)
    result = await gateway_form(hass, site, "bacnet")
    for wrong, errors in (
        ({"local_port": theirs["local_port"]}, {"base": "local_address"}),
        ({"device_instance": INSTANCE}, {"device_instance": "instance_taken"}),
    ):
        result = await answer(hass, result, good | wrong)
        expect_form(result, "bacnet", **errors)
    leave(hass, result)
    assert await device_name(theirs["local_port"], INSTANCE) == "Boiler house"
    await hass.config_entries.async_unload(other.entry_id)


async def test_the_instance_of_a_controller(
    hass: HomeAssistant, site: ConfigEntry, house: RunningHouse
) -> None:
    await add_subentry(hass, site, "bacnet", *bacnet_steps(house))
    wrong = {"device_instance": house.addresses.bacnet_device}
    errors = {"device_instance": "instance_taken"}
    await refused(hass, site, "bacnet", bacnet_answers(), wrong, errors)


async def test_a_port_that_is_used_without_a_bbmd(
    hass: HomeAssistant, site: ConfigEntry, house: RunningHouse
) -> None:
    """It is either in the local network or registered at a BBMD, for all that use it."""
    steps = bacnet_steps(house)
    await add_subentry(hass, site, "bacnet", *steps)
    good = bacnet_answers(local_port=steps[1]["local"]["local_port"])
    wrong = {"bbmd": f"{HOST}:{udp_port(HOST)}", "bbmd_ttl": 60}
    errors = {"base": "local_address"}
    await refused(hass, site, "bacnet", good, wrong, errors)
    await serving(site)
    (gateway,) = gateways(site)
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway.subentry_id)
    result = await answer(hass, result, good | wrong)
    expect_form(result, "bacnet", **errors)
    result = await answer(hass, result, good)
    expect_abort(result, "reconfigure_successful")
    await serving(site)


async def test_one_of_each_kind(hass: HomeAssistant, site: ConfigEntry) -> None:
    """With and without TLS are two kinds; they cannot share a port."""
    await add_gateway(hass, site, "bacnet", bacnet_answers())
    plain = modbus_answers()
    await add_gateway(hass, site, "modbus", plain)
    await serving(site)
    result = await begin(hass, site, SUBENTRY_GATEWAY)
    result = await answer(hass, result, {"next_step_id": "bacnet"})
    expect_abort(result, "already_configured")
    result = await gateway_form(hass, site, "modbus")
    result = await answer(hass, result, modbus_answers())
    expect_form(result, "modbus", tls="already_configured")
    result = await answer(hass, result, plain | {"tls": True})
    expect_form(result, "modbus", base="cannot_listen")
    result = await answer(hass, result, modbus_answers(tls=True))
    expect_form(result, "tls")
    leave(hass, result)


async def test_reconfigure_bacnet(hass: HomeAssistant, site: ConfigEntry) -> None:
    """What was filled in is there again, may stay, and may be changed."""
    bbmd = f"{HOST}:{udp_port(HOST)}"
    before = bacnet_answers(bbmd=bbmd, bbmd_ttl=60)
    gateway_id = await add_gateway(hass, site, "bacnet", before)
    await serving(site)
    (gateway,) = gateways(site)
    stored = dict(gateway.data)
    networks = [f"{peer}/32" for peer in before["peers"]]
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    expect_form(result, "bacnet")
    assert suggested(result) == before | {"peers": networks}
    expect_abort(
        await answer(hass, result, suggested(result)), "reconfigure_successful"
    )
    assert gateways(site)[0].data == stored
    await serving(site)
    # It may leave its BBMD and keep its port: nobody else is there.
    after = bacnet_answers(local_port=before["local_port"], name="Plant room")
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    expect_abort(await answer(hass, result, after), "reconfigure_successful")
    (gateway,) = gateways(site)
    assert gateway.title == "Plant room"
    assert not {"bbmd", "bbmd_ttl"} & set(gateway.data)
    await serving(site)
    assert await device_name(after["local_port"], INSTANCE) == "Plant room"
    moved = bacnet_answers(device_instance=4712, peers=[CONTROLLER])
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    result = await answer(hass, result, without_commands(moved))
    expect_abort(result, "reconfigure_successful")
    await serving(site)
    assert await device_name(moved["local_port"], 4712) == "Boiler house"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as left:
        left.bind((HOST, after["local_port"]))
    assert gateways(site)[0].data == {
        "kind": "bacnet",
        "device_instance": 4712,
        "interface": "127.0.0.1/8",
        "local_port": moved["local_port"],
        "peers": [f"{CONTROLLER}/32"],
        "commands": False,
    }


async def test_reconfigure_modbus(hass: HomeAssistant, site: ConfigEntry) -> None:
    before = modbus_answers()
    gateway_id = await add_gateway(hass, site, "modbus", before)
    await serving(site)
    stored = dict(gateways(site)[0].data)
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    expect_form(result, "modbus")
    assert suggested(result) == before | {"peers": [f"{CONTROLLER}/32"]}
    expect_abort(
        await answer(hass, result, suggested(result)), "reconfigure_successful"
    )
    assert gateways(site)[0].data == stored
    await serving(site)
    moved = modbus_answers(unit_id=7, priority=9, watchdog=60)
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    expect_abort(await answer(hass, result, moved), "reconfigure_successful")
    await serving(site)
    client = await RawClient.open(moved["port"], CONTROLLER)
    assert (await client.ask(bytes.fromhex("0400000002"), unit=7))[0] == 4
    with pytest.raises(ConnectionRefusedError):
        await RawClient.open(before["port"], CONTROLLER)
    assert gateways(site)[0].data == stored | {
        "port": moved["port"],
        "unit_id": 7,
        "priority": 9,
        "watchdog": 60,
    }


async def test_what_is_refused_changes_nothing(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """The server goes on, with the connection that is open."""
    before = modbus_answers()
    gateway_id = await add_gateway(hass, site, "modbus", before)
    await serving(site)
    stored = dict(gateways(site)[0].data)
    client = await RawClient.open(before["port"], CONTROLLER)
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    with taken(socket.SOCK_STREAM) as port:
        for wrong, errors in (
            ({"port": port}, {"base": "cannot_listen"}),
            ({"priority": 6}, {"priority": "reserved_priority"}),
            ({"peers": []}, {"peers": "no_peers"}),
        ):
            result = await answer(hass, result, before | {"name": "A"} | wrong)
            expect_form(result, "modbus", **errors)
    leave(hass, result)
    (gateway,) = gateways(site)
    assert (gateway.title, dict(gateway.data)) == ("Registers", stored)
    assert await client.read(4, 0, 2) == [0x4348, 1]


@pytest.mark.parametrize(
    ("kind", "key", "of", "error"),
    [
        ("bacnet", "local_port", socket.SOCK_DGRAM, "local_address"),
        ("modbus", "port", socket.SOCK_STREAM, "cannot_listen"),
    ],
)
async def test_a_port_that_was_taken_while_nobody_served(
    hass: HomeAssistant,
    site: ConfigEntry,
    kind: str,
    key: str,
    of: socket.SocketKind,
    error: str,
) -> None:
    """The one that it has is not taken for its own unless it really is."""
    answers = bacnet_answers() if kind == "bacnet" else modbus_answers()
    gateway_id = await add_gateway(hass, site, kind, answers)
    await serving(site)
    assert await hass.config_entries.async_unload(site.entry_id)
    with socket.socket(socket.AF_INET, of) as other:
        other.bind((HOST, answers[key]))
        if of is socket.SOCK_STREAM:
            other.listen()
        result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
        expect_form(await answer(hass, result, answers), kind, base=error)
        assert await hass.config_entries.async_setup(site.entry_id)
        await until(lambda: the_server(site).error is not None)
        expect_form(await answer(hass, result, answers), kind, base=error)
    result = await answer(hass, result, answers)
    expect_abort(result, "reconfigure_successful")
    await serving(site)


def the_server(site: ConfigEntry) -> Any:
    (server,) = site.runtime_data.gateway.servers.values()
    return server
