"""The dialogue that adds a Modbus controller, on the real house and real profiles."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Never

import pytest

from custom_components.compute_heater.building.modbus_point import Space
from custom_components.compute_heater.building.profile import Profile, load_profiles
from custom_components.compute_heater.flows import modbus_form, modbus_try
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from simulator.running import RunningHouse, running_house
from tests.building.modbus_peer import float_registers, serve_raw
from tests.building.pty_pair import serial_line
from tests.building.register_peer import Register, RegisterPeer

from .dialogue import (
    answer,
    begin,
    expect_abort,
    expect_form,
    expect_menu,
    leave,
    suggested,
)
from .plant import (
    MODBUS_POINTS,
    add_subentry,
    entity_id,
    list_steps,
    modbus_connection,
    modbus_steps,
    yaml_text,
)
from .upload import upload

HOST = "127.0.0.1"
OUTDOOR = {
    "name": "Outdoor",
    "space": "input",
    "address": 0,
    "data_type": "int16",
    "scale": 0.1,
    "unit": "°C",
}
SETPOINT = {
    "key": "setpoint",
    "name": "Hot-water set point",
    "space": "holding",
    "address": 0,
    "data_type": "int16",
    "scale": 0.1,
    "unit": "°C",
    "writable": True,
    "minimum": 30,
    "maximum": 65,
}
METER = {
    "key": "meter",
    "name": "Meter",
    "space": "input",
    "address": 30,
    "data_type": "float32",
    "unit": "kWh",
}
LIST = {"next_step_id": "list"}


def without(point: dict[str, Any], *fields: str) -> dict[str, Any]:
    """Return the point without some of its fields."""
    return {name: value for name, value in point.items() if name not in fields}


def pasted(*points: Mapping[str, Any]) -> dict[str, str]:
    """Return the answer of the form that takes a list."""
    return {"points": yaml_text(points)}


def choices(form: Any, *path: str) -> dict[str, str]:
    """Return the labels that can be chosen, by key; sections are nested."""
    *sections, field = path
    fields = form["data_schema"].schema
    for name in sections:
        fields = fields[name].schema.schema
    return {one["value"]: one["label"] for one in fields[field].config["options"]}


async def begin_change(
    hass: HomeAssistant, entry: ConfigEntry, link_id: str, step: str
) -> Any:
    """Open the dialogue that changes a link and take a way out of its menu."""
    menu = await begin(hass, entry, "modbus", link_id)
    return await answer(hass, menu, {"next_step_id": step})


WRONG_LISTS: list[tuple[str, str]] = [
    ("outdoor", ""),
    (yaml_text([]), ""),
    ("- outdoor", "mapping"),
    ("- {name: [", ""),
    *(
        (yaml_text(points), named)
        for points, named in (
            ([without(OUTDOOR, "space")], "space"),
            ([without(OUTDOOR, "address")], "address"),
            ([without(OUTDOOR, "data_type")], "data_type"),
            ([OUTDOOR | {"space": "register"}], "space"),
            ([OUTDOOR | {"address": 70000}], "address"),
            ([OUTDOOR | {"data_type": "int64"}], "data_type"),
            ([OUTDOOR | {"scale": 0}], "scale"),
            ([OUTDOOR | {"scal": 0.1}], "scal"),
            ([OUTDOOR | {"writable": True}], "writable"),
            ([without(SETPOINT, "maximum")], "maximum"),
            ([SETPOINT | {"minimum": 70}], "maximum"),
            ([OUTDOOR, SETPOINT, OUTDOOR], "input-0"),
        )
    ),
]


async def test_add_controller(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """A wrong list is explained, a register that is not there is named."""
    form = await begin(hass, site, "modbus")
    expect_form(form, "user")
    first = suggested(form)
    assert (first["transport"], first["unit_id"]) == ("tcp", 1)
    connection = modbus_connection(house)
    for wrong in ("http://heater", "house:502", " "):
        form = await answer(hass, form, connection | {"host": wrong})
        error = "invalid_setting" if wrong == " " else "invalid_host"
        expect_form(form, "user", host=error)
    menu = await answer(hass, form, connection | {"host": f" {connection['host']} "})
    expect_menu(menu, "source", "profile", "list", "upload")
    form = await answer(hass, menu, LIST)
    expect_form(form, "list")
    for text, named in WRONG_LISTS:
        form = await answer(hass, form, {"points": text})
        expect_form(form, "list", base="invalid_points")
        assert named in form["description_placeholders"]["detail"]
        assert suggested(form) == {"points": text}

    hole = OUTDOOR | {"key": "hole", "name": "Nothing here", "address": 500}
    dead = {"name": "Nor here", "space": "discrete", "address": 90}
    form = await answer(hass, form, pasted(SETPOINT, hole, dead))
    expect_form(form, "preview")
    shown = form["description_placeholders"]
    assert "| Hot-water set point | holding 0 | 01F4 | **50 °C** |" in shown["table"]
    assert "Nothing here, Nor here" in shown["silent"]
    form = await answer(hass, form, {})
    expect_form(form, "preview", unreadable="unreadable_points")
    assert form["description_placeholders"]["detail"] == "Nothing here, Nor here"
    form = await answer(hass, form, {"unreadable": "leave_out"})
    expect_form(form, "review")
    assert form["description_placeholders"]["count"] == "1"
    leave(hass, form)

    form = await begin(hass, site, "modbus")
    form = await answer(hass, form, connection)
    form = await answer(hass, form, LIST)
    form = await answer(hass, form, pasted(hole))
    form = await answer(hass, form, {"unreadable": "leave_out"})
    expect_form(form, "preview", base="no_points")
    form = await answer(hass, form, {"unreadable": "keep"})
    expect_form(form, "review")
    leave(hass, form)

    link_id = await add_subentry(
        hass, site, "modbus", *modbus_steps(house, [OUTDOOR, SETPOINT])
    )
    subentry = site.subentries[link_id]
    assert subentry.title == "Modbus 127.0.0.1"
    assert subentry.unique_id == f"{house.addresses.modbus}/1"
    data = dict(subentry.data)
    rows = data.pop("points")
    assert data == connection
    # The name tells what it is.
    assert rows[0]["role"] == "outdoor_temperature"
    outdoor = entity_id(hass, site, link_id, "input-0", "sensor")
    state = hass.states.get(outdoor)
    assert state is not None
    assert float(state.state) == pytest.approx(
        house.house.conditions.outdoor_c, abs=0.2
    )
    setpoint = entity_id(hass, site, link_id, "setpoint", "number")
    state = hass.states.get(setpoint)
    assert state is not None
    assert float(state.state) == 50


async def test_change_one_point(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """What is asked follows from what the device does with a written value."""
    lasting = SETPOINT | {"key": "lasting", "write_class": "eeprom"}
    cyclic = SETPOINT | {"key": "cyclic", "write_class": "cyclic", "ttl_s": 60}
    pump = MODBUS_POINTS[0]
    form = await begin(hass, site, "modbus")
    form = await answer(hass, form, modbus_connection(house))
    form = await answer(hass, form, LIST)
    form = await answer(hass, form, pasted(OUTDOOR, SETPOINT, lasting, cyclic, pump))
    form = await answer(hass, form, {})
    expect_form(form, "review")
    assert "(stored setting)" not in form["description_placeholders"]["detail"]
    assert "stored setting" in form["description_placeholders"]["detail"]
    number = {"minimum", "maximum", "step", "dead_band"}
    for key, asked, about in (
        ("input-0", set(), "only read"),
        ("setpoint", number | {"min_interval_s", "lifetime_s"}, "starts anew"),
        ("lasting", number | {"min_interval_s"}, "wears"),
        ("cyclic", number | {"min_interval_s", "lifetime_s"}, "lapses"),
        ("pump", {"min_interval_s", "lifetime_s"}, "starts anew"),
    ):
        form = await answer(hass, form, {"point": key})
        expect_form(form, "point")
        fields = {str(field) for field in form["data_schema"].schema}
        assert fields == {"name", "role", "group"} | asked
        assert about in form["description_placeholders"]["description"]
        form = await answer(hass, form, suggested(form))
        expect_form(form, "review")
    form = await answer(hass, form, {"point": "setpoint"})
    former = suggested(form)
    form = await answer(hass, form, former | {"maximum": 20})
    expect_form(form, "point", maximum="maximum_not_above_minimum")
    form = await answer(hass, form, former | {"maximum": 60, "min_interval_s": 120})
    await answer(hass, form, {})
    (subentry,) = site.subentries.values()
    row = subentry.data["points"][1]
    assert (row["maximum"], row["min_interval_s"]) == (60, 120)
    assert row["scale"] == SETPOINT["scale"]


async def test_order_of_bytes(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Each order is shown; the one that is chosen holds for all pairs of registers."""
    pair = float_registers(21.5)
    registers: dict[Register, int] = {
        (1, Space.INPUT, 0): pair[1],
        (1, Space.INPUT, 1): pair[0],
        (1, Space.INPUT, 2): 215,
        (1, Space.COIL, 0): 1,
    }
    peer = RegisterPeer(registers)
    await peer.start()
    real = METER | {"address": 0, "unit": "°C", "name": "Real | here"}
    tenths = OUTDOOR | {"key": "tenths", "address": 2}
    coil = {"key": "coil", "space": "coil", "address": 0, "role": "fault"}
    try:
        form = await begin(hass, site, "modbus")
        form = await answer(hass, form, _tcp(peer.port))
        form = await answer(hass, form, LIST)
        blind = tenths | {"key": "blind", "sentinels": [215]}
        form = await answer(hass, form, pasted(real, tenths, coil, blind))
        expect_form(form, "preview")
        assert suggested(form) == {"word_order": "as_listed"}
        table = form["description_placeholders"]["table"].splitlines()
        assert table[2].startswith("| Real \\| here | input 0 | ")
        cells = table[2].split(" | ")
        assert cells[-3] == "21.5"
        assert cells[-4].startswith("**")
        assert table[3].startswith("| Outdoor | input 2 | 00D7 | **21.5 °C** |")
        assert table[4].startswith("| coil | coil 0 | 1 | **on** |")
        assert table[5].startswith("| Outdoor | input 2 | 00D7 | **–** |")
        form = await answer(hass, form, {"word_order": "cdab"})
        expect_form(form, "preview")
        assert suggested(form) == {"word_order": "cdab"}
        row = form["description_placeholders"]["table"].splitlines()[2]
        assert "| **21.5 °C** |" in row
        assert "| **21.5** |" in row
        form = await answer(hass, form, {"word_order": "cdab"})
        expect_form(form, "review")
        await answer(hass, form, {})
        ((link_id, subentry),) = site.subentries.items()
        orders = [row.get("word_order") for row in subentry.data["points"]]
        assert orders == ["cdab", None, None, None]
        # What the list says goes before what a name suggests.
        assert subentry.data["points"][2]["role"] == "fault"
        state = hass.states.get(entity_id(hass, site, link_id, "meter", "sensor"))
        assert state is not None
        assert float(state.state) == 21.5
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await peer.stop()


