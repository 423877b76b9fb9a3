"""How often a machine hears of something else, whoever commands."""

from custom_components.compute_heater.control.building import (
    BuildingRequest,
    SiteRequest,
)
from custom_components.compute_heater.gateway.guard import BURST
from custom_components.compute_heater.gateway.pace import Pace

BURSTS = int(BURST)


def asked(number: int, **more: BuildingRequest) -> SiteRequest:
    return SiteRequest(heaters={"rack": BuildingRequest(power_w=number), **more})


def test_changes_come_in_bursts_and_then_once_a_second() -> None:
    pace = Pace()
    for number in range(BURSTS):
        assert pace.take(asked(number), 100.0) == (asked(number), None)
    for number in range(BURSTS, 100):
        assert pace.take(asked(number), 100.5) == (asked(BURSTS - 1), 0.5)
    # The newest is not lost.
    assert pace.take(asked(99), 101.0) == (asked(99), None)
    assert pace.take(asked(100), 101.0) == (asked(99), 1.0)
    # What was asked for before is no change.
    assert pace.take(asked(99), 101.0) == (asked(99), None)


def test_other_parts_do_not_wait() -> None:
    pace = Pace()
    for number in range(BURSTS):
        pace.take(asked(number), 0.0)
    other = BuildingRequest(allowed=False)
    assert pace.take(asked(99, other=other), 0.0) == (
        asked(BURSTS - 1, other=other),
        1.0,
    )
    heat = SiteRequest(heat_w=0.0, heaters=asked(99, other=other).heaters)
    request, _ = pace.take(heat, 0.0)
    assert request is not None and request.heat_w == 0.0


def test_what_is_taken_back() -> None:
    pace = Pace()
    assert pace.take(None, 0.0) == (None, None)
    pace.take(SiteRequest(heat_w=500.0), 0.0)
    assert pace.take(None, 0.0) == (None, None)
    for number in range(BURSTS):
        pace.take(asked(number), 0.0)
    assert pace.take(None, 0.0) == (asked(BURSTS - 1), 1.0)
    assert pace.take(None, 1.0) == (None, None)
