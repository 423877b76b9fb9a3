"""Hydraulics under any sequence of demands, faults and foreign hands."""

from dataclasses import replace

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from custom_components.compute_heater.control.hydraulics import PathDemand
from custom_components.compute_heater.control.path import RETRY_S

from .circuit import FLOOR, TANK, Circuit, circuit, wants

demands = st.builds(
    wants,
    st.sampled_from([0.0, 800.0, 3000.0]),
    st.sampled_from([None, 22.0, 45.0, 60.0]),
    accepts=st.booleans(),
)


class Paths(RuleBasedStateMachine):
    """A three-way valve between tank and floor, and one pump."""

    plant: Circuit

    @initialize(by_delta=st.booleans())
    def begin(self, by_delta: bool) -> None:
        """Choose how the flow is seen."""
        self.sensor = not by_delta
        self.settings = [replace(p, has_flow_sensor=self.sensor) for p in (TANK, FLOOR)]
        self.plant = circuit(*self.settings)
        self.seen = self.plant.readings()
        self.in_place: dict[str, float] = {}
        self.ready_before: frozenset[str] = frozenset()
        self.decision = self.plant.step(0)

    @rule(tank=demands, floor=demands)
    def demand(self, tank: PathDemand, floor: PathDemand) -> None:
        """Sinks change their minds."""
        self.plant.demands = {"tank": tank, "floor": floor}

    @rule(
        blocked=st.booleans(),
        known=st.booleans(),
        stuck=st.booleans(),
        delta=st.sampled_from([None, 0.1, 5.0, 40.0]),
    )
    def fault(
        self, blocked: bool, known: bool, stuck: bool, delta: float | None
    ) -> None:
        """Things break and heal."""
        self.plant.blocked, self.plant.stuck = blocked, stuck
        self.plant.flow_known, self.plant.delta_k = known, delta

    @rule(heat=st.sampled_from([None, 0.0, 50.0, 2500.0]))
    def heat(self, heat: float | None) -> None:
        """Heaters give more or less."""
        self.plant.heat_w = heat

    @rule(supply=st.sampled_from([None, 30.0, 48.0, 58.0]), by_hand=st.booleans())
    def heater(self, supply: float | None, by_hand: bool) -> None:
        """Change the heaters' temperature and mode."""
        self.plant.supply_c, self.plant.by_hand = supply, by_hand

    @rule(valve=st.none() | st.booleans(), pump=st.none() | st.booleans())
    def foreign_hand(self, valve: bool | None, pump: bool | None) -> None:
        """Somebody else moves the actuators, or their links go silent."""
        self.plant.valves["valve"] = valve
        self.plant.pumps["pump"] = pump

    @rule(after=st.sampled_from([0.0, 1.0, 5.0, 30.0]), count=st.integers(1, 12))
    def time(self, after: float, count: int) -> None:
        """Time passes."""
        for _ in range(count):
            self.step(after)

    @rule()
    def reload(self) -> None:
        """Replace the controller by another with its memory."""
        old = self.plant.controller
        fresh = circuit(*self.settings).controller
        fresh.restore(old.memory)
        assert fresh.memory == old.memory
        self.plant.controller = fresh

    @rule()
    def heals(self) -> None:
        """With all faults gone, whoever wants heat gets it."""
        plant = self.plant
        plant.blocked = plant.stuck = plant.by_hand = False
        plant.flow_known, plant.delta_k = True, 5.0
        plant.demands = {"tank": wants(2000), "floor": wants(1000)}
        for _ in range(int((RETRY_S + 120) / 5)):
            self.step(5.0)
        assert self.decision.ready == {"tank"}
        assert self.decision.reason is None

    def step(self, after: float) -> None:
        """Step the plant; note since when the valve is seen in position."""
        self.seen = self.plant.readings()
        for path in self.settings:
            assert path.valve_id is not None
            if self.seen.valves[path.valve_id] is path.valve_open:
                self.in_place.setdefault(path.sink_id, self.plant.now + after)
            else:
                self.in_place.pop(path.sink_id, None)
        self.ready_before = self.decision.ready
        self.decision = self.plant.step(after)

    @invariant()
    def no_heat_without_flow(self) -> None:
        """Ready means: the sink accepts, and no reading speaks against flow."""
        decision = self.decision
        for _ in decision.ready:
            assert self.seen.pumps["pump"] is not False
            if self.seen.flow_lpm is not None:
                assert self.seen.flow_lpm > 0.5
            elif not self.sensor:
                assert self.seen.delta_k is None or self.seen.delta_k <= 30

    @invariant()
    def heat_begins_only_through_an_open_valve(self) -> None:
        """Allow heat after the valve's travel, or by taking over a flow."""
        decision = self.decision
        if not decision.ready or self.ready_before:
            return
        (sink,) = decision.ready
        assert self.plant.now - self.in_place[sink] >= 20

    @invariant()
    def at_most_one_side_of_the_valve(self) -> None:
        """Serve one sink at a time."""
        decision = self.decision
        assert len(decision.active) <= 1
        assert decision.ready <= decision.active
        assert set(decision.pumps) == {"pump"}

    @invariant()
    def every_wait_is_explained(self) -> None:
        """Whoever wants heat and gets none is told why."""
        assert self.decision.ready or self.decision.reason is not None


TestPaths = Paths.TestCase
TestPaths.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
