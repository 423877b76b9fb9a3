"""The register map: what stands where, for ever, and how numbers are packed."""

import math
import struct

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.gateway.points import (
    OfferedHeater,
    OfferedKind,
    OfferedSink,
    Value,
    offered_points,
)
from custom_components.compute_heater.gateway.register_codec import Command, ServerState
from custom_components.compute_heater.gateway.register_layout import Space
from custom_components.compute_heater.gateway.register_map import (
    PartialError,
    RegisterMap,
    UnmappedError,
)

from .modbus_site import HEATER, NUMBERS, READINGS, TANK, Site, points

SERVER = ServerState(heartbeat=0x10000 + 7, watchdog_s=300)
# What controllers have been set up with: lines may be added here, but never changed.
PROMISED = """
4 0 1 uint16 1 device
4 1 1 uint16 1 map version
4 2 1 uint16 1 heartbeat
4 3 1 uint16 1 watchdog time
4 4 1 uint16 1 commands are heeded
4 5 1 uint16 1 known values
4 6 1 uint16 1 commands given up
4 7 1 int16 1 Site building in command
4 8 2 float32 1 Site heat demand
4 10 2 float32 1 Site thermal power
4 12 2 float32 1 Site available thermal power
4 14 2 float32 1 Site electrical power
4 16 2 float32 1 Site electrical energy
4 18 2 float32 1 Site thermal energy
4 20 1 int16 0.1 Site heat demand
4 21 1 int16 0.1 Site thermal power
4 22 1 int16 0.1 Site available thermal power
4 23 1 int16 0.1 Site electrical power
4 24 2 uint32 0.1 Site electrical energy
4 26 2 uint32 0.1 Site thermal energy
4 100 1 uint16 1 kind of part
4 101 1 uint16 1 known values
4 102 1 uint16 1 commands given up
4 103 1 int16 1 Heater fault
4 104 1 int16 1 Heater enabled
4 105 1 int16 1 Heater power state
4 106 2 float32 1 Heater supply temperature
4 108 2 float32 1 Heater return temperature
4 110 2 float32 1 Heater flow
4 112 2 float32 1 Heater thermal power
4 114 2 float32 1 Heater available thermal power
4 116 2 float32 1 Heater electrical power
4 118 2 float32 1 Heater electrical energy
4 120 2 float32 1 Heater thermal energy
4 122 1 int16 0.1 Heater supply temperature
4 123 1 int16 0.1 Heater return temperature
4 124 1 int16 0.1 Heater flow
4 125 1 int16 0.01 Heater thermal power
4 126 1 int16 0.01 Heater available thermal power
4 127 1 int16 0.01 Heater electrical power
4 128 2 uint32 0.1 Heater electrical energy
4 130 2 uint32 0.1 Heater thermal energy
4 200 1 uint16 1 kind of part
4 201 1 uint16 1 known values
4 202 2 float32 1 Tank temperature
4 204 2 float32 1 Tank heat demand
4 206 2 float32 1 Tank state of charge
4 208 1 int16 0.1 Tank temperature
4 209 1 int16 0.01 Tank heat demand
4 210 1 int16 0.1 Tank state of charge
3, 6, 16 1 1 uint16 1 Site heartbeat
3, 6, 16 2 2 float32 1 Site heat request
3, 6, 16 10 1 int16 0.1 Site heat request
3, 6, 16 100 1 int16 1 Heater enable
3, 6, 16 101 1 int16 1 Heater power state request
3, 6, 16 102 2 float32 1 Heater power request
3, 6, 16 104 2 float32 1 Heater supply set point
3, 6, 16 110 1 int16 0.1 Heater power request
3, 6, 16 111 1 int16 0.1 Heater supply set point
"""


@pytest.fixture
def register_map() -> RegisterMap:
    return RegisterMap(points(), NUMBERS)


@pytest.fixture
def site() -> Site:
    return Site()


