"""Valves, pumps and proof of flow, in order and in time."""

from dataclasses import replace
import json

import pytest

from custom_components.compute_heater.control.demand import SinkKind
from custom_components.compute_heater.control.hydraulics import (
    PathController,
    PathSettings,
)
from custom_components.compute_heater.control.reasons import Reason

from .circuit import FLOOR, TANK, Circuit, circuit, wants

NOBODY: frozenset[str] = frozenset()
PASSIVE = PathSettings(sink_id="passive", kind=SinkKind.DHW)
BY_DELTA = replace(TANK, has_flow_sensor=False)


def only(sink: str) -> frozenset[str]:
    """Return a set of one."""
    return frozenset({sink})


def running(*paths: PathSettings) -> Circuit:
    """Return a circuit that gives heat to the first path's sink."""
    plant = circuit(*paths)
    plant.demands = {paths[0].sink_id: wants()}
    decision = plant.run(60)
    assert decision.ready == {paths[0].sink_id}
    plant.heat_w = 2000
    return plant


def test_valve_then_pump_then_flow_then_heat() -> None:
    plant = circuit(TANK, FLOOR)
    plant.demands = {"tank": wants(), "floor": wants(0)}
    opening = plant.step()
    assert opening.valves == {"valve": True}
    assert opening.pumps == {"pump": False}
    assert (opening.ready, opening.active) == (NOBODY, only("tank"))
    assert opening.reason is Reason.PATH_OPENING
    travelling = plant.run(20)
    assert travelling.pumps == {"pump": False}, "20 s after it was seen in position"
    pumping = plant.step()
    assert pumping.pumps == {"pump": True}
    assert not pumping.ready, "flow is not proven yet"
    flowing = plant.step()
    assert (flowing.ready, flowing.reason) == (only("tank"), None)


def test_valve_that_does_not_report_its_position_opens_nothing() -> None:
    for state in (None, False):
        plant = circuit(TANK)
        plant.demands = {"tank": wants()}
        plant.stuck = True
        plant.valves["valve"] = state
        decision = plant.run(600)
        assert (decision.pumps["pump"], decision.ready) == (False, NOBODY)
        assert decision.reason is Reason.PATH_OPENING


def test_passive_path_is_always_ready_while_the_sink_accepts() -> None:
    plant = circuit(PASSIVE)
    plant.demands = {"passive": wants(0)}
    decision = plant.step()
    assert decision.ready == {"passive"}
    assert decision.reason is Reason.NO_DEMAND
    plant.demands = {"passive": wants()}
    assert plant.step().reason is None
    plant.demands = {"passive": wants(0, accepts=False)}
    assert not plant.step().ready
    plant.demands = {}
    assert not plant.step().ready


def test_path_without_valve_begins_with_the_pump() -> None:
    plant = circuit(replace(TANK, valve_id=None))
    plant.demands = {"tank": wants()}
    assert plant.step().pumps == {"pump": True}
    assert plant.step().ready == {"tank"}


def test_valve_without_pump_waits_for_the_flow_of_another_pump() -> None:
    plant = circuit(replace(TANK, pump_id=None))
    plant.flows_lpm = {"tank": 0.0}
    plant.demands = {"tank": wants()}
    assert plant.run(60).reason is Reason.PATH_OPENING
    plant.flows_lpm = {"tank": 4.0}
    assert plant.step().ready == {"tank"}


def test_dhw_goes_first_where_a_valve_serves_one() -> None:
    plant = circuit(FLOOR, TANK)
    plant.demands = {"tank": wants(), "floor": wants()}
    assert plant.run(60).ready == {"tank"}
    assert plant.valves == {"valve": True}


def test_paths_with_their_own_actuators_run_together() -> None:
    plant = circuit(
        replace(TANK, valve_id=None, pump_id="a"),
        replace(FLOOR, valve_id=None, pump_id="b"),
    )
    plant.demands = {"tank": wants(), "floor": wants()}
    assert plant.run(30).ready == {"tank", "floor"}
    plant.demands = {"tank": wants(0), "floor": wants()}
    assert plant.run(300).pumps == {"a": False, "b": True}


def test_flow_that_never_comes_is_tried_again_after_a_pause() -> None:
    plant = circuit(TANK)
    plant.blocked = True
    plant.demands = {"tank": wants()}
    decision = plant.run(100)
    assert decision.reason is Reason.FLOW_NOT_PROVEN
    assert (decision.ready, decision.active) == (NOBODY, NOBODY)
    assert not plant.run(200).pumps["pump"], "not run dry for ever"
    plant.blocked = False
    assert plant.run(200).ready == {"tank"}


