"""The points of a site: values, commands, and masters that fall silent."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.compute_heater.control.ladder import HeaterSettings
from custom_components.compute_heater.gateway.gateway import Gateway, Write
from custom_components.compute_heater.gateway.guard import Guard, Refusal, RefusedError
from custom_components.compute_heater.gateway.priority import Slot
from custom_components.compute_heater.heaters.model import PowerState

from .modbus_site import HEATER, Site

MASTER, OTHER, FOREIGN = "127.0.0.1", "127.0.0.2", "127.0.0.99"
HEAT, POWER, STATE = "site/heat_request", "heater/power_request", "heater/state_request"
ENABLE, SETPOINT = "heater/enable", "heater/supply_setpoint"
SETTINGS = {
    HEATER: HeaterSettings(
        heater_id=HEATER,
        floor_w=200,
        max_w=2000,
        levels_w={
            PowerState.STANDBY: 200,
            PowerState.ECO: 900,
            PowerState.FULL: 2000,
        },
        can_cap=True,
    )
}


def written(point_id: str, value: object, priority: int = 16) -> Write:
    return Write(point_id=point_id, value=value, priority=priority)


def write(
    site: Site, *writes: Write, peer: str = MASTER, guard: Guard | None = None
) -> None:
    site.gateway.write(writes, peer=peer, protocol="test", now=site.now, guard=guard)


def test_a_command_is_told_once(site: Site) -> None:
    changes: list[set[str]] = []
    unlisten = site.gateway.listen(changes.append)
    write(site, written(HEAT, 2.0))
    assert site.commanded == {HEAT: 2.0}
    assert (site.commands, changes) == (1, [{HEAT}])
    write(site, written(HEAT, 2.0))
    assert site.commands == 1
    # Below the one in force.
    write(site, written(HEAT, 1.0, 9))
    write(site, written(HEAT, 3.0, 12))
    assert site.commands == 2
    assert site.gateway.value(HEAT) == 1.0
    write(site, written(HEAT, None, 9))
    assert (site.commands, site.gateway.value(HEAT)) == (3, 3.0)
    unlisten()
    write(site, written(HEAT, 1.5, 12))
    assert len(changes) == 5
    events = [(one.value, one.priority, one.refusal) for one in site.writes]
    assert events[:2] == [(2.0, 16, None), (2.0, 16, None)]
    assert site.writes[0].peer == MASTER
    assert site.writes[0].point is site.gateway.points[HEAT]


def test_a_higher_priority_that_says_the_same_is_no_new_command(site: Site) -> None:
    write(site, written(HEAT, 2.0, 16))
    write(site, written(HEAT, 2.0, 8), peer=OTHER)
    assert site.commands == 1
    assert site.gateway.commands(HEAT).level == 8  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("writes", "refusal", "blamed"),
    [
        ([written(HEAT, 9.0)], Refusal.OUT_OF_RANGE, HEAT),
        ([written(POWER, 50.0), written(HEAT, 9.0)], Refusal.OUT_OF_RANGE, HEAT),
        ([written(POWER, 50.0), written("x/y", 1)], Refusal.NOT_WRITABLE, "x/y"),
        ([written("site/heat_demand", 1.0)], Refusal.NOT_WRITABLE, "site/heat_demand"),
        ([written("site/heat_demand", None)], Refusal.NOT_WRITABLE, "site/heat_demand"),
        ([written(HEAT, None, 6)], Refusal.WRONG_PRIORITY, HEAT),
        ([written("site/heartbeat", None)], Refusal.WRONG_TYPE, "site/heartbeat"),
    ],
)
def test_all_or_nothing(
    site: Site, writes: list[Write], refusal: Refusal, blamed: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        write(site, *writes)
    assert (refused.value.refusal, refused.value.point_id) == (refusal, blamed)
    assert (site.commanded, site.commands) == ({}, 0)
    assert [one.refusal for one in site.writes] == [refusal] * len(writes)


def test_strangers(site: Site) -> None:
    with pytest.raises(RefusedError, match=Refusal.FOREIGN_PEER):
        write(site, written(HEAT, 1.0), peer=FOREIGN)
    # The server's own guard decides, where it has one.
    write(site, written(HEAT, 1.0), peer=FOREIGN, guard=Guard([IPv4Network(FOREIGN)]))
    assert site.commanded == {HEAT: 1.0}
    with pytest.raises(RefusedError):
        write(site, written(HEAT, 2.0), guard=Guard([IPv4Network(FOREIGN)]))


def test_a_flood_ends_with_the_last_that_was_taken(site: Site) -> None:
    taken = None
    refused = 0
    for number in range(100):
        try:
            write(site, written(HEAT, number / 100))
        except RefusedError:
            refused += 1
        else:
            taken = number / 100
    assert (refused, site.commanded) == (80, {HEAT: taken})
    assert {one.refusal for one in site.writes} == {None, Refusal.TOO_OFTEN}
    # What says the same again is no change, and may come as often as it likes.
    for _ in range(100):
        write(site, written(HEAT, taken))
    # Nor does a flood keep its last command in force.
    write(site, written(HEAT, None))
    assert site.commanded == {}


def test_a_silent_master_is_given_up(site: Site) -> None:
    write(site, written(HEAT, 2.0), written(POWER, 50.0, 8))
    write(site, written(HEAT, 1.0, 12), peer=OTHER)
    site.now += 59.9
    site.gateway.alive(OTHER, site.now)
    site.gateway.expire(site.now)
    assert site.silent == []
    site.now += 0.1
    changes: list[set[str]] = []
    site.gateway.listen(changes.append)
    site.gateway.expire(site.now)
    assert site.silent == [MASTER]
    assert changes == [{HEAT, POWER}]
    assert site.commanded == {HEAT: 1.0}
    assert site.gateway.is_lost(POWER) and site.gateway.is_lost(HEAT)
    assert site.gateway.value(POWER) == 0.0
    site.gateway.expire(site.now + 1)
    assert site.silent == [MASTER]
    # Back again: what is written anew holds, and only that.
    write(site, written(POWER, 40.0))
    assert not site.gateway.is_lost(POWER) and site.gateway.is_lost(HEAT)


def test_what_fails_where_it_is_told_keeps_no_command_in_force(site: Site) -> None:
    def fail(_changed: set[str]) -> None:
        raise RuntimeError

    write(site, written(HEAT, 2.0))
    site.gateway.listen(fail)
    with pytest.raises(RuntimeError):
        write(site, written(POWER, 50.0))
    assert site.commands == 2
    with pytest.raises(RuntimeError):
        site.gateway.expire(site.now + 60)
    assert site.commands == 3
    assert site.commanded == {}


def test_what_shows_life(site: Site) -> None:
    """Writes, and reads of what it commands; not reads of anything else."""
    write(site, written(HEAT, 2.0))
    for shows_life in (
        lambda: write(site, written(HEAT, 2.0)),
        lambda: write(site, written("site/heartbeat", 1)),
        lambda: site.gateway.alive(MASTER, site.now, HEAT),
    ):
        site.now += 50
        shows_life()
        site.gateway.expire(site.now)
    assert site.silent == []
    for shows_none in (
        lambda: site.gateway.alive(MASTER, site.now, POWER),
        lambda: site.gateway.alive(MASTER, site.now, "site/heat_demand"),
        lambda: site.gateway.alive(OTHER, site.now, HEAT),
        lambda: write(site, written(POWER, 1.0), peer=OTHER),
    ):
        site.now += 20
        shows_none()
        site.gateway.expire(site.now)
    assert site.silent == [MASTER]
    assert site.commanded == {POWER: 1.0}


def test_refused_writes_show_no_life(site: Site) -> None:
    write(site, written(HEAT, 2.0))
    site.now += 59
    with pytest.raises(RefusedError):
        write(site, written(HEAT, 99.0))
    site.gateway.expire(site.now + 1)
    assert site.silent == [MASTER]


def test_nobody_is_silent_who_commands_nothing(site: Site) -> None:
    write(site, written(HEAT, 2.0))
    write(site, written(HEAT, None))
    site.gateway.expire(site.now + 1000)
    assert site.silent == []
    assert not site.gateway.is_lost(HEAT)


def test_each_server_has_its_own_patience(site: Site) -> None:
    long = Guard([IPv4Network(OTHER)], watchdog_s=600)
    write(site, written(HEAT, 2.0))
    write(site, written(POWER, 30.0), peer=OTHER, guard=long)
    site.gateway.expire(site.now + 60)
    assert site.silent == [MASTER]
    site.gateway.expire(site.now + 599)
    assert site.commanded == {POWER: 30.0}
    site.gateway.expire(site.now + 600)
    assert site.commanded == {}


def test_a_patient_server_does_not_prolong_what_came_by_another(site: Site) -> None:
    short = Guard([IPv4Network(MASTER)], watchdog_s=10)
    write(site, written(HEAT, 2.0), guard=short)
    write(site, written("site/heartbeat", 1))
    site.gateway.expire(site.now + 10)
    assert site.silent == [MASTER]
    # Once it commands nothing, the next command begins anew.
    write(site, written(HEAT, 2.0))
    site.gateway.expire(site.now + 59)
    assert site.commanded == {HEAT: 2.0}


def test_a_reload_goes_on(site: Site) -> None:
    write(site, written(HEAT, 2.5), written(POWER, 50.0, 8))
    write(site, written(SETPOINT, 60.0), peer=OTHER)
    site.gateway.expire(site.now + 5)
    points = [
        replace(point, maximum=2.0) if point.point_id == HEAT else point
        for point in site.gateway.points.values()
        if point.point_id != SETPOINT
    ]
    after = Gateway(
        points,
        site.guard,
        watchdog_s=60,
        on_command=lambda: None,
        on_write=site.writes.append,
        on_silent=site.silent.append,
    )
    # The owner's patience has become shorter meanwhile.
    after.adopt(site.gateway, lambda _peer: 30.0)
    assert after.value(HEAT) == 0.0
    assert after.commands(POWER).slots[7] == Slot(50.0, MASTER)  # type: ignore[union-attr]
    after.alive(MASTER, site.now + 5, POWER)
    after.expire(site.now + 34)
    assert after.value(POWER) == 50.0
    after.expire(site.now + 35)
    assert (after.value(POWER), site.silent) == (0.0, [MASTER])


def test_who_is_admitted_no_more_is_not_missed(site: Site) -> None:
    write(site, written(HEAT, 2.0), written(ENABLE, False))
    write(site, written(POWER, 50.0), written(ENABLE, False, 8), peer=OTHER)
    site.gateway.expire(site.now + 60)
    after = Site().gateway
    after.adopt(site.gateway, lambda peer: None if peer == OTHER else 60)
    assert [key for key in after.points if after.is_lost(key)] == [HEAT, ENABLE]


def test_readings(site: Site) -> None:
    changes: list[set[str]] = []
    site.gateway.listen(changes.append)
    site.gateway.update({"site/heat_demand": 2.5, "site/energy": 1.0}, heeded=True)
    assert changes == [{"site/energy"}]
    site.gateway.update({"site/heat_demand": None}, heeded=False)
    assert changes[1] == {"site/heat_demand", HEAT, POWER, STATE, ENABLE, SETPOINT}
    assert site.gateway.value("site/heat_demand") is None
    assert site.gateway.heeded is False


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        ([written(POWER, 50.0)], {"power_w": 1000.0}),
        ([written(STATE, 2)], {"state": PowerState.STANDBY}),
        ([written(STATE, 3)], {"state": PowerState.ECO}),
        ([written(STATE, 4)], {"state": PowerState.FULL}),
        ([written(POWER, 50.0), written(STATE, 4)], {"power_w": 1000.0}),
        ([written(POWER, 50.0, 10), written(STATE, 4, 9)], {"state": PowerState.FULL}),
        ([written(POWER, 50.0, 8), written(STATE, 4, 9)], {"power_w": 1000.0}),
        ([written(ENABLE, False)], {"allowed": False}),
        ([written(ENABLE, True)], {}),
        ([written(SETPOINT, 50)], {"supply_c": 50.0}),
        ([written(POWER, 0)], {"power_w": 0.0}),
    ],
)
def test_what_a_heater_is_asked_for(
    site: Site, writes: list[Write], expected: dict[str, Any]
) -> None:
    assert site.gateway.request(SETTINGS) is None
    write(site, *writes)
    request = site.gateway.request(SETTINGS)
    assert request is not None and request.heat_w is None
    asked = request.heaters[HEATER]
    blank = {"state": None, "power_w": None, "allowed": True, "supply_c": None}
    assert {key: getattr(asked, key) for key in blank} == blank | expected
    # A heater that control does not know is asked for nothing.
    assert site.gateway.request({}) is None


def test_automatic_asks_for_nothing(site: Site) -> None:
    """Also above a power, which it takes out of force."""
    write(site, written(POWER, 50.0, 10))
    write(site, written(STATE, 1, 9))
    assert site.gateway.request(SETTINGS) is None
    write(site, written(STATE, None, 9))
    assert site.gateway.request(SETTINGS) is not None


def test_what_the_site_is_asked_for(site: Site) -> None:
    write(site, written(HEAT, 0.0))
    request = site.gateway.request(SETTINGS)
    assert request is not None and (request.heat_w, request.heaters) == (0.0, {})
    write(site, written(HEAT, 2.5))
    request = site.gateway.request(SETTINGS)
    assert request is not None and request.heat_w == 2500


WRITES = st.builds(
    Write,
    point_id=st.sampled_from(
        [HEAT, POWER, STATE, ENABLE, SETPOINT, "site/heartbeat", "site/energy", "a/b"]
    ),
    value=st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2),
    priority=st.integers(-1, 18),
)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.lists(WRITES, min_size=1, max_size=4),
            st.sampled_from([MASTER, OTHER, FOREIGN]),
            st.floats(0, 100),
        )
    )
)
def test_what_is_refused_changes_nothing(
    steps: Sequence[tuple[list[Write], str, float]],
) -> None:
    """Whatever is written by whomever: what holds is allowed, and was taken."""
    site = Site()
    for writes, peer, pause_s in steps:
        site.now += pause_s
        site.gateway.expire(site.now)
        before = {
            key: commands.slots
            for key in site.gateway.points
            if (commands := site.gateway.commands(key)) is not None
        }
        heartbeat = site.gateway.value("site/heartbeat")
        told = site.commands
        try:
            write(site, *writes, peer=peer)
        except RefusedError:
            assert site.gateway.value("site/heartbeat") == heartbeat
            assert site.commands == told
            for key, slots in before.items():
                commands = site.gateway.commands(key)
                assert commands is not None and commands.slots == slots
        else:
            assert peer != FOREIGN
        for key, point in site.gateway.points.items():
            commands = site.gateway.commands(key)
            for number, slot in enumerate(commands.slots if commands else (), 1):
                if slot is not None:
                    assert number != 6 and slot.peer != FOREIGN
                    assert site.guard.check(point, slot.value, number) == slot.value
