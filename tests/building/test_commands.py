"""What we hold in a controller, and what becomes of it."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.building.commands import CommandLedger, near
from custom_components.compute_heater.building.modbus_point import ModbusPoint
from custom_components.compute_heater.building.points import PointTooSoonError, Value

HOLDING = {"space": "holding", "address": 1, "data_type": "int16"}
LIMITS = {"writable": True, "minimum": 0, "maximum": 100}
POINT = ModbusPoint.from_dict(HOLDING | LIMITS | {"key": "power", "dead_band": 2})
SETTING = ModbusPoint.from_dict(
    HOLDING | LIMITS | {"key": "setpoint", "write_class": "eeprom"}
)


def test_old_value_is_that_before_all_commands() -> None:
    """A second command does not take the first for what was there before."""
    ledger = CommandLedger()
    ledger.note(POINT, 40.0, 7.0, 0, None)
    ledger.note(POINT, 50.0, 40.0, 1, None)
    command = ledger.commands["power"]
    assert (command.value, command.restore) == (50.0, 7.0)


def test_what_was_not_written_is_not_held() -> None:
    ledger = CommandLedger()
    first = ledger.note(POINT, 40.0, 7.0, 0, None)
    ledger.put_back("power", first)
    assert ledger.commands == {}
    ledger.note(POINT, 40.0, 7.0, 0, None)
    ledger.put_back("power", ledger.note(POINT, 50.0, None, 1, None))
    assert ledger.commands["power"].value == 40


def test_command_of_another_run_is_given_up_unless_taken_over() -> None:
    before = CommandLedger()
    before.note(POINT, 40.0, 7.0, 100, 60)
    stored = json.loads(json.dumps(before.memory))
    reloaded = CommandLedger.from_memory(stored, same_run=True)
    assert reloaded.commands == before.commands
    assert reloaded.to_give_up(150) == []

    after = CommandLedger.from_memory(stored, same_run=False)
    assert after.to_give_up(0) == ["power"]
    assert not after.holds(POINT, 40.0, 40.0)
    failed = after.note(POINT, 60.0, 40.0, 5, None)
    after.put_back("power", failed)
    assert after.to_give_up(0) == ["power"]
    after.note(POINT, 60.0, 40.0, 5, None)
    assert after.to_give_up(1000) == []
    assert after.commands["power"].restore == 7


def test_what_could_not_be_given_up_is_not_forgotten_by_a_reload() -> None:
    before = CommandLedger()
    before.note(POINT, 40.0, 7.0, 100, None)
    before.orphans.add("power")
    stored = json.loads(json.dumps(before.memory))
    assert CommandLedger.from_memory(stored, same_run=True).to_give_up(0) == ["power"]


def test_lifetime() -> None:
    """A command lapses unless it is repeated; without a lifetime it stays."""
    ledger = CommandLedger()
    ledger.note(POINT, 40.0, 7.0, 0, 30)
    assert ledger.to_give_up(29) == []
    ledger.prolong("power", 29, 30)
    assert ledger.to_give_up(58) == []
    assert ledger.to_give_up(59) == ["power"]
    ledger.prolong("power", 58, None)
    assert ledger.to_give_up(1e9) == []
    ledger.forget("power")
    assert ledger.memory["commands"] == {}


@pytest.mark.parametrize(
    ("value", "present", "held"),
    [
        (40.0, 40.0, True),
        (42.0, 40.0, True),
        (42.1, 40.0, False),
        (38.0, 38.0, True),
        (40.0, 43.0, False),  # somebody else has changed it
        (40.0, None, False),
    ],
)
def test_dead_band(value: float, present: float | None, held: bool) -> None:
    ledger = CommandLedger()
    assert not ledger.holds(POINT, value, present)
    ledger.note(POINT, 40.0, 7.0, 0, None)
    assert ledger.holds(POINT, value, present) is held


def test_memory_that_wears_is_spared() -> None:
    """A setting is no command, and is written once a minute at most."""
    ledger = CommandLedger()
    ledger.check_interval(SETTING, 0)
    ledger.note(SETTING, 40.0, None, 0, None)
    assert ledger.commands == {}
    with pytest.raises(PointTooSoonError, match="in 20 s"):
        ledger.check_interval(SETTING, 40)
    ledger.check_interval(SETTING, 60)
    ledger.note(SETTING, 41.0, None, 60, None)
    assert ledger.memory["settings_written"] == {"setpoint": 2}
    ledger.check_interval(POINT, 0)
    ledger.note(POINT, 40.0, None, 0, None)
    ledger.check_interval(POINT, 0)


def test_part_of_a_ledger() -> None:
    ledger = CommandLedger()
    ledger.note(POINT, 40.0, 7.0, 0, None)
    assert ledger.only(["power"]).commands == ledger.commands
    assert ledger.only(["other"]).commands == {}


@given(
    st.none() | st.booleans() | st.floats(),
    st.none() | st.booleans() | st.floats(),
    st.floats(min_value=0),
)
def test_near_is_symmetric_and_unknown_is_near_nothing(
    left: Value | None, right: Value | None, band: float
) -> None:
    assert near(left, right, band) is near(right, left, band)
    assert not near(None, right, band)