def test_unknown_flow_is_no_proof() -> None:
    plant = circuit(TANK)
    plant.flow_known = False
    plant.demands = {"tank": wants()}
    for _ in range(60):
        assert not plant.step().ready
    assert plant.decision is not None
    assert plant.decision.reason is Reason.FLOW_NOT_PROVEN


def test_lost_flow_stops_at_once_and_comes_back_after_the_pause() -> None:
    plant = running(TANK)
    plant.blocked = True
    decision = plant.step()
    assert (decision.ready, decision.reason) == (NOBODY, Reason.FLOW_LOST)
    assert decision.pumps["pump"], "what heat there is shall go"
    plant.blocked = False
    assert not plant.run(290).ready
    assert plant.run(60).ready == {"tank"}


def test_silent_flow_sensor_is_borne_for_the_timeout() -> None:
    plant = running(TANK)
    plant.flow_known = False
    assert plant.run(55).ready == {"tank"}
    decision = plant.run(10)
    assert (decision.ready, decision.reason) == (NOBODY, Reason.FLOW_NOT_PROVEN)


def test_silent_valve_is_borne_for_the_timeout() -> None:
    plant = running(TANK)
    plant.stuck = True
    plant.valves["valve"] = None
    assert plant.run(55).ready == {"tank"}
    assert not plant.run(10).ready


def test_path_goes_on_as_soon_as_a_silent_heater_speaks_again() -> None:
    plant = running(BY_DELTA)
    plant.flow_known, plant.delta_k, plant.heat_w = False, None, None
    assert plant.run(100).reason is Reason.FLOW_NOT_PROVEN
    stored = json.loads(json.dumps(plant.controller.memory))
    plant.controller = PathController([BY_DELTA])
    plant.controller.restore(stored)
    plant.flow_known, plant.delta_k = True, 0.0
    assert plant.run(40).ready == {"tank"}


def test_valve_moved_by_another_hand_is_put_back_before_heat_goes_on() -> None:
    plant = running(TANK)
    plant.valves["valve"] = False
    decision = plant.step()
    assert (decision.ready, decision.valves) == (NOBODY, {"valve": True})
    assert decision.reason is Reason.PATH_OPENING
    assert plant.run(60).ready == {"tank"}


def test_pump_stopped_by_another_hand_is_started_again() -> None:
    plant = running(TANK)
    plant.pumps["pump"] = False
    decision = plant.step()
    assert (decision.ready, decision.pumps) == (NOBODY, {"pump": True})
    assert plant.run(10).ready == {"tank"}


def test_temperature_difference_proves_flow_where_there_is_no_sensor() -> None:
    plant = circuit(BY_DELTA)
    plant.flow_known = False
    plant.delta_k = 0.2
    plant.demands = {"tank": wants()}
    plant.run(30)
    assert plant.step().ready == {"tank"}, "heat must come before it makes a difference"
    plant.delta_k = 3.0
    plant.step()
    plant.delta_k = 0.4
    assert plant.run(600).ready == {"tank"}, "proven; little heat makes little"


def test_flow_that_is_known_counts_without_a_sensor_of_the_sink() -> None:
    plant = circuit(BY_DELTA)
    plant.delta_k = 0.2
    plant.flow_known = True
    plant.demands = {"tank": wants()}
    assert plant.run(600).ready == {"tank"}
    plant.blocked = True
    assert plant.step().reason is Reason.FLOW_LOST


def test_flow_of_one_sink_does_not_prove_that_of_another() -> None:
    plant = circuit(
        replace(TANK, valve_id=None, pump_id="a"),
        replace(FLOOR, valve_id=None, pump_id="b"),
    )
    plant.flows_lpm = {"tank": 0.0, "floor": 8.0}
    plant.demands = {"tank": wants(), "floor": wants()}
    assert plant.run(100).ready == {"floor"}


@pytest.mark.parametrize("delta", [0.2, 35.0, None])
def test_no_plausible_difference_within_the_timeout_is_no_flow(
    delta: float | None,
) -> None:
    plant = circuit(BY_DELTA)
    plant.flow_known = False
    plant.delta_k = delta
    plant.demands = {"tank": wants()}
    decision = plant.run(100)
    assert (decision.ready, decision.reason) == (NOBODY, Reason.FLOW_NOT_PROVEN)


