"""What values of the building ask of heaters."""

from dataclasses import replace
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.bridge import (
    NOTHING,
    STANDBY,
    Asked,
    Binding,
    Hearing,
    HeatLine,
    Input,
    PowerLine,
    RequestBit,
    SgContacts,
    SgStates,
    Signal,
    StateTable,
    chosen,
    site_request,
)
from custom_components.compute_heater.control.building import (
    BuildingRequest,
    SiteRequest,
)
from custom_components.compute_heater.control.ladder import HeaterSettings
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.heaters.model import PowerState

RACK = HeaterSettings(
    heater_id="a",
    floor_w=300,
    max_w=3000,
    levels_w={PowerState.STANDBY: 300, PowerState.ECO: 1500, PowerState.FULL: 3000},
    can_cap=True,
)
PERCENT = Signal()
VOLTS = Signal(zero=2, full=10, broken_below=1)
ECO, FULL = Asked(state=PowerState.ECO), Asked(state=PowerState.FULL)


def follow(binding: Binding, *values: Input) -> list[Asked | None]:
    """Return what a source asks for as it shows these values one after the other."""
    before: Asked | None = None
    found: list[Asked | None] = []
    for value in values:
        asked = binding.asked([value], before)
        before = asked or before
        found.append(asked)
    return found


def test_states_by_the_usual_table() -> None:
    table = StateTable(signal=PERCENT)
    for value, asked in (
        (0, STANDBY),
        (4.9, STANDBY),
        (5, ECO),
        (59.9, ECO),
        (60, FULL),
        (100, FULL),
        (250, FULL),
        (-3, STANDBY),
    ):
        assert table.asked([value], None) == asked, value


def test_a_state_is_left_below_where_it_began() -> None:
    table = StateTable(signal=PERCENT, eco_from=0.1, full_from=0.5, hysteresis=0.05)
    assert follow(table, 49, 50, 46, 45, 44.9, 49, 6, 5, 4.9, 9.9, 10) == [
        *(ECO, FULL, FULL, FULL, ECO, ECO),
        *(ECO, ECO, STANDBY, STANDBY, ECO),
    ]


def test_a_fall_through_the_table() -> None:
    """From full straight to standby, and within the hysteresis of both."""
    table = StateTable(signal=PERCENT, eco_from=0.1, full_from=0.12, hysteresis=0.05)
    assert follow(table, 20, 7, 6, 0) == [FULL, FULL, ECO, STANDBY]


@given(st.lists(st.floats(0, 100), min_size=1))
def test_no_demand_is_standby_whatever_was_before(values: list[float]) -> None:
    table = StateTable(signal=PERCENT)
    assert follow(table, *values, 0.0, 100.0)[-2:] == [STANDBY, FULL]


@pytest.mark.parametrize(
    ("volts", "fraction"),
    [(2, 0), (6, 0.5), (10, 1), (11, 1), (1.5, 0), (1, 0), (0.99, None), (0, None)],
)
def test_a_wire_that_is_broken(volts: float, fraction: float | None) -> None:
    """2–10 V: what is far below 2 V comes from no controller."""
    assert VOLTS.fraction([volts]) == fraction


def test_a_voltage_reaches_its_threshold() -> None:
    """2.4 V of 2–10 V are 5 %, though 0.4 / 8 is less for a computer."""
    assert (2.4 - 2) / 8 < 0.05
    assert StateTable(signal=VOLTS).asked([2.4], None) == ECO


def test_a_signal_may_fall() -> None:
    assert Signal(zero=10, full=0).fraction([7.5]) == 0.25


def test_power_between_floor_and_maximum() -> None:
    line = PowerLine(signal=PERCENT, on_from=0.1, hysteresis=0.04)
    found = follow(line, 9.9, 10, 6, 5.9, 6, 50, 100)
    powers = [None if each is None else each.power_of(RACK) for each in found]
    assert powers == [300, 570, pytest.approx(462), 300, 300, 1650, 3000]


def test_power_of_each_heater() -> None:
    """What is more than standby makes every heater work, in its own range."""
    asked = Asked(fraction=0.01)
    assert asked.power_of(RACK) == 350
    small = replace(RACK, max_w=1000)
    assert asked.power_of(small) == 350
    assert Asked(fraction=0.5).power_of(small) == 650
    assert Asked(power_w=2000).power_of(RACK) == 2000
    assert Asked(power_w=2000).power_of(small) == 1000
    assert ECO.power_of(RACK) == 1500
    assert NOTHING.power_of(RACK) is None


def test_heat_of_the_site() -> None:
    line = HeatLine(signal=PERCENT, full_heat_w=8000)
    found = follow(line, 0, 5, 50, 3, 2.9)
    heats = [None if each is None else each.heat_w for each in found]
    assert heats == [0, 400, 4000, 240, 0]
    assert line.standby == Asked(heat_w=0)


