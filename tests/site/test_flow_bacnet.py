"""The dialogue that adds a BACnet controller, on the real house."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
import socket
from typing import Any

import pytest

from custom_components.compute_heater.building import bacnet_stack
from custom_components.compute_heater.building.bacnet import BacnetDevice
from custom_components.compute_heater.flows import bacnet
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
    many_inputs,
    usual_objects,
)
from tests.building.raw_bacnet import ERROR, RawPeer, as_device

from .dialogue import (
    answer,
    begin,
    expect_abort,
    expect_form,
    expect_menu,
    leave,
    suggested,
)
from .plant import add_site, add_subentry, bacnet_steps, entity_id
from .upload import upload

HOST = "127.0.0.1"
BY_ADDRESS = {"next_step_id": "address"}

type Steps = tuple[dict[str, Any], ...]


def local(**more: Any) -> dict[str, Any]:
    """Return our side of the connection; it has a port of its own."""
    return {"interface": f"{HOST}/8", "local_port": udp_port(HOST)} | more


def connection(address: str, **more: Any) -> dict[str, Any]:
    """Return the answers of the form that asks for an address."""
    return {"address": address, "local": local()} | more


def search(
    scope: str = "directed", target: str = "", low: int = 0, high: int = 4194302,
    **side: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return the answers of the form that searches."""
    advanced = {"low": low, "high": high, "scope": scope}
    if target:
        advanced["target"] = target
    return {**local(), **side, "advanced": advanced}


def choices(form: Any, field: str) -> dict[str, str]:
    """Return the labels that can be chosen, by key."""
    options = form["data_schema"].schema[field].config["options"]
    return {option["value"]: option["label"] for option in options}


async def begin_at(
    hass: HomeAssistant, entry: ConfigEntry, step: str, subentry_id: str | None = None
) -> Any:
    """Open the dialogue and take a way out of its menu."""
    form = await begin(hass, entry, "bacnet", subentry_id)
    return await answer(hass, form, {"next_step_id": step})


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


async def test_menus(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Each way is offered and leads to a form that suggests what it can."""
    menu = await begin(hass, site, "bacnet")
    expect_menu(menu, "user", "search", "address", "ede")
    form = await answer(hass, menu, {"next_step_id": "search"})
    expect_form(form, "search")
    assert "/" in suggested(form)["interface"]
    assert suggested(form)["local_port"] == 47808
    assert suggested(form)["advanced"]["scope"] == "local"
    (first, *_) = choices(form, "interface").items()
    assert first[0] == suggested(form)["interface"]
    assert first[1].endswith(f" – {first[0]}")
    leave(hass, form)
    for step in ("address", "ede"):
        form = await begin_at(hass, site, step)
        expect_form(form, step)
        assert "/" in suggested(form)["local"]["interface"]
        leave(hass, form)


async def test_nobody_answers(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead port, and something that does not speak BACnet."""
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 300)
    form = await begin_at(hass, site, "address")
    dead = connection(f"{HOST}:{udp_port(HOST)}")
    form = await answer(hass, form, dead)
    expect_form(form, "address", base="cannot_connect")
    assert suggested(form)["address"] == dead["address"]
    async with echo() as stranger:
        form = await answer(hass, form, connection(stranger))
    expect_form(form, "address", base="cannot_connect")


