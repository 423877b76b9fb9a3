"""Random problems for planners: odd, but such as a site might meet."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from custom_components.compute_heater.control.plan import (
    Block,
    PlanBackup,
    PlanFloor,
    PlanHeater,
    PlanProblem,
    PlanTank,
)

START = datetime(2026, 1, 15, 5, 40, tzinfo=UTC)


def _each[T](
    steps: int, values: st.SearchStrategy[T]
) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(values, min_size=steps, max_size=steps).map(tuple)


@st.composite
def heaters(draw: st.DrawFn, steps: int, heater_id: str) -> PlanHeater:
    """Return a heater with levels or any power, that works or idles now."""
    idle = draw(st.sampled_from((0.0, 0.06, 0.3)))
    levels = draw(st.sampled_from(((1.0,), (0.5, 2.0), (1.5, 3.0, 4.5))))
    return PlanHeater(
        heater_id=heater_id,
        idle_kw=idle,
        levels_kw=levels,
        any_power=draw(st.booleans()),
        efficiency=draw(st.sampled_from((0.6, 0.95, 1.0))),
        power_kw=draw(st.sampled_from((idle, levels[0], levels[-1], 0.9 * levels[-1]))),
        in_mode_h=draw(st.sampled_from((None, 0.0, 0.3, 5.0))),
        min_on_h=draw(st.sampled_from((0.0, 0.5, 2.0))),
        min_off_h=draw(st.sampled_from((0.0, 0.5, 2.0))),
        start_cost=draw(st.sampled_from((0.0, 0.05))),
        change_cost=draw(st.sampled_from((0.0, 0.01))),
        ceiling_kw=draw(
            st.none() | _each(steps, st.sampled_from((0.0, 0.7, 2.0, 10.0)))
        ),
        income_per_kwh=draw(
            st.just(()) | _each(steps, st.floats(0, 0.5).map(lambda x: round(x, 3)))
        ),
        blocks=draw(
            st.lists(
                st.builds(
                    lambda start, length, hours, value: Block(
                        start=START + timedelta(hours=start),
                        end=START + timedelta(hours=start + length),
                        hours=hours,
                        value_per_kwh=value,
                    ),
                    st.floats(-3, 6).map(lambda x: round(x, 2)),
                    st.sampled_from((0.3, 2.0, 8.0)),
                    st.sampled_from((0.5, 2.0)),
                    st.sampled_from((0.1, 0.45)),
                ),
                max_size=2,
            ).map(tuple)
        ),
        coolant_max_c=60.0,
        exchanger_kw_per_k=draw(st.sampled_from((None, 0.05, 0.6))),
        fixed=draw(st.sampled_from((False, False, False, True))),
    )


@st.composite
def tanks(draw: st.DrawFn, steps: int) -> PlanTank:
    """Return a tank that may be too cold or too hot, with any draw."""
    minimum = draw(st.sampled_from((20.0, 47.0, 62.0)))
    return PlanTank(
        sink_id="tank",
        temperature_c=draw(st.sampled_from((12.0, 46.0, 52.0, 66.0))),
        capacity_kwh_per_k=draw(st.sampled_from((0.06, 0.35, 2.0))),
        loss_kw_per_k=draw(st.sampled_from((0.0, 0.002, 0.02))),
        ambient_c=18.0,
        max_heat_kw=draw(st.sampled_from((0.0, 2.0, 6.0))),
        minimum_c=(minimum,) * steps,
        maximum_c=draw(_each(steps, st.sampled_from((57.0, 65.0)))),
        draw_kwh=draw(_each(steps, st.sampled_from((0.0, 0.0, 0.4, 3.0, 30.0)))),
    )


@st.composite
def floors(draw: st.DrawFn, steps: int) -> PlanFloor:
    """Return a floor heating in any season."""
    outdoor = draw(st.sampled_from((-15.0, 5.0, 28.0)))
    return PlanFloor(
        sink_id="floor",
        room_c=draw(st.sampled_from((16.0, 20.5, 26.0))),
        slab_c=draw(st.sampled_from((19.0, 25.0, 37.0))),
        room_kwh_per_k=7.0,
        slab_kwh_per_k=4.0,
        slab_room_kw_per_k=1.0,
        envelope_kw_per_k=0.15,
        max_heat_kw=draw(st.sampled_from((0.0, 3.0, 6.0))),
        outdoor_c=(outdoor,) * steps,
        gain_kw=draw(_each(steps, st.sampled_from((0.0, 0.4, 3.0)))),
        minimum_c=(20.0,) * steps,
        maximum_c=(23.5,) * steps,
    )


@st.composite
def problems(draw: st.DrawFn) -> PlanProblem:
    """Return a site with up to two heaters, two consumers and two backups."""
    hours = draw(
        st.sampled_from(((1.0,), (0.25,) * 6, (0.1, 0.25, 0.25, 0.25, 1.0, 1.0, 1.0)))
    )
    steps = len(hours)
    sinks: list[PlanTank | PlanFloor] = []
    if draw(st.booleans()):
        sinks.append(draw(tanks(steps)))
    if draw(st.booleans()):
        sinks.append(draw(floors(steps)))
    backups = [
        PlanBackup(
            backup_id=f"backup{index}",
            sinks=draw(st.sampled_from((("tank",), ("tank", "floor")))),
            max_heat_kw=draw(st.sampled_from((0.0, 2.0, 8.0))),
            per_kwh=(fuel,) * steps,
            electricity_per_heat=(share,) * steps,
        )
        for index, (fuel, share) in enumerate(
            draw(
                st.lists(
                    st.sampled_from(((0.1, 0.0), (0.0, 0.3), (0.0, 1.0))), max_size=2
                )
            )
        )
    ]
    return PlanProblem(
        start=START,
        hours=hours,
        heaters=tuple(
            draw(heaters(steps, f"heater{index}"))
            for index in range(draw(st.integers(0, 2)))
        ),
        sinks=tuple(sinks),
        backups=tuple(backups),
        price=draw(_each(steps, st.sampled_from((-0.2, 0.0, 0.1, 0.35)))),
        feed_in=(draw(st.sampled_from((0.0, 0.08))),) * steps,
        surplus_kw=draw(_each(steps, st.sampled_from((0.0, 0.0, 1.3, 8.0)))),
        grid_limit_kw=draw(
            st.just(()) | _each(steps, st.sampled_from((None, 0.0, 1.6, 4.2)))
        ),
        dump_max_kw=draw(st.sampled_from((0.0, 2.0))),
        dump_per_kwh=draw(st.sampled_from((0.0, 0.05))),
        heat_value_per_kwh=draw(st.sampled_from((None, 0.1, 0.0))),
    )