async def test_long_preview(
    hass: HomeAssistant,
    house: RunningHouse,
    site: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A table that nobody can read to its end is cut, and says so."""
    monkeypatch.setattr(modbus_form, "MOST_ROWS", 2)
    form = await begin(hass, site, "modbus")
    form = await answer(hass, form, modbus_connection(house))
    form = await answer(hass, form, LIST)
    form = await answer(hass, form, pasted(*MODBUS_POINTS))
    table = form["description_placeholders"]["table"]
    assert "Three-way valve" in table
    assert "Compute heat meter" not in table
    assert "1 more" in table
    leave(hass, form)


async def test_upload(
    hass: HomeAssistant, hass_client: Any, house: RunningHouse, site: ConfigEntry
) -> None:
    """A spreadsheet's table comes as a file, in the characters of its program."""
    table = "name;space;address;data_type;scale;unit\nAußen;input;0;int16;0,1;°C\n"
    form = await begin(hass, site, "modbus")
    form = await answer(hass, form, modbus_connection(house))
    form = await answer(hass, form, {"next_step_id": "upload"})
    expect_form(form, "upload")
    for content, error in (
        (b"PK\x03\x04\0\0", "invalid_file"),
        (b"name;space\nA;nowhere\n", "invalid_points"),
        (table.encode() * 200_000, "invalid_file"),
    ):
        file_id = await upload(hass_client, content)
        form = await answer(hass, form, {"file": file_id})
        expect_form(form, "upload", base=error)
    form = await answer(hass, form, {"file": "0" * 32})
    expect_form(form, "upload", base="invalid_file")
    for encoding in ("cp1252", "utf-8", "utf-16"):
        file_id = await upload(hass_client, table.encode(encoding))
        form = await answer(hass, form, {"file": file_id})
        expect_form(form, "preview")
        assert "| Außen | input 0 |" in form["description_placeholders"]["table"]
        leave(hass, form)
        form = await begin(hass, site, "modbus")
        form = await answer(hass, form, modbus_connection(house))
        form = await answer(hass, form, {"next_step_id": "upload"})
    leave(hass, form)


async def test_nobody_answers(
    hass: HomeAssistant,
    house: RunningHouse,
    site: ConfigEntry,
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A dead port, a silent unit, one that hangs up, one that talks nonsense."""
    connection = modbus_connection(house)

    async def hang_up(_request: bytes) -> None:
        return None

    async def nonsense(request: bytes) -> bytes:
        # The right frame around an answer to something else.
        return request[:4] + b"\0\x05" + request[6:7] + b"\x03\x02\0\0"

    async with serve_raw(hang_up) as mute, serve_raw(nonsense) as strange:
        for wrong, error in (
            ({"port": free_port}, "cannot_connect"),
            ({"unit_id": 7}, "cannot_connect"),
            ({"port": mute}, "cannot_connect"),
            ({"port": strange}, "not_modbus"),
        ):
            form = await begin(hass, site, "modbus")
            form = await answer(hass, form, connection | wrong)
            form = await answer(hass, form, LIST)
            form = await answer(hass, form, pasted(OUTDOOR))
            expect_form(form, "list", base=error)
            assert form["description_placeholders"]["detail"]
            leave(hass, form)

    form = await begin(hass, site, "modbus")
    form = await answer(hass, form, connection)
    form = await answer(hass, form, LIST)
    with monkeypatch.context() as patch:
        patch.setattr(modbus_try, "async_get_temporary_unit", _mistake)
        form = await answer(hass, form, pasted(OUTDOOR))
    expect_form(form, "list", base="unknown")
    assert "Unexpected error from a Modbus device" in caplog.text
    with monkeypatch.context() as patch:
        patch.setattr(modbus_try, "async_get_temporary_unit", _refuse)
        form = await answer(hass, form, pasted(OUTDOOR))
    expect_form(form, "list", base="device_in_use")
    assert "framing" in form["description_placeholders"]["detail"]
    form = await answer(hass, form, pasted(OUTDOOR))
    expect_form(form, "preview")
    leave(hass, form)


async def test_known_controller_and_change(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry, free_port: int
) -> None:
    """A unit is added once; its points and its address can be changed."""
    steps = modbus_steps(house)
    link_id = await add_subentry(hass, site, "modbus", *steps)
    form = await begin(hass, site, "modbus")
    result = await answer(hass, form, steps[0])
    expect_abort(result, "already_configured")

    menu = await begin(hass, site, "modbus", link_id)
    expect_menu(
        menu, "reconfigure", "change_points", "connection", "profile", "list", "upload"
    )
    form = await answer(hass, menu, {"next_step_id": "connection"})
    expect_form(form, "connection")
    assert steps[0].items() <= suggested(form).items()
    form = await answer(hass, form, steps[0] | {"port": free_port})
    expect_form(form, "connection", base="cannot_connect")
    assert suggested(form)["port"] == free_port
    before = dict(site.subentries[link_id].data)
    assert before["port"] == steps[0]["port"]
    form = await answer(hass, form, steps[0])
    expect_form(form, "points")
    assert suggested(form) == {
        "read": ["pump", "valve", "heat_meter"],
        "write": ["pump", "valve"],
    }
    assert choices(form, "write").keys() == {"pump", "valve"}
    form = await answer(hass, form, {"read": ["pump", "valve"], "write": ["pump"]})
    result = await answer(hass, form, {})
    expect_abort(result, "reconfigure_successful")
    rows = site.subentries[link_id].data["points"]
    assert [row["key"] for row in rows] == ["pump", "valve"]
    assert "writable" not in rows[1]

    # The list is shown as it is now, and may be replaced.
    form = await begin_change(hass, site, link_id, "list")
    assert "Three-way valve" in suggested(form)["points"]
    form = await answer(hass, form, pasted(*MODBUS_POINTS, OUTDOOR))
    form = await answer(hass, form, {})
    result = await answer(hass, form, {})
    expect_abort(result, "reconfigure_successful")
    assert len(site.subentries[link_id].data["points"]) == 4
    outdoor = entity_id(hass, site, link_id, "input-0", "sensor")
    state = hass.states.get(outdoor)
    assert state is not None
    assert state.state not in ("unknown", "unavailable")

    # A second one cannot be moved onto the first.
    async with running_house() as cottage:
        second = await add_subentry(
            hass, site, "modbus", *modbus_steps(cottage, [OUTDOOR])
        )
        form = await begin_change(hass, site, second, "connection")
        result = await answer(hass, form, steps[0])
        expect_abort(result, "already_configured")
        await hass.config_entries.async_unload(site.entry_id)


async def test_change_when_nobody_answers(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """The connection is asked for, with what is known."""
    peer = RegisterPeer({(1, Space.INPUT, 0): 215})
    await peer.start()
    steps = _tcp(peer.port), *list_steps([OUTDOOR])
    link_id = await add_subentry(hass, site, "modbus", *steps)
    await peer.stop()
    form = await begin_change(hass, site, link_id, "change_points")
    expect_form(form, "connection", base="cannot_connect")
    assert suggested(form)["port"] == peer.port
    leave(hass, form)


async def test_what_may_be_written(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Of an own list, only what has limits; a long list of the silent is cut."""
    registers: dict[Register, int] = {
        (1, Space.HOLDING, address): 2 for address in range(4)
    }
    peer = RegisterPeer(registers)
    await peer.start()
    number = {"space": "holding", "data_type": "uint16"}
    points = [
        number | {"key": "share", "address": 0, "unit": "%"},
        number | {"key": "plain", "address": 1},
        number | {"key": "state", "address": 2, "kind": "multistate"},
        number | {"key": "named", "address": 3, "states": ["off", "on"]},
        *(
            number | {"key": f"silent {address}", "address": address}
            for address in range(100, 114)
        ),
    ]
    try:
        form = await begin(hass, site, "modbus")
        form = await answer(hass, form, _tcp(peer.port))
        form = await answer(hass, form, LIST)
        form = await answer(hass, form, pasted(*points))
        silent = form["description_placeholders"]["silent"]
        assert silent.endswith("silent 111 and 2 more")
        form = await answer(hass, form, {"unreadable": "keep"})
        await answer(hass, form, {})
        (link_id,) = site.subentries
        form = await begin_change(hass, site, link_id, "change_points")
        assert choices(form, "write").keys() == {"share", "named"}
        assert len(suggested(form)["read"]) == len(points)
        leave(hass, form)
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await peer.stop()


@pytest.mark.parametrize("transport", ["rtu_over_tcp", "udp", "tls"])
async def test_transports_over_the_network(
    hass: HomeAssistant, site: ConfigEntry, free_port: int, transport: str
) -> None:
    """Each way to a controller asks for what it needs, and no more."""
    form = await begin(hass, site, "modbus")
    typed = {"transport": transport, "host": HOST, "port": free_port, "unit_id": 3}
    if transport == "tls":
        form = await answer(hass, form, typed | {"client_cert": "own.pem"})
        expect_form(form, "user", client_key="invalid_setting")
        typed |= {"verify": False, "check_hostname": False}
    # What is of another transport is dropped.
    menu = await answer(hass, form, typed | {"device": "/dev/ttyUSB0"})
    form = await answer(hass, menu, LIST)
    form = await answer(hass, form, pasted(OUTDOOR))
    expect_form(form, "list", base="cannot_connect")
    leave(hass, form)


async def test_serial_line(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A line without a device at its end answers nothing."""
    with serial_line() as line:
        form = await begin(hass, site, "modbus")
        typed = {
            "transport": "serial",
            "device": line.ports[0],
            "baudrate": 19200,
            "parity": "n",
            "bytesize": 8,
            "stopbits": 1,
            "unit_id": 1,
        }
        menu = await answer(hass, form, typed)
        form = await answer(hass, menu, LIST)
        form = await answer(hass, form, pasted(OUTDOOR))
        expect_form(form, "list", base="cannot_connect")
        leave(hass, form)


PROFILES = load_profiles()


@asynccontextmanager
async def device_of(
    profile: Profile, served: Callable[[str], bool], value: int = 215
) -> AsyncIterator[RegisterPeer]:
    """Run a device that has the points of a profile whose keys are ``served``."""
    registers: dict[Register, int] = {}
    for one in profile.points:
        point = one.point
        if served(point.key):
            unit = profile.unit_id if point.unit_id is None else point.unit_id
            for address in range(point.address, point.end):
                held = 1 if point.space.is_bits or point.states else value
                registers[unit, point.space, address] = held
    peer = RegisterPeer(registers)
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()


async def test_profile(hass: HomeAssistant, site: ConfigEntry) -> None:
    """What the device has is ticked; writing is offered where it is known what it does."""
    profile = PROFILES["stiebel_isg"]
    async with device_of(profile, lambda key: key != "buffer") as peer:
        form = await begin(hass, site, "modbus")
        menu = await answer(hass, form, _tcp(peer.port))
        form = await answer(hass, menu, {"next_step_id": "profile"})
        expect_form(form, "profile")
        assert set(choices(form, "profile")) == set(PROFILES)
        assert profile.title in form["description_placeholders"]["profiles"]
        form = await answer(hass, form, {"profile": "weishaupt"})
        expect_form(form, "profile", base="wrong_profile")
        assert suggested(form) == {"profile": "weishaupt"}
        form = await answer(hass, form, {"profile": profile.id})
        expect_form(form, "points")
        ticked = suggested(form)
        expected = [
            one.point.key
            for one in profile.points
            if one.selected and one.point.key != "buffer"
        ]
        assert ticked["read"] == expected
        assert ticked["write"] == []
        detail = form["description_placeholders"]["detail"]
        assert "Buffer temperature" in detail
        assert profile.source[0] in detail
        offered = choices(form, "write")
        known = {
            one.point.key
            for one in profile.points
            if one.write and not one.write.needs_confirmation
        }
        assert offered.keys() == known
        lasting = {key for key, label in offered.items() if "(stored setting)" in label}
        assert "(stored setting)" not in "".join(choices(form, "read").values())
        assert lasting == {
            one.point.key
            for one in profile.points
            if one.point.key in known and not one.point.holds_command
        }
        write = min(lasting)
        answers: dict[str, Any] = {"read": ["outdoor", write], "write": [write]}
        if "unconfirmed" in form["data_schema"].schema:
            answers["unconfirmed"] = {"write": []}
        form = await answer(hass, form, answers)
        expect_form(form, "review")
        result = await answer(hass, form, {})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        ((link_id, subentry),) = site.subentries.items()
        assert subentry.title == profile.title
        assert subentry.data["profile"] == profile.id
        assert [row["key"] for row in subentry.data["points"]] == ["outdoor", write]
        assert subentry.data["points"][1]["writable"] is True
        assert not peer.written

        # Later the rest of the profile can be ticked, or a list takes its place.
        form = await begin_change(hass, site, link_id, "change_points")
        expect_form(form, "points")
        assert suggested(form)["read"] == ["outdoor", write]
        assert suggested(form)["write"] == [write]
        assert len(choices(form, "read")) == len(profile.points)
        leave(hass, form)
        form = await begin_change(hass, site, link_id, "profile")
        assert suggested(form) == {"profile": profile.id}
        leave(hass, form)
        form = await begin_change(hass, site, link_id, "list")
        form = await answer(hass, form, pasted(OUTDOOR | {"address": 506}))
        form = await answer(hass, form, {})
        result = await answer(hass, form, {})
        expect_abort(result, "reconfigure_successful")
        assert "profile" not in site.subentries[link_id].data
        # Back from the list, the profile begins anew.
        form = await begin_change(hass, site, link_id, "profile")
        form = await answer(hass, form, {"profile": profile.id})
        assert suggested(form)["read"] == expected
        leave(hass, form)
        await hass.config_entries.async_unload(site.entry_id)


async def test_unconfirmed_registers(hass: HomeAssistant, site: ConfigEntry) -> None:
    """What nobody confirmed is written only if the user says so, point by point."""
    profile = next(
        profile
        for _, profile in sorted(PROFILES.items())
        if not profile.parameters
        and any(one.write and one.write.needs_confirmation for one in profile.points)
    )
    async with device_of(profile, lambda _: True) as peer:
        form = await begin(hass, site, "modbus")
        form = await answer(hass, form, _tcp(peer.port, profile.unit_id))
        form = await answer(hass, form, {"next_step_id": "profile"})
        form = await answer(hass, form, {"profile": profile.id})
        expect_form(form, "points")
        unconfirmed = choices(form, "unconfirmed", "write")
        assert not unconfirmed.keys() & choices(form, "write").keys()
        assert suggested(form)["unconfirmed"] == {"write": []}
        key = min(unconfirmed)
        other = {"read": [next(iter(choices(form, "read").keys() - {key}))]}
        wrong = other | {"write": [], "unconfirmed": {"write": [key]}}
        form = await answer(hass, form, wrong)
        expect_form(form, "points", write="write_without_read")
        form = await answer(
            hass, form, {"read": [key], "write": [], "unconfirmed": {"write": [key]}}
        )
        await answer(hass, form, {})
        ((link_id, subentry),) = site.subentries.items()
        assert subentry.data["points"][0]["writable"] is True
        form = await begin_change(hass, site, link_id, "change_points")
        assert suggested(form)["unconfirmed"] == {"write": [key]}
        leave(hass, form)
        await hass.config_entries.async_unload(site.entry_id)


async def test_profile_names_the_unit(hass: HomeAssistant, site: ConfigEntry) -> None:
    """What the profile knows goes before the default, but not before the user."""
    profile = PROFILES["kermi"]
    assert profile.unit_id == 40
    async with device_of(profile, lambda _: True) as peer:
        for typed, unit_id in ((1, 40), (50, 50)):
            form = await begin(hass, site, "modbus")
            form = await answer(hass, form, _tcp(peer.port, typed))
            form = await answer(hass, form, {"next_step_id": "profile"})
            form = await answer(hass, form, {"profile": profile.id})
            expect_form(form, "points")
            key = suggested(form)["read"][0]
            ticked = {"read": [key], "write": [], "unconfirmed": {"write": []}}
            form = await answer(hass, form, ticked)
            result = await answer(hass, form, {})
            assert result["type"] is FlowResultType.CREATE_ENTRY
            link = [*site.subentries.values()][-1]
            assert link.data["unit_id"] == unit_id
        form = await begin(hass, site, "modbus")
        form = await answer(hass, form, _tcp(peer.port))
        form = await answer(hass, form, {"next_step_id": "profile"})
        result = await answer(hass, form, {"profile": profile.id})
        expect_abort(result, "already_configured")
        await hass.config_entries.async_unload(site.entry_id)


async def test_profile_with_parameters(hass: HomeAssistant, site: ConfigEntry) -> None:
    """What only the owner knows is asked, and kept for the next change."""
    registers: dict[Register, int] = {
        (1, Space.COIL, 10): 1,
        (1, Space.COIL, 11): 0,
        (1, Space.HOLDING, 40): 355,
    }
    peer = RegisterPeer(registers)
    await peer.start()
    try:
        form = await begin(hass, site, "modbus")
        form = await answer(hass, form, _tcp(peer.port))
        form = await answer(hass, form, {"next_step_id": "profile"})
        form = await answer(hass, form, {"profile": "generic_sg_ready"})
        expect_form(form, "parameters")
        assert suggested(form) == {"contact_1": 0, "contact_2": 1}
        form = await answer(hass, form, {"contact_1": 500, "contact_2": 501})
        expect_form(form, "parameters", base="wrong_profile")
        given = {"contact_1": 10, "contact_2": 11, "supply": 40}
        form = await answer(hass, form, given)
        expect_form(form, "points")
        assert choices(form, "read").keys() == {"contact_1", "contact_2", "supply"}
        form = await answer(
            hass, form, {"read": [*given], "write": ["contact_1", "contact_2"]}
        )
        result = await answer(hass, form, {})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        ((link_id, subentry),) = site.subentries.items()
        assert subentry.data["parameters"] == given
        contact = entity_id(hass, site, link_id, "contact_1", "switch")
        state = hass.states.get(contact)
        assert state is not None
        assert state.state == "on"
        form = await begin_change(hass, site, link_id, "change_points")
        assert suggested(form)["read"] == [*given]
        leave(hass, form)
        # A later version of the profile may not know a parameter any more.
        data = {**subentry.data, "parameters": given | {"gone": 3}}
        hass.config_entries.async_update_subentry(site, subentry, data=data)
        await hass.async_block_till_done()
        form = await begin_change(hass, site, link_id, "change_points")
        expect_form(form, "connection", base="invalid_setting")
        leave(hass, form)
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await peer.stop()


async def test_names_in_the_language_of_home_assistant(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """A German house has German points."""
    hass.config.language = "de"
    async with device_of(PROFILES["stiebel_isg"], lambda _: True) as peer:
        form = await begin(hass, site, "modbus")
        form = await answer(hass, form, _tcp(peer.port))
        form = await answer(hass, form, {"next_step_id": "profile"})
        form = await answer(hass, form, {"profile": "stiebel_isg"})
        assert choices(form, "read")["outdoor"].startswith("Außentemperatur (")
        assert "Quellen: " in form["description_placeholders"]["detail"]
        leave(hass, form)


def _tcp(port: int, unit_id: int = 1) -> dict[str, Any]:
    return {"transport": "tcp", "host": HOST, "port": port, "unit_id": unit_id}


@asynccontextmanager
async def _refuse(*_: object) -> Any:
    raise HomeAssistantError("in use with another framing")
    yield Never


@asynccontextmanager
async def _mistake(*_: object) -> Any:
    raise RuntimeError("a mistake of ours")
    yield Never