def test_standing_water_shows_in_the_difference() -> None:
    plant = running(BY_DELTA)
    plant.flow_known = False
    plant.step()
    plant.delta_k = 35.0
    assert plant.step().reason is Reason.FLOW_LOST


def test_overrun_carries_the_heat_off_and_stays_ready_meanwhile() -> None:
    plant = running(TANK)
    plant.demands = {"tank": wants(0)}
    assert plant.step().ready == {"tank"}
    decision = plant.run(600)
    assert decision.pumps["pump"], "as long as there is heat"
    assert decision.ready == {"tank"}, "a heater in its minimum time still gives heat"
    assert decision.reason is Reason.COOLING_DOWN
    plant.heat_w = 80
    assert plant.run(115).pumps["pump"]
    decision = plant.run(10)
    assert not decision.pumps["pump"]
    assert (decision.ready, decision.reason) == (NOBODY, Reason.NO_DEMAND)
    assert plant.valves["valve"] is True, "stays where it is"


def test_overrun_ends_when_nobody_knows_of_heat_for_long() -> None:
    plant = running(TANK)
    plant.heat_w = None
    plant.demands = {"tank": wants(0)}
    assert plant.run(900).pumps["pump"], "unknown is not nought"
    assert not plant.run(300).pumps["pump"]


def test_overrun_ends_at_the_limit_of_the_sink() -> None:
    plant = running(TANK)
    plant.demands = {"tank": wants(0, accepts=False)}
    decision = plant.step()
    assert (decision.pumps["pump"], decision.ready) == (False, NOBODY)


def test_demand_during_the_overrun_goes_on_without_a_break() -> None:
    plant = running(TANK)
    plant.demands = {"tank": wants(0)}
    plant.run(30)
    plant.demands = {"tank": wants()}
    assert plant.step().ready == {"tank"}


def test_from_tank_to_floor_the_pump_and_the_heat_go_on() -> None:
    plant = running(TANK, FLOOR)
    plant.demands = {"tank": wants(0), "floor": wants()}
    for _ in range(30):
        decision = plant.step()
        assert decision.pumps == {"pump": True}
        assert decision.ready == {"floor"}
        assert decision.active == {"floor"}
    assert plant.valves == {"valve": False}


def test_from_floor_to_tank_the_pump_and_the_heat_go_on() -> None:
    plant = running(FLOOR, TANK)
    plant.demands = {"tank": wants(), "floor": wants()}
    for _ in range(30):
        assert plant.step().ready == {"tank"}
    assert plant.valves == {"valve": True}


@pytest.mark.parametrize("fault", ["old sink full", "flow lost", "valve stuck"])
def test_no_handing_over_of_flow_that_is_not_good(fault: str) -> None:
    plant = running(TANK, FLOOR)
    full = fault == "old sink full"
    plant.demands = {"tank": wants(0, accepts=not full), "floor": wants()}
    plant.blocked = fault == "flow lost"
    plant.stuck = fault == "valve stuck"
    decision = plant.run(90 if plant.stuck else 5)
    assert not decision.ready
    assert decision.reason is Reason.PATH_OPENING


def test_floor_gets_its_turn_while_the_tanks_path_pauses() -> None:
    plant = circuit(replace(TANK, pump_id="a"), replace(FLOOR, pump_id="b"))
    plant.demands = {"tank": wants(), "floor": wants()}
    plant.run(40)
    plant.pumps["a"] = None
    for _ in range(40):
        plant.pumps["a"] = False  # the tank's pump does not start
        decision = plant.step()
    assert decision.ready == {"floor"}
    assert decision.reason is Reason.FLOW_NOT_PROVEN, "still shown"


def test_by_hand_opens_a_path_though_nobody_wants_heat() -> None:
    plant = circuit(TANK, FLOOR)
    plant.demands = {"tank": wants(0), "floor": wants(0)}
    plant.by_hand = True
    decision = plant.run(60)
    assert (decision.ready, decision.reason) == (only("tank"), None)
    plant.demands["tank"] = wants(0, accepts=False)
    assert plant.run(60).ready == {"floor"}
    plant.demands["floor"] = wants(0, accepts=False)
    decision = plant.step()
    assert (decision.ready, decision.reason) == (NOBODY, Reason.NO_SINK)