@pytest.mark.parametrize(
    ("contacts", "asked"),
    [
        ((True, False), Asked(allowed=False)),
        ((False, False), NOTHING),
        ((False, True), ECO),
        ((True, True), FULL),
        ((None, False), None),
        ((True, None), None),
    ],
)
def test_contacts_of_sg_ready(contacts: tuple[bool, bool], asked: Asked | None) -> None:
    assert SgContacts().asked(contacts, None) == asked
    if asked == ECO:
        assert SgContacts(recommended=PowerState.FULL).asked(contacts, None) == FULL


def test_states_of_sg_ready() -> None:
    names = SgStates(states={1: "EVU-Sperre", 2: "Normal", 3: "3", 4: "Max"})
    assert follow(names, "evu-sperre", "Normal", "3", "3.0", 3.0, " max ") == [
        *(Asked(allowed=False), NOTHING, ECO, ECO, ECO, FULL)
    ]
    assert follow(names, "4", "no such state", None) == [None, None, None]


def test_request_by_a_contact() -> None:
    bit = RequestBit(on=Asked(power_w=2000))
    assert follow(bit, False, True, None) == [STANDBY, Asked(power_w=2000), None]


def test_what_the_site_is_asked() -> None:
    small = replace(RACK, heater_id="b", max_w=1000)
    heaters = {"a": RACK, "b": small}
    reason = Reason.BUILDING_DEMAND
    assert site_request(NOTHING, heaters, reason) is None
    assert site_request(Asked(heat_w=0), heaters, Reason.BUILDING_SILENT) == (
        SiteRequest(heat_w=0, reason=Reason.BUILDING_SILENT)
    )
    assert site_request(ECO, heaters, reason) == SiteRequest(
        heaters=dict.fromkeys("ab", BuildingRequest(state=PowerState.ECO))
    )
    assert site_request(Asked(fraction=0.5), heaters, reason) == SiteRequest(
        heaters={
            "a": BuildingRequest(power_w=1650),
            "b": BuildingRequest(power_w=650),
        }
    )
    lock = site_request(Asked(allowed=False), {"a": RACK}, reason)
    assert lock == SiteRequest(heaters={"a": BuildingRequest(allowed=False)})


def test_heaters_that_were_chosen() -> None:
    known = {"a": 1, "b": 2}
    assert chosen(known, None) == known
    assert chosen(known, ["b", "gone"]) == {"b": 2}
    # All that were chosen are gone: that is not all there are.
    assert chosen(known, ["gone"]) == {}


def test_silence_is_bridged_and_then_agreed_for() -> None:
    hearing = Hearing(hold_s=300, fallback=STANDBY)
    hearing.take(FULL, 1000)
    assert hearing.counts(9999) == (FULL, Reason.BUILDING_DEMAND)
    assert hearing.left_s(9999) is None
    hearing.take(None, 2000)
    hearing.take(None, 2100)
    assert hearing.counts(2299) == (FULL, Reason.BUILDING_SILENT)
    assert hearing.left_s(2299) == 1
    assert hearing.counts(2300) == (STANDBY, Reason.BUILDING_SILENT)
    assert hearing.left_s(9999) == 0
    hearing.take(ECO, 9999)
    assert hearing.counts(9999) == (ECO, Reason.BUILDING_DEMAND)


def test_a_request_that_nobody_heard_is_not_invented() -> None:
    hearing = Hearing(hold_s=300, fallback=STANDBY)
    hearing.take(None, 1000)
    assert hearing.counts(1299) == (NOTHING, Reason.BUILDING_SILENT)
    assert hearing.counts(1300) == (STANDBY, Reason.BUILDING_SILENT)


def test_no_hold_and_nothing_after_it() -> None:
    hearing = Hearing(hold_s=0, fallback=NOTHING)
    hearing.take(FULL, 1)
    hearing.take(None, 2)
    assert hearing.counts(2) == (NOTHING, Reason.BUILDING_SILENT)


@pytest.mark.parametrize(
    "asked", [FULL, NOTHING, Asked(allowed=False), Asked(fraction=0.5), None]
)
def test_a_reload_goes_on(asked: Asked | None) -> None:
    """Hysteresis and the time of a silence survive, as JSON."""
    hearing = Hearing(hold_s=300, fallback=STANDBY)
    hearing.take(asked, 1000)
    hearing.take(None, 1100)
    after = Hearing(hold_s=300, fallback=STANDBY)
    after.restore(json.loads(json.dumps(hearing.memory)))
    assert after.asked == asked
    assert after.left_s(1200) == hearing.left_s(1200)