def floats(words: list[int]) -> list[float]:
    packed = struct.pack(f">{len(words)}H", *words)
    return [value for (value,) in struct.iter_unpack(">f", packed)]


def words_of(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def test_registers_stay_where_they_are(register_map: RegisterMap) -> None:
    rows = [
        f"{row.functions} {row.address} {row.registers} {row.data_type} {row.scale:g} "
        f"{row.name}"
        for row in register_map.rows()
    ]
    assert rows == PROMISED.strip().splitlines()


def test_every_point_has_registers_but_texts(register_map: RegisterMap) -> None:
    mapped = {row.name for row in register_map.rows()}
    for point in points():
        assert (point.name in mapped) is (point.kind is not OfferedKind.TEXT)
        if point.kind is OfferedKind.ANALOG and not point.is_heartbeat:
            forms = [r.data_type for r in register_map.rows() if r.name == point.name]
            assert len(forms) == 2


def test_rows_say_what_numbers_mean(register_map: RegisterMap) -> None:
    meanings = {(row.functions, row.address): row for row in register_map.rows()}
    assert meanings["4", 105].meaning == "1 Off, 2 Standby, 3 Eco, 4 Full"
    assert meanings["4", 6].meaning == "bit 0 Site heat request"
    assert meanings["4", 101].meaning.startswith("bit 0 Heater fault, bit 1 ")
    assert meanings["4", 3].unit == "s"
    setpoint = meanings["3, 6, 16", 111]
    assert (setpoint.unit, setpoint.access, setpoint.part, setpoint.meaning) == (
        "°C", "rw", HEATER, "20…65.3",
    )  # fmt: skip


def test_parts_that_come_and_go_move_no_other(register_map: RegisterMap) -> None:
    before = {(r.functions, r.address, r.name) for r in register_map.rows()}
    heaters = [
        OfferedHeater(heater_id=key, name=name, max_supply_c=65.3)
        for key, name in (("new", "New"), (HEATER, "Heater"))
    ]
    tank = OfferedSink(sink_id=TANK, name="Tank")
    more = offered_points(heaters, [tank], max_heat_kw=3.0, commands=True)
    larger = RegisterMap(more, NUMBERS | {"new": 3})
    assert {(r.functions, r.address, r.name) for r in larger.rows()} > before
    fewer = offered_points([], [tank], max_heat_kw=0.0, commands=True)
    smaller = RegisterMap(fewer, NUMBERS)
    assert {(r.functions, r.address, r.name) for r in smaller.rows()} < before
    with pytest.raises(UnmappedError):
        smaller.read(Space.INPUT, 103, 1, Site().gateway, SERVER)


def test_without_commands_there_is_nothing_to_write_but_the_heartbeat() -> None:
    heater = OfferedHeater(heater_id=HEATER, name="Heater", max_supply_c=65.3)
    offered = offered_points([heater], [], max_heat_kw=3.0, commands=False)
    rows = RegisterMap(offered, NUMBERS).rows()
    assert [row.address for row in rows if row.access == "rw"] == [1]


@pytest.mark.parametrize("number", [0, -1, 655])
def test_number_out_of_range(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        RegisterMap(points(), {HEATER: number, TANK: 2})


def test_last_number_fits_into_the_address_space() -> None:
    rows = RegisterMap(points(), {HEATER: 654, TANK: 2}).rows()
    assert max(row.address + row.registers for row in rows) <= 0x10000


def test_number_that_is_given_twice_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="same number"):
        RegisterMap(points(), {HEATER: 2, TANK: 2})
    with pytest.raises(KeyError):
        RegisterMap(points(), {HEATER: 2})


def test_site_block(register_map: RegisterMap, site: Site) -> None:
    """All of it comes with one request."""
    words = register_map.read(Space.INPUT, 0, 28, site.gateway, SERVER)
    assert words[:5] == [0x4348, 1, 7, 300, 1]
    assert words[5] == 0b1110111, "the available power is not known"
    assert words[6:8] == [0, 0]
    demand, power, available, *_ = floats(words[8:20])
    assert (demand, power) == pytest.approx((2.5, 1.9))
    assert math.isnan(available)
    assert words[12:14] == [0x7FC0, 0]
    assert words[20:24] == [25, 19, 0x8000, 20]
    assert words[24] << 16 | words[25] == 1234567


def test_heater_block(register_map: RegisterMap, site: Site) -> None:
    words = register_map.read(Space.INPUT, 100, 32, site.gateway, SERVER)
    assert words[:6] == [1, 0b1111111111, 0, 0, 1, 3]
    assert floats(words[6:20]) == pytest.approx(
        [54.3, -1.5, 6.4, 1.91, 2.85, 2.0, 4321.5]
    )
    assert words[20:22] == [0x7FC0, 0]
    assert words[22:28] == [543, 0x10000 - 15, 64, 191, 285, 200]
    assert words[28:30] == [0, 43215]
    assert words[30:32] == [0xFFFF, 0xFFFF]


def test_consumer_block(register_map: RegisterMap, site: Site) -> None:
    words = register_map.read(Space.INPUT, 200, 11, site.gateway, SERVER)
    assert words[:2] == [2, 0b111]
    assert floats(words[2:8]) == [51.0, 0.0, 80.5]
    assert words[8:] == [510, 0, 805]


def test_nothing_is_known_yet(register_map: RegisterMap, site: Site) -> None:
    """Unknown is never zero, and never an old value."""
    site.gateway.update(dict.fromkeys(READINGS), heeded=False)
    words = register_map.read(Space.INPUT, 100, 32, site.gateway, SERVER)
    assert words[:6] == [1, 0, 0, 0x8000, 0x8000, 0x8000]
    assert all(math.isnan(value) for value in floats(words[6:22]))
    assert words[22:28] == [0x8000] * 6
    assert words[28:] == [0xFFFF] * 4
    assert register_map.read(Space.INPUT, 4, 2, site.gateway, SERVER) == [0, 0]


@pytest.mark.parametrize(
    ("value", "float_words", "scaled"),
    [
        (327.67, words_of(327.67), 0x7FFF),
        (-327.67, words_of(-327.67), 0x8001),
        (327.68, words_of(327.68), 0x8000),
        (-327.68, words_of(-327.68), 0x8000),
        (1e39, [0x7FC0, 0], 0x8000),
    ],
)
def test_number_that_does_not_fit_is_unknown(
    register_map: RegisterMap,
    site: Site,
    value: float,
    float_words: list[int],
    scaled: int,
) -> None:
    site.gateway.update({"heater/thermal_power": value}, heeded=True)
    read = register_map.read
    assert read(Space.INPUT, 112, 2, site.gateway, SERVER) == float_words
    assert read(Space.INPUT, 125, 1, site.gateway, SERVER) == [scaled]


@pytest.mark.parametrize("energy", [-0.1, 429496729.5])
def test_energy_that_does_not_fit_is_unknown(
    register_map: RegisterMap, site: Site, energy: float
) -> None:
    site.gateway.update({"heater/energy": energy}, heeded=True)
    words = register_map.read(Space.INPUT, 128, 2, site.gateway, SERVER)
    assert words == [0xFFFF, 0xFFFF]


def test_request_within_a_number(register_map: RegisterMap, site: Site) -> None:
    read = register_map.read
    whole = read(Space.INPUT, 100, 32, site.gateway, SERVER)
    for first in range(32):
        for end in range(first + 1, 33):
            part = read(Space.INPUT, 100 + first, end - first, site.gateway, SERVER)
            assert part == whole[first:end]


@pytest.mark.parametrize(
    ("space", "address", "count"),
    [
        (Space.INPUT, 28, 1),
        (Space.INPUT, 27, 2),
        (Space.INPUT, 99, 2),
        (Space.INPUT, 65535, 1),
        (Space.HOLDING, 0, 1),
        (Space.HOLDING, 0, 2),
        (Space.HOLDING, 103, 4),
        (Space.HOLDING, 200, 1),
    ],
)
def test_unmapped(
    register_map: RegisterMap, site: Site, space: Space, address: int, count: int
) -> None:
    with pytest.raises(UnmappedError):
        register_map.read(space, address, count, site.gateway, SERVER)
    with pytest.raises(UnmappedError):
        register_map.commands(300, [0])


def said(commands: list[Command]) -> dict[str, Value | None]:
    return {each.point.point_id: each.value for each in commands}


def test_all_of_a_heater_at_once(register_map: RegisterMap) -> None:
    words = [1, 3, *words_of(62.5), *words_of(65.3)]
    assert said(register_map.commands(100, words)) == {
        "heater/enable": True,
        "heater/state_request": 3.0,
        "heater/power_request": 62.5,
        "heater/supply_setpoint": 65.3,
    }
    assert said(register_map.commands(110, [625, 653])) == {
        "heater/power_request": 62.5,
        "heater/supply_setpoint": 65.3,
    }


def test_taking_back(register_map: RegisterMap) -> None:
    words = [0x8000, 0x8000, 0x7FC0, 0, *words_of(math.nan)]
    assert set(said(register_map.commands(100, words)).values()) == {None}
    assert set(said(register_map.commands(110, [0x8000] * 2)).values()) == {None}
    # Of the heartbeat it is a number as any other.
    assert said(register_map.commands(1, [0x8000])) == {"site/heartbeat": 32768.0}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (102, [0]),
        (103, [0]),
        (103, [0, 0, 0]),
        (100, [1, 3, 0]),
        (100, [1, 3, 0, 0, 0]),
        (1, [1, 0]),
    ],
)
def test_half_a_number(
    register_map: RegisterMap, address: int, words: list[int]
) -> None:
    with pytest.raises(PartialError):
        register_map.commands(address, words)