async def test_add_device(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """Every mistake is named; then the device's objects are there to be ticked."""
    form = await begin_at(hass, site, "address")
    address = house.addresses.bacnet
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        for side in (
            local(local_port=port),
            local(interface="192.0.2.1/24"),
            local(interface="house"),
        ):
            form = await answer(hass, form, connection(address, local=side))
            expect_form(form, "address", base="local_address")
            assert form["description_placeholders"]["detail"]
    for wrong in ("not an address", "300.1.1.1", f"{HOST}:0", "12:"):
        form = await answer(hass, form, connection(wrong))
        expect_form(form, "address", address="invalid_address")
    form = await answer(hass, form, connection(address, device_instance=1))
    expect_form(form, "address", base="not_bacnet")

    right = connection(address)
    form = await answer(hass, form, right)
    expect_form(form, "points")
    found = choices(form, "read")
    writable = choices(form, "write")
    assert form["description_placeholders"]["count"] == str(len(found))
    assert found["analog-input,1"].startswith("DHW tank top (analog-input,1: 4")
    assert found["analog-input,1"].endswith(" °C)")
    assert found["binary-input,1"] == "DHW request (binary-input,1: off)"
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
    form = await answer(hass, form, ticked)
    expect_form(form, "review")
    shown = form["description_placeholders"]
    assert (shown["count"], shown["written"]) == ("2", "1")
    assert "DHW setpoint · analog-value,1" in shown["detail"]
    assert "30…65 °C" in shown["detail"]
    result = await answer(hass, form, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY

    (subentry,) = site.subentries.values()
    instance = house.addresses.bacnet_device
    assert subentry.title == shown["name"]
    assert subentry.unique_id == str(instance)
    data = dict(subentry.data)
    assert data.pop("identity")["instance"] == instance
    assert [row["object_type"] for row in data.pop("points")] == [
        "analog-input",
        "analog-value",
    ]
    assert data == {"address": address, "device_instance": instance} | right["local"]
    setpoint = entity_id(hass, site, subentry.subentry_id, "analog-value,1", "number")
    state = hass.states.get(setpoint)
    assert state is not None
    assert float(state.state) == 50
    assert (state.attributes["min"], state.attributes["max"]) == (30, 65)
    assert house.house.commands.dhw_setpoint_c.override is None


async def test_change_one_point(
    hass: HomeAssistant, controller: BacnetPeer, site: ConfigEntry
) -> None:
    """Each point asks what makes sense for it; what contradicts itself is named."""
    form = await begin_at(hass, site, "address")
    form = await answer(hass, form, connection(controller.address))
    every = [
        "analog-input,1",
        "analog-value,1",
        "analog-value,2",
        "binary-value,1",
        "multi-state-value,1",
    ]
    form = await answer(hass, form, {"read": every, "write": every[1:]})
    expect_form(form, "review")
    asked = {}
    for key in every:
        form = await answer(hass, form, {"point": key})
        expect_form(form, "point")
        assert form["description_placeholders"]["object"] == key
        assert form["description_placeholders"]["description"]
        asked[key] = {str(field) for field in form["data_schema"].schema}
        form = await answer(hass, form, suggested(form))
        expect_form(form, "review")
    always = {"name", "role", "group"}
    written = always | {"min_interval_s", "lifetime_s"}
    number = written | {"minimum", "maximum", "step", "dead_band"}
    assert asked == {
        "analog-input,1": always,
        "analog-value,1": number | {"priority"},
        "analog-value,2": number,
        "binary-value,1": written | {"priority"},
        "multi-state-value,1": written | {"priority"},
    }

    form = await answer(hass, form, {"point": "analog-value,1"})
    former = suggested(form)
    assert former["group"] == "by_role"
    assert former["priority"] == 16
    assert (former["minimum"], former["maximum"]) == (0, 3000)
    for values, errors in (
        ({"minimum": 3000}, {"maximum": "maximum_not_above_minimum"}),
        ({"step": 0}, {"step": "invalid_value"}),
    ):
        form = await answer(hass, form, former | values)
        expect_form(form, "point", **errors)
        assert form["description_placeholders"]["detail"]
    chosen = {
        "name": "Leistungsgrenze",
        "role": "heat_power",
        "group": "slow",
        "minimum": 500,
        "maximum": 2500,
        "step": 100,
        "dead_band": 50,
        "min_interval_s": 30,
        "lifetime_s": 900,
        "priority": 12,
    }
    form = await answer(hass, form, chosen)
    expect_form(form, "review")
    assert "Leistungsgrenze" in form["description_placeholders"]["detail"]
    form = await answer(hass, form, {"point": "analog-value,1"})
    assert suggested(form) == chosen
    # What is emptied goes back to what it was without.
    emptied = {
        key: value
        for key, value in chosen.items()
        if key not in ("role", "step", "lifetime_s")
    }
    form = await answer(hass, form, emptied | {"name": " ", "group": "by_role"})
    form = await answer(hass, form, {})
    (subentry,) = site.subentries.values()
    row = next(
        row
        for row in subentry.data["points"]
        if (row["object_type"], row["instance"]) == ("analog-value", 1)
    )
    assert row["name"] == "Leistungsgrenze"
    assert row["priority"] == 12
    assert not row.keys() & {"role", "group", "step", "lifetime_s"}


async def test_search(
    hass: HomeAssistant,
    house: RunningHouse,
    controller: BacnetPeer,
    site: ConfigEntry,
) -> None:
    """What answers can be picked; what is set up already is not offered again."""
    form = await begin_at(hass, site, "search")
    for wrong, error in (
        (search(low=9, high=8), "wrong_range"),
        (search(target="nowhere"), "invalid_target"),
        (search(), "invalid_target"),
        (search(target=f"{HOST}:{udp_port(HOST)}"), "nothing_found"),
        (search(target=controller.address, low=78), "nothing_found"),
        (search(target=controller.address, interface="house"), "local_address"),
    ):
        form = await answer(hass, form, wrong)
        expect_form(form, "search", base=error)
    form = await answer(hass, form, search(target=controller.address))
    expect_form(form, "pick")
    (key,) = choices(form, "device")
    assert choices(form, "device")[key] == (
        f"controller-77 · Vendor DDC · 77 · {controller.address}"
    )
    assert form["description_placeholders"]["warning"] == ""
    form = await answer(hass, form, {"device": key})
    expect_form(form, "points")
    form = await answer(hass, form, {"read": ["analog-input,1"], "write": []})
    result = await answer(hass, form, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = site.subentries.values()
    assert subentry.data["address"] == controller.address
    assert subentry.data["device_instance"] == 77

    form = await begin_at(hass, site, "search")
    # Our side is suggested as the first link has it.
    port = subentry.data["local_port"]
    assert suggested(form)["local_port"] == port
    form = await answer(hass, form, search(target=controller.address, local_port=port))
    expect_form(form, "search", base="nothing_new")
    leave(hass, form)


@asynccontextmanager
async def crowd(*peers: RawPeer) -> AsyncGenerator[int]:
    """Let peers answer a search by broadcast as device 77; yields its UDP port."""

    class Ear(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            if data[-2:] == b"\x10\x08":
                for peer in peers:
                    peer.send(bytes.fromhex("1000 c40200004d 2201e0 9103 2203e7"), addr)

    port = udp_port(HOST)
    loop = asyncio.get_running_loop()
    ear, _ = await loop.create_datagram_endpoint(
        Ear, local_addr=("127.255.255.255", port), reuse_port=True
    )
    try:
        yield port
    finally:
        ear.close()


async def test_search_by_broadcast(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two controllers of one instance are both shown, also one that tells no more."""
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 300)
    plain = as_device(
        77, lambda invoke, *_: bytes([ERROR, invoke, 12, 0x91, 2, 0x91, 32])
    )
    peers = RawPeer(plain), RawPeer(lambda *_: None)
    known, mute = [await peer.start() for peer in peers]
    try:
        async with crowd(*peers) as port:
            form = await begin_at(hass, site, "search")
            form = await answer(hass, form, search("local", local_port=port))
            expect_form(form, "pick")
            assert choices(form, "device") == {
                f"77@{address}": f"77 · {address}" for address in sorted((known, mute))
            }
            assert "77" in form["description_placeholders"]["warning"]
            for address, error in ((mute, "cannot_connect"), (known, "not_bacnet")):
                form = await answer(hass, form, {"device": f"77@{address}"})
                expect_form(form, "pick", base=error)
            leave(hass, form)
    finally:
        for peer in peers:
            peer.stop()


async def test_search_through_a_bbmd(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A BBMD lets us search its network, and is kept for the link and the next one."""
    peer = BacnetPeer(81, is_bbmd=True)
    await peer.start()
    try:
        form = await begin_at(hass, site, "search")
        answers = search("local")
        answers["advanced"] |= {"bbmd": f" {peer.address} ", "bbmd_ttl": 60}
        form = await answer(hass, form, answers)
        expect_form(form, "pick")
        (key,) = choices(form, "device")
        form = await answer(hass, form, {"device": key})
        form = await answer(hass, form, {"read": ["analog-input,1"], "write": []})
        await answer(hass, form, {})
        ((link_id, subentry),) = site.subentries.items()
        assert subentry.data["bbmd"] == peer.address
        assert subentry.data["bbmd_ttl"] == 60
        state = hass.states.get(
            entity_id(hass, site, link_id, "analog-input,1", "sensor")
        )
        assert state is not None
        assert float(state.state) == 48.3
        side = {key: subentry.data[key] for key in ("interface", "local_port")}
        router = {"bbmd": peer.address, "bbmd_ttl": 60}
        form = await begin_at(hass, site, "address")
        assert suggested(form)["local"] == side | router
        leave(hass, form)
        form = await begin_at(hass, site, "search")
        assert side.items() <= suggested(form).items()
        assert router.items() <= suggested(form)["advanced"].items()
        leave(hass, form)
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await peer.stop()


async def test_bbmd_that_is_not_there(
    hass: HomeAssistant, controller: BacnetPeer, site: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A foreign device that nobody takes in is told so, whatever the address."""
    monkeypatch.setattr(bacnet, "REGISTRATION_PATIENCE_S", 0.3)
    form = await begin_at(hass, site, "address")
    side = local(bbmd=f"{HOST}:{udp_port(HOST)}", bbmd_ttl=60)
    form = await answer(hass, form, connection(controller.address, local=side))
    expect_form(form, "address", base="bbmd")
    assert form["description_placeholders"]["detail"] == side["bbmd"]
    side = local(bbmd="the router", bbmd_ttl=60)
    form = await answer(hass, form, connection(controller.address, local=side))
    expect_form(form, "address", base="invalid_bbmd")
    leave(hass, form)


async def test_known_device_and_change(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """A device is added once; its points and its address can be changed."""
    steps = bacnet_steps(house)
    link_id = await add_subentry(hass, site, "bacnet", *steps)

    again = await begin_at(hass, site, "address")
    # The running link's own port is shared.
    result = await answer(hass, again, steps[1])
    expect_abort(result, "already_configured")

    menu = await begin(hass, site, "bacnet", link_id)
    expect_menu(menu, "reconfigure", "change_points", "connection", "ede")
    form = await answer(hass, menu, {"next_step_id": "connection"})
    expect_form(form, "connection")
    assert suggested(form) == {
        "address": steps[1]["address"],
        "local": steps[1]["local"] | {"bbmd_ttl": 120},
    }
    form = await answer(hass, form, steps[1])
    expect_form(form, "points")
    assert suggested(form) == steps[2]
    leave(hass, form)

    form = await begin_at(hass, site, "change_points", link_id)
    expect_form(form, "points")
    assert suggested(form) == steps[2]
    fewer = {"read": ["analog-input,1", "analog-value,1"], "write": []}
    form = await answer(hass, form, fewer)
    result = await answer(hass, form, {})
    expect_abort(result, "reconfigure_successful")
    (subentry,) = site.subentries.values()
    assert subentry.unique_id == str(house.addresses.bacnet_device)
    assert len(subentry.data["points"]) == 2
    setpoint = entity_id(hass, site, link_id, "analog-value,1", "sensor")
    state = hass.states.get(setpoint)
    assert state is not None
    assert float(state.state) == 50


async def test_names_and_settings_stay(
    hass: HomeAssistant, controller: BacnetPeer, site: ConfigEntry
) -> None:
    """Changing points keeps what was decided; objects that changed are named."""
    ticked = {"read": ["analog-input,1", "analog-value,1", "analog-output,1"]}
    ticked["write"] = ["analog-value,1"]
    changed = {
        "name": "Grenze",
        "group": "fast",
        "minimum": 100,
        "maximum": 2000,
        "dead_band": 5,
        "min_interval_s": 7,
        "lifetime_s": 60,
        "priority": 10,
    }
    link_id = await add_subentry(
        hass,
        site,
        "bacnet",
        BY_ADDRESS,
        connection(controller.address),
        ticked,
        {"point": "analog-value,1"},
        changed,
        {"point": "analog-input,1"},
        {"name": "Speicher", "group": "by_role"},
        {},
    )
    before = dict(site.subentries[link_id].data)
    form = await begin_at(hass, site, "change_points", link_id)
    assert suggested(form) == ticked
    assert choices(form, "read")["analog-value,1"].startswith("Grenze (")
    form = await answer(hass, form, suggested(form))
    result = await answer(hass, form, {})
    expect_abort(result, "reconfigure_successful")
    assert dict(site.subentries[link_id].data) == before

    # Another program was loaded: one object is gone, one is something else.
    await controller.stop()
    objects = [one for one in usual_objects() if one.objectName != "Ventil"]
    (power,) = (one for one in objects if one.objectName == "Leistung")
    power.objectName = "Frostschutz"
    await controller.start(objects)
    form = await begin_at(hass, site, "change_points", link_id)
    expect_form(form, "points")
    detail = form["description_placeholders"]["detail"]
    assert "Ventil" in detail
    assert "Grenze → Frostschutz" in detail
    # It is no longer ticked for writing, and no longer called what it is not.
    assert suggested(form) == {
        "read": ["analog-input,1", "analog-value,1"],
        "write": [],
    }
    assert choices(form, "read")["analog-value,1"].startswith("Frostschutz (")
    assert choices(form, "read")["analog-input,1"].startswith("Speicher (")
    leave(hass, form)


async def test_change_when_nobody_answers(
    hass: HomeAssistant,
    controller: BacnetPeer,
    site: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A device that moved can be told its new address; another one is refused."""
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 300)
    ticked = {"read": ["analog-input,1"], "write": []}
    steps: Steps = (BY_ADDRESS, connection(controller.address), ticked, {})
    link_id = await add_subentry(hass, site, "bacnet", *steps)
    before = dict(site.subentries[link_id].data)
    former = controller.address
    await controller.stop()
    other, moved = BacnetPeer(78), BacnetPeer(77)
    await other.start()
    await moved.start()
    try:
        form = await begin_at(hass, site, "change_points", link_id)
        expect_form(form, "connection", base="cannot_connect")
        assert suggested(form)["address"] == former
        same_side = {key: before[key] for key in ("interface", "local_port")}
        wrong = {"address": other.address, "local": same_side}
        form = await answer(hass, form, wrong)
        expect_form(form, "connection", base="not_bacnet")
        assert dict(site.subentries[link_id].data) == before
        right = {"address": moved.address, "local": same_side}
        form = await answer(hass, form, right)
        expect_form(form, "points")
        assert suggested(form) == ticked
        form = await answer(hass, form, ticked)
        result = await answer(hass, form, {})
        expect_abort(result, "reconfigure_successful")
        data = site.subentries[link_id].data
        assert data["address"] == moved.address
        assert data["points"] == before["points"]
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await other.stop()
        await moved.stop()


@pytest.mark.parametrize("read", [["analog-value,1"], ["analog-input,1"]])
async def test_unticked_point_is_let_go(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry, read: list[str]
) -> None:
    """A command is taken back when its point may not be written any more."""
    link_id = await add_subentry(hass, site, "bacnet", *bacnet_steps(house))
    setpoint = entity_id(hass, site, link_id, "analog-value,1", "number")
    value = {"entity_id": setpoint, "value": 52}
    await hass.services.async_call("number", "set_value", value, blocking=True)
    assert house.house.commands.dhw_setpoint_c.override == 52
    form = await begin_at(hass, site, "change_points", link_id)
    form = await answer(hass, form, {"read": read, "write": []})
    result = await answer(hass, form, {})
    expect_abort(result, "reconfigure_successful")
    assert house.house.commands.dhw_setpoint_c.override is None


async def test_what_may_be_written(
    hass: HomeAssistant, controller: BacnetPeer, site: ConfigEntry
) -> None:
    """Only what can be taken back, and whose limits are known or can be guessed."""
    form = await begin_at(hass, site, "address")
    form = await answer(hass, form, connection(controller.address))
    expect_form(form, "points")
    assert choices(form, "read")["analog-input,2"] == "Broken sensor (analog-input,2)"
    offered = choices(form, "write")
    assert set(offered) == {
        "analog-value,1",
        "analog-value,2",
        "analog-output,1",
        "analog-value,10",
        "binary-value,1",
        "multi-state-value,1",
    }
    restored = {key for key, label in offered.items() if label.endswith("restored)")}
    assert restored == {"analog-value,2"}
    ticked = ["analog-output,1", "analog-value,10", "analog-value,2"]
    form = await answer(hass, form, {"read": ticked, "write": ticked})
    assert "restored" in form["description_placeholders"]["detail"]
    await answer(hass, form, {})
    (link_id,) = site.subentries
    for key, limits in (
        ("analog-output,1", (0, 100)),
        ("analog-value,10", (5, 80)),
        ("analog-value,2", (5, 80)),
    ):
        state = hass.states.get(entity_id(hass, site, link_id, key, "number"))
        assert state is not None
        assert (state.attributes["min"], state.attributes["max"]) == limits


async def test_many_objects(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large controller, only what has a role is ticked to begin with."""
    peer = BacnetPeer(79)
    await peer.start([*usual_objects(), *many_inputs(100)])
    try:
        form = await begin_at(hass, site, "address")
        form = await answer(hass, form, connection(peer.address))
        expect_form(form, "points")
        assert len(choices(form, "read")) == 107
        ticked = suggested(form)["read"]
        assert "analog-input,1" in ticked
        assert not [key for key in ticked if key.startswith("analog-input,1000")]
        leave(hass, form)
    finally:
        await peer.stop()


async def test_nothing_to_read(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A device without any object is no link."""
    peer = BacnetPeer(80)
    await peer.start([])
    try:
        form = await begin_at(hass, site, "address")
        form = await answer(hass, form, connection(peer.address))
        expect_form(form, "address", base="no_objects")
        leave(hass, form)
    finally:
        await peer.stop()


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
        steps: Steps = (BY_ADDRESS, connection(peer.address), ticked, {})
        link_id = await add_subentry(hass, site, "bacnet", *steps)
        assert site.state is ConfigEntryState.LOADED
        sensor = entity_id(hass, site, link_id, "multi-state-value,9", "sensor")
        state = hass.states.get(sensor)
        assert state is not None
        assert state.state not in ("unknown", "unavailable")
        form = await begin_at(hass, site, "change_points", link_id)
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
    steps: Steps = (BY_ADDRESS, connection(controller.address), ticked, {})
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
    form = await begin_at(hass, site, "change_points", link_id)
    assert suggested(form)["read"] == ["analog-input,1"]
    leave(hass, form)


async def test_another_site(
    hass: HomeAssistant, controller: BacnetPeer, site: ConfigEntry
) -> None:
    """Another site may have a link to the same device."""
    ticked = {"read": ["analog-input,1"], "write": []}
    there = connection(controller.address)
    await add_subentry(hass, site, "bacnet", BY_ADDRESS, there, ticked, {})
    other = await add_site(hass, "Cottage")
    form = await begin_at(hass, other, "address")
    form = await answer(hass, form, there)
    expect_form(form, "points")
    leave(hass, form)
    await hass.config_entries.async_unload(other.entry_id)


EDE = """\
# Proposal_Engineering-Data-Exchange;by B.I.G.-EU
PROJECT_NAME;House
VERSION_OF_REFERENCEFILE;1
TIMESTAMP_OF_LAST_CHANGE;2026-11-01
AUTHOR_OF_LAST_CHANGE;Installer
VERSION_OF_LAYOUT;2.3
#keyname;device obj.-instance;object-name;object-type;object-instance;description;\
present-value-default;min-present-value;max-present-value;settable;supports COV;\
hi-limit;low-limit;state-text-reference;unit-code
a;77;TWW oben °C;0;1;Speicher oben;;;;N;Y;;;;62
b;77;Sollwert;2;2;Sollwert;;30;60;Y;Y;;;;62
c;77;Stufe;19;1;Stufe;;;;Y;Y;;;7;
d;77;Entfallen;0;999;gibt es nicht mehr;;;;N;Y;;;;62
"""
STATE_TEXTS = """\
#State Text Reference
#Reference Number;Text 1;Text 2;Text 3;Text 4
7;Aus;Spar;Normal;Hoch
"""


async def test_import(
    hass: HomeAssistant,
    hass_client: Any,
    controller: BacnetPeer,
    site: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A list names the objects; what the device does not have is named and left out."""
    form = await begin_at(hass, site, "ede")
    there = connection(controller.address)
    for wrong, error in (
        ({}, "no_list"),
        ({"text": " "}, "no_list"),
        ({"text": "neither this\nnor that"}, "invalid_list"),
        ({"text": EDE.partition("a;77")[0]}, "invalid_list"),
        ({"text": EDE, "device_instance": 78}, "wrong_instance"),
        ({"text": EDE.replace(";77;", ";78;")}, "not_bacnet"),
        ({"file": await upload(hass_client, b"PK\x03\x04\0\0")}, "invalid_file"),
        ({"file": "0" * 32}, "invalid_file"),
    ):
        form = await answer(hass, form, there | wrong)
        expect_form(form, "ede", base=error)
    gone = "\n".join(
        line for line in EDE.splitlines() if line[:2] not in ("a;", "b;", "c;")
    )
    form = await answer(hass, form, there | {"text": gone})
    expect_form(form, "ede", base="no_objects")

    lists = {
        "file": await upload(hass_client, EDE.encode("cp1252")),
        "state_texts": await upload(hass_client, STATE_TEXTS.encode("utf-8-sig")),
    }
    form = await answer(hass, form, there | lists | {"address": "nowhere"})
    expect_form(form, "ede", address="invalid_address")
    other = connection(f"{HOST}:{udp_port(HOST)}") | lists
    with monkeypatch.context() as patch:
        patch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 300)
        form = await answer(hass, form, other)
    expect_form(form, "ede", base="cannot_connect")
    # The files need not be uploaded again.
    form = await answer(hass, form, there | lists)
    expect_form(form, "points")
    assert "Entfallen" in form["description_placeholders"]["detail"]
    assert set(choices(form, "read")) == {
        "analog-input,1",
        "analog-value,2",
        "multi-state-value,1",
    }
    form = await answer(hass, form, suggested(form) | {"write": ["analog-value,2"]})
    assert "30…60 °C" in form["description_placeholders"]["detail"]
    result = await answer(hass, form, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (link_id,) = site.subentries
    assert site.subentries[link_id].data["device_instance"] == 77

    # A new list renames the points; what was decided about them stays.
    form = await begin_at(hass, site, "ede", link_id)
    expect_form(form, "ede")
    renamed = EDE.replace(";Sollwert;2;2;", ";TWW Sollwert;2;2;")
    side = {"address": controller.address, "local": suggested(form)["local"]}
    form = await answer(hass, form, side | {"text": renamed})
    expect_form(form, "points")
    assert suggested(form)["write"] == ["analog-value,2"]
    assert choices(form, "read")["analog-value,2"].startswith("TWW Sollwert (")
    leave(hass, form)


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
        form = await begin_at(hass, site, "address")
    assert "interface" not in suggested(form)["local"]
    with monkeypatch.context() as patch:
        patch.setattr(BacnetDevice, "browse", fail)
        form = await answer(hass, form, connection(house.addresses.bacnet))
    expect_form(form, "address", base="unknown")
    assert "Unexpected error from a BACnet device" in caplog.text
    form = await answer(hass, form, connection(house.addresses.bacnet))
    expect_form(form, "points")
    leave(hass, form)
