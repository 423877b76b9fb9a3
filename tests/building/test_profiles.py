"""Shipped profiles, each against a real server that has just their registers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

from modbus_connection import ModbusTcpParams, ModbusUnit
from modbus_connection.tmodbus import ModbusConnection
import pytest

from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_codec import decode, encode
from custom_components.compute_heater.building.modbus_plan import plan
from custom_components.compute_heater.building.modbus_point import (
    DataType,
    ModbusPoint,
    Space,
    WriteClass,
)
from custom_components.compute_heater.building.points import PointKind, Role, Value
from custom_components.compute_heater.building.profile import (
    LANGUAGES,
    Confidence,
    Profile,
    ProfilePoint,
    load_profiles,
)

from .register_peer import Register, RegisterPeer, Request

PROFILES = load_profiles()
UNITS = {"°C", "K", "%", "W", "kW", "kWh", "L/min", "Hz"}
every_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def all_points(profile: Profile) -> tuple[ProfilePoint, ...]:
    """Points with every parameter given."""
    given = {one.name: 100 + n for n, one in enumerate(profile.parameters)}
    return profile.points_for(given)


def unit_number(profile: Profile, point: ModbusPoint) -> int:
    return profile.unit_id if point.unit_id is None else point.unit_id


def sample(point: ModbusPoint) -> Value:
    """Return a value that the point may well have, and none that means "not known"."""
    if point.kind is PointKind.BINARY:
        return True
    if point.states:
        return 2.0
    if point.minimum is not None and point.maximum is not None:
        return round((point.minimum + point.maximum) / 2)
    return 21.0


def registers_of(
    profile: Profile,
    points: list[ModbusPoint],
    words_of: Callable[[ModbusPoint], list[int]],
) -> dict[Register, int]:
    return {
        (unit_number(profile, point), point.space, point.address + n): word
        for point in points
        for n, word in enumerate(words_of(point))
    }


def holes_of(profile: Profile, points: list[ModbusPoint]) -> dict[Register, int]:
    """Make the registers that a device has besides, if its layout is right."""
    layout = profile.layout
    units = {unit_number(profile, point) for point in points}
    holes = {
        (unit, one.space, address): 0
        for one in layout.ranges
        for unit in units
        for address in range(one.first, one.last + 1)
    }
    if not layout.ranges:
        holes |= {
            (unit_number(profile, point), point.space, point.end + n): 0
            for point in points
            for n in range(layout.max_gap)
        }
    return holes


@asynccontextmanager
async def serving(
    profile: Profile, registers: dict[Register, int]
) -> AsyncIterator[tuple[RegisterPeer, Callable[[int | None], ModbusUnit]]]:
    peer = RegisterPeer(registers)
    await peer.start()
    connection = ModbusConnection(
        ModbusTcpParams(host="127.0.0.1", port=peer.port), timeout=2
    )
    try:
        yield (
            peer,
            lambda n: connection.for_unit(profile.unit_id if n is None else n),
        )
    finally:
        await connection.close()
        await peer.stop()


def test_the_promised_devices_are_there() -> None:
    assert set(PROFILES) == {
        "idm_navigator", "stiebel_isg", "luxtronik_shi", "generic_sg_ready",
        "nibe_s", "lambda", "daikin_homehub", "kermi", "weishaupt",
    }  # fmt: skip


@every_profile
async def test_everything_is_read_in_one_go(profile: Profile) -> None:
    """Each point at its register, in no more requests than the layout asks for."""
    points = [each.as_point("en") for each in all_points(profile)]
    registers = holes_of(profile, points) | registers_of(
        profile,
        points,
        lambda point: encode(replace(point, write_order=None), sample(point)),
    )
    async with serving(profile, registers) as (peer, units_of):
        device = ModbusDevice(units_of, points, profile.layout)
        values = await device.read()
        assert values == {point.key: pytest.approx(sample(point)) for point in points}
        assert device.refused == frozenset(), "a hole of the map was read along"
        by_unit = {unit_number(profile, point) for point in points}
        planned = sum(
            len(
                plan(
                    [p for p in points if unit_number(profile, p) == unit],
                    layout=profile.layout,
                )
            )
            for unit in by_unit
        )
        assert len(peer.requests) == device.reads == planned
        assert len(peer.requests) < len(points), "nothing is read together"
        assert all(one.count <= profile.layout.max_span for one in peer.requests)


@every_profile
async def test_sentinels_are_unknown(profile: Profile) -> None:
    points = [
        each.as_point("en") for each in all_points(profile) if each.point.sentinels
    ]
    if not points:
        assert profile.id in {"lambda", "kermi", "luxtronik_shi"}, "none promised"
        return

    def raw(point: ModbusPoint) -> list[int]:
        plain = replace(point, sentinels=(), scale=1.0, offset=0.0, write_order=None)
        (*_, sentinel) = point.sentinels
        if point.data_type is DataType.FLOAT32:
            return encode(plain, sentinel)
        return [int(sentinel) & 0xFFFF]

    async with serving(profile, registers_of(profile, points, raw)) as (_, units_of):
        values = await ModbusDevice(units_of, points, profile.layout).read()
    assert set(values) == {point.key for point in points}
    assert set(values.values()) == {None}


OFFERS = [
    pytest.param(profile, each, id=f"{profile.id}-{each.point.key}")
    for profile in PROFILES.values()
    for each in all_points(profile)
    if each.write is not None
]


@pytest.mark.parametrize(("profile", "each"), OFFERS)
async def test_offered_write_lands_in_its_register(
    profile: Profile, each: ProfilePoint
) -> None:
    point = each.as_point("de", writable=True)
    before = registers_of(profile, [point], lambda _: [0] * point.data_type.words)
    settled = replace(profile.layout, settle_s=0.0)
    async with serving(profile, before) as (peer, units_of):
        device = ModbusDevice(units_of, [point], settled)
        value = sample(point)
        assert await device.write(point, value) == value
        assert peer.written == [
            Request(
                unit_number(profile, point),
                expected_function(point),
                point.address,
                point.data_type.words,
                tuple(encode(point, value)),
            )
        ]


def expected_function(point: ModbusPoint) -> int:
    several = point.write_multiple or point.data_type.words > 1
    if point.space is Space.COIL:
        return 15 if several else 5
    return 16 if several else 6


@pytest.mark.parametrize(
    ("profile_id", "key", "space", "address", "words", "value"),
    [
        ("idm_navigator", "outdoor", Space.INPUT, 1000, [0, 0xC120], -10.0),
        ("idm_navigator", "hc_c_supply", Space.INPUT, 1354, [0x6666, 0x41AA], 21.3),
        ("idm_navigator", "charging_pump", Space.INPUT, 1104, [0xFFFF], -1.0),
        ("idm_navigator", "bms_demand", Space.HOLDING, 1696, [0, 0x4220], 40.0),
        ("stiebel_isg", "outdoor", Space.INPUT, 506, [0xFF9C], -10.0),
        ("stiebel_isg", "smart_grid", Space.INPUT, 5000, [2], 2.0),
        ("stiebel_isg", "sg_input_1", Space.HOLDING, 4001, [1], True),
        ("nibe_s", "electrical_power", Space.INPUT, 2166, [1234, 1], 66770.0),
        ("nibe_s", "priority", Space.INPUT, 1028, [30], 3.0),
        ("nibe_s", "sg_request", Space.HOLDING, 6008, [1], 2.0),
        ("lambda", "hp_2_supply", Space.HOLDING, 1104, [3512], 35.12),
        ("lambda", "power_input", Space.HOLDING, 102, [2500], 2500.0),
        ("luxtronik_shi", "dhw", Space.INPUT, 10120, [485], 48.5),
        ("luxtronik_shi", "heating_mode", Space.HOLDING, 10000, [0], 1.0),
        ("daikin_homehub", "dhw", Space.INPUT, 42, [4850], 48.5),
        ("daikin_homehub", "smart_grid", Space.HOLDING, 55, [0], 1.0),
        ("kermi", "dhw", Space.HOLDING, 100, [485], 48.5),
        ("weishaupt", "power_request", Space.INPUT, 33103, [60], 60.0),
    ],
)
def test_registers_as_the_sources_have_them(
    profile_id: str,
    key: str,
    space: Space,
    address: int,
    words: list[int],
    value: Value,
) -> None:
    """Some of each, typed from the sources once more."""
    (point,) = (
        each.point for each in PROFILES[profile_id].points if each.point.key == key
    )
    assert (point.space, point.address) == (space, address)
    assert decode(point, words) == value


@every_profile
def test_texts_units_and_sources(profile: Profile) -> None:
    assert profile.source
    assert profile.models
    assert set(profile.notes) == set(LANGUAGES)
    for language in LANGUAGES:
        names = [each.as_point(language).name for each in profile.templates]
        assert len(set(names)) == len(names), "two points with the same name"
    for each in profile.templates:
        point = each.point
        assert not point.writable, "read-only until it is ticked"
        assert point.unit is None or point.unit in UNITS
        assert ModbusPoint.from_dict(point.to_dict()) == point
        if point.role is Role.OUTDOOR_TEMPERATURE:
            assert decode(point, encode(point, -12.5)) == -12.5, "winter is unsigned"
        if "temperature" in (point.role or "") or point.role is Role.DHW_SETPOINT:
            assert point.unit == "°C"
        for texts in each.states.values():
            assert len(texts) == len(point.states)


@every_profile
def test_ranges_do_not_overlap(profile: Profile) -> None:
    ranges = sorted((one.space, one.first, one.last) for one in profile.layout.ranges)
    for (space, _, last), (next_space, first, _) in pairwise(ranges):
        assert space != next_space or last < first


def offered(profile_id: str) -> set[str]:
    """Points that may be ticked for writing without another confirmation."""
    return {
        each.point.key
        for each in PROFILES[profile_id].templates
        if each.write is not None and not each.write.needs_confirmation
    }


def test_only_what_is_well_known_is_offered_for_writing() -> None:
    """A change of these sets must be meant."""
    assert offered("idm_navigator") == {
        "dhw_setpoint", "external_demand", "bms_demand", "bms_buffer",
        "bms_dhw_bottom", "bms_dhw_top",
    }  # fmt: skip
    assert offered("stiebel_isg") == {
        "hc_1_comfort", "hc_1_eco", "fixed_value", "dhw_comfort", "dhw_eco",
    }  # fmt: skip
    assert len(offered("luxtronik_shi")) == 14
    assert offered("generic_sg_ready") == {"contact_1", "contact_2"}
    assert offered("nibe_s") == {"sg_by_api", "sg_request"}
    assert offered("lambda") == {"power_input"}
    for profile_id in ("daikin_homehub", "kermi", "weishaupt"):
        assert offered(profile_id) == set()


@pytest.mark.parametrize(("profile", "each"), OFFERS)
def test_doubt_asks_for_confirmation_and_spares_the_memory(
    profile: Profile, each: ProfilePoint
) -> None:
    assert each.write is not None
    known = each.write.write_class is not None
    sure = each.write.confidence is Confidence.A
    assert each.write.needs_confirmation is not (known and sure)
    if not known:
        assert each.point.write_class is WriteClass.EEPROM
        assert not each.point.holds_command


def test_what_the_vendors_say_about_their_memory() -> None:
    def point(profile_id: str, key: str) -> ModbusPoint:
        (found,) = (
            each.point
            for each in PROFILES[profile_id].templates
            if each.point.key == key
        )
        return found

    for key in ("bms_demand", "bms_buffer", "bms_dhw_bottom", "bms_dhw_top"):
        cyclic = point("idm_navigator", key)
        assert (cyclic.write_class, cyclic.ttl_s) == (WriteClass.CYCLIC, 300)
    assert point("idm_navigator", "dhw_setpoint").write_class is WriteClass.EEPROM
    power = point("lambda", "power_input")
    assert (power.write_class, power.ttl_s) == (WriteClass.CYCLIC, 60)
    assert power.write_multiple
    assert {
        each.point.write_class
        for each in PROFILES["luxtronik_shi"].templates
        if each.write
    } == {WriteClass.VOLATILE}
