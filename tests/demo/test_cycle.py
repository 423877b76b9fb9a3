"""Both edges of a draw-off, in their order."""

from simulator.demo.scenario import Cycle


def _follow(cycle: Cycle, *steps: tuple[float, float]) -> None:
    for second, (demand_kw, power_w) in enumerate(steps):
        cycle.follow(second, demand_kw, power_w, 3000)


def test_whole_cycle() -> None:
    cycle = Cycle(0)
    _follow(
        cycle, (0, 300), (3, 300), (3, 1500), (3, 2900), (3, 3000), (0, 3000), (0, 400)
    )
    assert cycle == Cycle(0, 1, 3, 5, 6)
    assert cycle.is_complete


def test_power_without_demand_is_no_edge() -> None:
    cycle = Cycle(0)
    _follow(cycle, (0, 3000), (0, 300), (0, 3000))
    assert cycle == Cycle(0)


def test_power_falls_while_heat_is_still_wanted() -> None:
    cycle = Cycle(0)
    _follow(cycle, (3, 300), (3, 3000), (3, 300))
    assert not cycle.is_complete
