"""What a building controller finds in us."""

from collections import Counter

import pytest

from custom_components.compute_heater.gateway.numbering import KEY_NUMBERS, numbered
from custom_components.compute_heater.gateway.points import (
    HEARTBEAT,
    OfferedHeater,
    OfferedKind,
    OfferedPoint,
    OfferedSink,
    offered_points,
)

ONE = OfferedHeater(heater_id="one", name="Boiler room", max_supply_c=60)
TWO = OfferedHeater(heater_id="two", name="Boiler room", max_supply_c=55)
TANK = OfferedSink(sink_id="tank", name="Boiler room")


def offered(*, commands: bool = True) -> dict[str, OfferedPoint]:
    points = offered_points([ONE, TWO], [TANK], max_heat_kw=4, commands=commands)
    found = {point.point_id: point for point in points}
    assert len(found) == len(points)
    return found


def test_names_are_unique_and_not_empty() -> None:
    names = Counter(point.name for point in offered().values())
    assert set(names.values()) == {1}
    assert "Boiler room supply temperature (2)" in names
    assert all(names)


def test_commands_only_where_they_are_allowed() -> None:
    read_only = offered(commands=False)
    assert not [point for point in read_only.values() if point.is_command]
    assert read_only[HEARTBEAT].is_heartbeat
    commands = {key for key, point in offered().items() if point.is_command}
    assert commands == set(offered()) - set(read_only)
    assert len(commands) == 1 + 2 * 4


def test_every_command_has_a_default_within_its_limits() -> None:
    """It asks for nothing: no heat, but as warm as may be, and enabled."""
    for point in offered().values():
        if not point.is_command:
            continue
        assert point.default is not None
        if point.kind is OfferedKind.ANALOG:
            assert point.minimum is not None and point.maximum is not None
            assert isinstance(point.default, float | int)
            assert point.minimum <= point.default <= point.maximum
    assert offered()["one/supply_setpoint"].default == 60
    assert offered()["two/supply_setpoint"].maximum == 55
    assert offered()["site/heat_request"].maximum == 4


def test_every_key_has_a_number_of_its_own() -> None:
    assert {point.key for point in offered().values()} == set(KEY_NUMBERS)
    assert max(Counter(KEY_NUMBERS.values()).values()) == 1
    assert all(0 < number < 100 for number in KEY_NUMBERS.values())


def test_numbers_of_parts_are_never_given_again() -> None:
    stored = numbered({}, ["one", "two"])
    assert stored == {"site": 0, "one": 1, "two": 2}
    assert numbered(stored, ["two"]) == stored
    stored = numbered(stored, ["three", "two"])
    assert stored == {"site": 0, "one": 1, "two": 2, "three": 3}


@pytest.mark.parametrize("commands", [False, True])
def test_a_part_that_is_added_changes_nothing_before_it(commands: bool) -> None:
    before = offered_points([ONE], [], max_heat_kw=4, commands=commands)
    after = offered_points([ONE, TWO], [], max_heat_kw=4, commands=commands)
    assert after[: len(before)] == before
