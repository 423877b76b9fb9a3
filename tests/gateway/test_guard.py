"""Who may talk to us, and what may be written."""

from ipaddress import IPv4Network
from math import inf, nan

import pytest

from custom_components.compute_heater.gateway.guard import (
    BURST,
    MOST_COUNTED,
    Guard,
    Refusal,
    RefusedError,
)

from .modbus_site import points

PEER, OTHER = "10.0.5.1", "10.0.5.2"
POINTS = {point.point_id: point for point in points()}


@pytest.fixture
def guard() -> Guard:
    return Guard([IPv4Network("10.0.5.0/28"), IPv4Network("10.0.9.7/32")])


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("10.0.5.0", True), ("10.0.5.15", True), ("10.0.5.16", False),
        ("10.0.9.7", True), ("10.0.9.8", False), ("", False), ("10.0.9", False),
        ("::ffff:10.0.9.7", False), ("010.0.9.7", False), ("10.0.9.7 ", False),
        ("5:0x0a00090700", False),
    ],
)  # fmt: skip
def test_peers(guard: Guard, address: str, admitted: bool) -> None:
    assert guard.admits(address) is admitted
    assert not Guard([]).admits(address)


@pytest.mark.parametrize(
    ("point_id", "value", "expected"),
    [
        ("site/heat_request", 3, 3.0), ("site/heat_request", 0.0, 0.0),
        ("heater/power_request", 100, 100.0), ("heater/enable", False, False),
        ("heater/state_request", 4, 4.0), ("heater/supply_setpoint", 65.3, 65.3),
        ("site/heartbeat", 65535, 65535.0),
    ],
)  # fmt: skip
def test_what_is_taken(
    guard: Guard, point_id: str, value: object, expected: object
) -> None:
    taken = guard.check(POINTS[point_id], value, 8)
    assert taken == expected and type(taken) is type(expected)


@pytest.mark.parametrize(
    ("point_id", "value", "priority", "refusal"),
    [
        ("site/heat_request", 3.001, 8, Refusal.OUT_OF_RANGE),
        ("site/heat_request", -0.001, 8, Refusal.OUT_OF_RANGE),
        ("site/heat_request", nan, 8, Refusal.OUT_OF_RANGE),
        ("site/heat_request", inf, 8, Refusal.OUT_OF_RANGE),
        ("site/heat_request", 10**400, 8, Refusal.OUT_OF_RANGE),
        ("site/heat_request", "1", 8, Refusal.WRONG_TYPE),
        ("site/heat_request", True, 8, Refusal.WRONG_TYPE),
        ("site/heat_request", None, 8, Refusal.WRONG_TYPE),
        ("site/heat_request", b"", 8, Refusal.WRONG_TYPE),
        ("site/heat_request", 1, 0, Refusal.WRONG_PRIORITY),
        ("site/heat_request", 1, 6, Refusal.WRONG_PRIORITY),
        ("site/heat_request", 1, 17, Refusal.WRONG_PRIORITY),
        ("heater/enable", 2, 8, Refusal.OUT_OF_RANGE),
        ("heater/enable", 0.5, 8, Refusal.OUT_OF_RANGE),
        ("heater/enable", "1", 8, Refusal.WRONG_TYPE),
        ("heater/state_request", 0, 8, Refusal.OUT_OF_RANGE),
        ("heater/state_request", 5, 8, Refusal.OUT_OF_RANGE),
        ("heater/state_request", 1.5, 8, Refusal.OUT_OF_RANGE),
        ("site/heartbeat", 65536, 16, Refusal.OUT_OF_RANGE),
        ("site/heat_demand", 1, 8, Refusal.NOT_WRITABLE),
        ("heater/fault", True, 8, Refusal.NOT_WRITABLE),
    ],
)
def test_what_is_refused(
    guard: Guard, point_id: str, value: object, priority: int, refusal: Refusal
) -> None:
    with pytest.raises(RefusedError) as refused:
        guard.check(POINTS[point_id], value, priority)
    assert refused.value.refusal is refusal
    assert refused.value.point_id == point_id


def test_reading_only() -> None:
    guard = Guard([], commands=False)
    with pytest.raises(RefusedError, match=Refusal.NOT_WRITABLE):
        guard.check(POINTS["site/heat_request"], 1, 8)
    assert guard.check(POINTS["site/heartbeat"], 1, 16) == 1


def test_changes_of_one_point_come_in_bursts_and_then_once_a_second(
    guard: Guard,
) -> None:
    point, other = POINTS["site/heat_request"], POINTS["heater/enable"]
    for _ in range(int(BURST)):
        guard.spend([point], PEER, 100.0)
    with pytest.raises(RefusedError, match=Refusal.TOO_OFTEN):
        guard.spend([point], PEER, 100.9)
    guard.spend([other], PEER, 100.9)
    guard.spend([point], PEER, 101.0)
    with pytest.raises(RefusedError):
        guard.spend([point], PEER, 101.0)
    # A clock that goes back gives nothing.
    with pytest.raises(RefusedError):
        guard.spend([point], PEER, 50.0)
    for _ in range(int(BURST)):
        guard.spend([point], PEER, 1000.0)
    with pytest.raises(RefusedError):
        guard.spend([point], PEER, 1000.0)


def test_what_is_refused_together_costs_nothing(guard: Guard) -> None:
    point, other = POINTS["site/heat_request"], POINTS["heater/enable"]
    for _ in range(int(BURST)):
        guard.spend([point], PEER, 0.0)
    for _ in range(50):
        with pytest.raises(RefusedError):
            guard.spend([other, point], PEER, 0.0)
    for _ in range(int(BURST)):
        guard.spend([other], PEER, 0.0)


def test_no_peer_uses_up_what_others_may_do(guard: Guard) -> None:
    point = POINTS["site/heat_request"]
    for _ in range(int(BURST)):
        guard.spend([point], PEER, 0.0)
    for _ in range(int(BURST)):
        guard.spend([point], OTHER, 0.0)
        with pytest.raises(RefusedError):
            guard.spend([point], PEER, 0.0)


def test_what_is_counted_is_forgotten(guard: Guard) -> None:
    """Who changes nothing any more costs nothing; there is room for so many at a time."""
    point, other = POINTS["site/heat_request"], POINTS["heater/enable"]
    for number in range(MOST_COUNTED):
        guard.spend([point], f"peer {number}", number / MOST_COUNTED)
    for each in (point, other):
        with pytest.raises(RefusedError, match=Refusal.TOO_OFTEN) as refused:
            guard.spend([each], "one more", 1.0)
        assert refused.value.point_id == each.point_id
    # Those that are known go on.
    guard.spend([point], "peer 0", 1.0)
    guard.spend([point], "one more", BURST + 0.5)
    guard.spend([point], "one more", 2 * BURST + 1)
    assert len(guard._tokens) == 1
