"""Who gets the planned heat at this moment."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from custom_components.compute_heater.control.plan import Plan, PlanStep
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.tracking import SWITCH_KWH, PlanTracker

START = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = ("tank", "floor")


def plan(tank_w: float, floor_w: float) -> Plan:
    step = PlanStep(
        start=START,
        hours=24,
        power_w={"rack": tank_w + floor_w},
        heat_w={"tank": tank_w, "floor": floor_w},
        temperature_c={},
        price=0.3,
        cost=0,
        reason=Reason.PLAN_CHEAP,
    )
    return Plan(made_at=START, steps=(step,), objective=0)


def follow(
    tracker: PlanTracker, made: Plan, hours: float, *, share: float = 1.0
) -> list[str]:
    """Return who is served in each minute, where all heat arrives but for a share."""
    served: list[str] = []
    delivered: dict[str, float] = {}
    for minute in range(round(60 * hours)):
        wanted = tracker.wanted_w(
            made,
            START + timedelta(minutes=minute),
            60.0 * minute,
            accepting=BOTH,
            exclusive=BOTH,
            delivered_w=delivered,
        )
        assert wanted is not None
        (sink,) = (each for each, watts in wanted.items() if watts > 0)
        served.append(sink)
        part = share if sink == "tank" else 1.0
        delivered = {sink: part * wanted[sink]}
    return served


def test_each_gets_its_share_in_large_pieces() -> None:
    served = follow(PlanTracker(), plan(1000, 3000), 23)
    assert 0.2 < served.count("tank") / len(served) < 0.3
    turns = sum(a != b for a, b in pairwise(served))
    assert 2 <= turns < 2 * 23 * 4 / SWITCH_KWH


def test_who_takes_less_than_planned_does_not_keep_others_waiting() -> None:
    served = follow(PlanTracker(), plan(3000, 1000), 23, share=0.2)
    assert served.count("floor") > 60 * 23 / 10


def test_without_a_rival_everybody_gets_what_was_planned() -> None:
    tracker = PlanTracker()
    made = plan(1000, 2000)
    now = {"accepting": BOTH, "exclusive": (), "delivered_w": {}}
    assert tracker.wanted_w(made, START, 0.0, **now) == {"tank": 1000, "floor": 2000}
    now |= {"accepting": ("floor",)}
    assert tracker.wanted_w(made, START, 1.0, **now) == {"floor": 2000}
    after = START + timedelta(hours=25)
    assert tracker.wanted_w(made, after, 2.0, **now) is None


def test_who_is_left_also_gets_what_the_other_does_not_take() -> None:
    """Else the heater would change its level, or stop, with every turn of the valve."""
    tracker = PlanTracker()
    now = {"exclusive": BOTH, "delivered_w": {}}
    wanted = tracker.wanted_w(plan(1000, 2000), START, 0.0, accepting=("floor",), **now)
    assert wanted == {"floor": 3000}
    # Though nothing was planned for it.
    wanted = tracker.wanted_w(plan(1000, 0), START, 1.0, accepting=("floor",), **now)
    assert wanted == {"floor": 1000}
    wanted = tracker.wanted_w(plan(1000, 0), START, 2.0, accepting=(), **now)
    assert wanted == {}