@pytest.mark.parametrize(
    ("address", "words", "value"),
    [
        (100, [2], 2.0),
        (100, [0xFFFF], -1.0),
        (101, [0], 0.0),
        (101, [0x8001], -32767.0),
        (102, words_of(math.inf), math.inf),
        (102, words_of(-1e30), -1e30),
        (110, [0xFFFF], -0.1),
    ],
)
def test_nonsense_is_passed_on_to_be_refused(
    register_map: RegisterMap, address: int, words: list[int], value: float
) -> None:
    (command,) = register_map.commands(address, words)
    assert command.value == value
    assert type(command.value) is float


@given(st.floats(20, 65.30000305175781, width=32))
def test_float_command_comes_back_as_written(value: float) -> None:
    site, register_map = Site(), RegisterMap(points(), NUMBERS)
    (command,) = register_map.commands(104, words_of(value))
    assert isinstance(command.value, float)
    array = site.gateway.commands("heater/supply_setpoint")
    assert array is not None
    array.default = command.value
    read = register_map.read(Space.HOLDING, 104, 2, site.gateway, SERVER)
    assert read == words_of(value)
    assert command.value <= 65.3


@given(st.integers(-0x7FFF, 0x7FFF))
def test_scaled_command_comes_back_as_written(raw: int) -> None:
    site, register_map = Site(), RegisterMap(points(), NUMBERS)
    (command,) = register_map.commands(111, [raw % 0x10000])
    assert isinstance(command.value, float)
    assert command.value == float(f"{raw}e-1")
    array = site.gateway.commands("heater/supply_setpoint")
    assert array is not None
    array.default = command.value
    read = register_map.read(Space.HOLDING, 111, 1, site.gateway, SERVER)
    assert read == [raw % 0x10000]


@given(st.integers(0, 0xFFFF), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=9))
def test_whatever_is_written_is_refused_or_commands_each_point_once(
    address: int, words: list[int]
) -> None:
    register_map = RegisterMap(points(), NUMBERS)
    try:
        commands = register_map.commands(address % 120, words)
    except UnmappedError, PartialError:
        return
    assert len(said(commands)) == len(commands)