def test_by_hand_prefers_the_sink_that_wants_heat() -> None:
    plant = circuit(TANK, FLOOR)
    plant.demands = {"tank": wants(0), "floor": wants()}
    plant.by_hand = True
    assert plant.run(60).ready == {"floor"}


def test_by_hand_needs_no_path_where_a_passive_one_takes_the_heat() -> None:
    plant = circuit(PASSIVE, FLOOR)
    plant.demands = {"passive": wants(0), "floor": wants(0)}
    plant.by_hand = True
    decision = plant.run(60)
    assert (decision.ready, decision.reason) == (only("passive"), None)
    assert decision.pumps == {"pump": False}


def test_residual_heat_goes_to_a_colder_sink() -> None:
    plant = circuit(TANK, FLOOR)
    plant.demands = {"tank": wants(0, 48), "floor": wants(0, 22)}
    plant.supply_c = 51.5
    decision = plant.run(60)
    assert decision.pumps == {"pump": True}
    assert decision.active == {"tank"}
    assert decision.reason is Reason.RESIDUAL_HEAT
    plant.supply_c = 49.5
    assert plant.run(60).reason is Reason.RESIDUAL_HEAT, "down to 45 °C …"
    plant.supply_c = 48.5
    assert plant.step().reason is Reason.COOLING_DOWN, "… or the tank's temperature"
    assert plant.run(200).pumps == {"pump": False}


def test_residual_heat_ends_with_a_cool_supply() -> None:
    plant = circuit(TANK)
    plant.demands = {"tank": wants(0, 20)}
    plant.supply_c = 51
    plant.run(60)
    plant.supply_c = 45.5
    assert plant.run(60).reason is Reason.RESIDUAL_HEAT
    plant.supply_c = 45
    assert plant.step().reason is Reason.COOLING_DOWN


def test_residual_heat_passes_a_sink_that_is_warm_full_or_unknown() -> None:
    for tank in (wants(0, 56), wants(0, 40, accepts=False), wants(0, None)):
        plant = circuit(TANK, FLOOR)
        plant.demands = {"tank": tank, "floor": wants(0, 22)}
        plant.supply_c = 58
        assert plant.run(60).active == {"floor"}


def test_no_residual_heat_where_the_supply_is_cool_or_unknown() -> None:
    plant = circuit(TANK)
    plant.demands = {"tank": wants(0, 20)}
    for supply in (50.0, None):
        plant.supply_c = supply
        decision = plant.run(60)
        assert (decision.pumps["pump"], decision.reason) == (False, Reason.NO_DEMAND)


def test_demand_replaces_residual_heat() -> None:
    plant = circuit(TANK, FLOOR)
    plant.demands = {"tank": wants(0, 45), "floor": wants(0, 22)}
    plant.supply_c = 55
    plant.run(60)
    plant.demands["floor"] = wants()
    decision = plant.step()
    assert decision.active == {"floor"}
    assert decision.ready == {"floor"}, "the flow is handed over"


def test_memory_hands_a_running_path_over() -> None:
    before = running(TANK, FLOOR)
    stored = json.loads(json.dumps(before.controller.memory))
    after = PathController([FLOOR, replace(FLOOR, sink_id="new"), TANK])
    after.restore(stored)
    decision = after.evaluate({"tank": wants()}, before.readings(), 7.0)
    assert (decision.ready, decision.pumps) == (only("tank"), {"pump": True})


def test_memory_of_a_pause_and_of_an_overrun_goes_on() -> None:
    lost = running(TANK)
    lost.blocked = True
    lost.run(100)
    lost.blocked = False
    again = circuit(TANK)
    again.controller.restore(json.loads(json.dumps(lost.controller.memory)))
    again.demands = {"tank": wants()}
    assert again.run(190).reason is Reason.FLOW_LOST
    assert again.run(60).ready == {"tank"}


@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"paths": [1]},
        {"paths": {"tank": {"phase": "flying"}}, "residual": 5},
        {"paths": {"tank": {"phase": "running", "phase_s": "x", "valve_s": None}}},
        {"paths": {"gone": {"phase": "running"}}, "residual": "gone"},
    ],
)
def test_broken_memory_does_no_harm(memory: dict[str, object]) -> None:
    plant = circuit(TANK)
    plant.controller.restore(memory)
    assert not plant.step().ready
    plant.demands = {"tank": wants()}
    assert plant.run(60).ready == {"tank"}
