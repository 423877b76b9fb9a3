"""EnergyPlus in its own environment: heat in, temperatures out, a line of JSON per step.

Imports nothing of ours. The first request names ``model`` and ``weather`` (files), a
``folder`` for the output, ``month`` and ``day`` of the start and ``days``. Every request
holds ``heat_w``, which goes into the floors during the next step; the answer holds what
the house is like after it, and ``done`` when the run is over.

The model is sinergym's radiant residential building. Its boiler loop is taken out: the
same layer of the same floors gets the heat that the parent says, by EnergyPlus's own
electric floor heating.
"""

from importlib import import_module
import json
import os
from pathlib import Path
import sys
from typing import Any

VERSION = "25.2"
STEPS_PER_HOUR = 12
RADIANT = "ZoneHVAC:LowTemperatureRadiant:VariableFlow"
ELECTRIC = "ZoneHVAC:LowTemperatureRadiant:Electric"
MOST_W = 20000.0
RANGE_K = 100.0
"""So wide that a change of the room within a step does not matter."""
WARM_UP_C, WARM_UP_W_PER_K = 21.5, 6000.0
BALANCE_PER_K = 1.0
"""How much more of the heat a circuit gets per K that its room is too cold."""
BOILER_LOOP = (
    "AvailabilityManager:Scheduled",
    "AvailabilityManagerAssignmentList",
    "Boiler:HotWater",
    "Branch",
    "BranchList",
    "Connector:Mixer",
    "Connector:Splitter",
    "ConnectorList",
    "Pipe:Adiabatic",
    "PlantEquipmentList",
    "PlantEquipmentOperation:HeatingLoad",
    "PlantEquipmentOperationSchemes",
    "PlantLoop",
    "Pump:VariableSpeed",
    "SetpointManager:Scheduled",
    "NodeList",
    "Sizing:Plant",
    "Curve:Biquadratic",
    "Curve:Cubic",
    RADIANT,
    f"{RADIANT}:Design",
)


def model_of(request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the model, and the schedule that steers each zone with heated floor."""
    model = json.loads(Path(request["model"]).read_text("utf-8"))
    circuits = model[RADIANT]
    for part in BOILER_LOOP:
        model.pop(part, None)
    for name in [name for name in model if name.startswith("Output")]:
        del model[name]
    model["Version"] = {"Version 1": {"version_identifier": VERSION}}
    period = next(iter(model["RunPeriod"].values()))
    first = request["day"]
    period |= {
        "begin_month": request["month"],
        "begin_day_of_month": first,
        "end_month": request["month"],
        "end_day_of_month": first + request["days"] - 1,
        "begin_year": 2023,
        "end_year": 2023,
    }
    period.pop("day_of_week_for_start_day", None)
    model["Timestep"] = {"Timestep 1": {"number_of_timesteps_per_hour": STEPS_PER_HOUR}}
    control = next(iter(model["SimulationControl"].values()))
    control["do_plant_sizing_calculation"] = "No"
    schedules, electric = {}, {}
    for name, circuit in circuits.items():
        zone = circuit["zone_name"]
        schedules[zone] = f"{zone} floor"
        model["Schedule:Constant"] = model.get("Schedule:Constant", {}) | {
            schedules[zone]: {
                "schedule_type_limits_name": "Any Number",
                "hourly_value": 0.0,
            }
        }
        electric[name] = {
            "availability_schedule_name": "On 24/7",
            "zone_name": zone,
            "surface_name_or_radiant_surface_group_name": circuit[
                "surface_name_or_radiant_surface_group_name"
            ],
            "heating_design_capacity_method": "HeatingDesignCapacity",
            "heating_design_capacity": MOST_W,
            "temperature_control_type": "MeanAirTemperature",
            "setpoint_control_type": "ZeroFlowPower",
            "heating_throttling_range": RANGE_K,
            "heating_setpoint_temperature_schedule_name": schedules[zone],
        }
    model[ELECTRIC] = electric
    for equipment in model["ZoneHVAC:EquipmentList"].values():
        for unit in equipment["equipment"]:
            if unit["zone_equipment_object_type"] == RADIANT:
                unit["zone_equipment_object_type"] = ELECTRIC
            # The model's own schedules switch heating off in summer.
            for turn in ("cooling", "heating"):
                unit.pop(f"zone_equipment_sequential_{turn}_fraction_schedule_name", 0)
    return model, schedules


class House:
    """Talks to EnergyPlus while it runs."""

    def __init__(self, api: Any, state: Any, model: Any, zones: dict[str, str]) -> None:
        self._api, self._state = api, state
        self._zones = zones
        self._areas = {zone: model["Zone"][zone]["floor_area"] for zone in zones}
        self._floors: dict[str, list[str]] = {}
        groups = model["ZoneHVAC:LowTemperatureRadiant:SurfaceGroup"]
        for circuit in model[ELECTRIC].values():
            group = groups[circuit["surface_name_or_radiant_surface_group_name"]]
            self._floors[circuit["zone_name"]] = [
                each["surface_name"] for each in group["surface_fractions"]
            ]
        self._handles: dict[tuple[str, str], int] = {}
        self._circuits = {
            circuit["zone_name"]: name for name, circuit in model[ELECTRIC].items()
        }
        self._heat_w = 0.0
        self.answered = False
        exchange = api.exchange
        for zone in zones:
            exchange.request_variable(state, "Zone Mean Air Temperature", zone)
            exchange.request_variable(
                state, "Zone Radiant HVAC Heating Rate", self._circuits[zone]
            )
            for floor in self._floors[zone]:
                exchange.request_variable(
                    state, "Surface Internal Source Location Temperature", floor
                )
        exchange.request_variable(
            state, "Site Outdoor Air Drybulb Temperature", "Environment"
        )

    def begin(self, state: Any) -> None:
        """Put the heat of this step into the floors."""
        exchange = self._api.exchange
        if not exchange.api_data_fully_ready(state):
            return
        rooms = {
            zone: self._value("Zone Mean Air Temperature", zone) for zone in self._zones
        }
        mean_c = self._mean(rooms)
        if exchange.warmup_flag(state) or exchange.kind_of_sim(state) != 3:
            heat_w = max(0.0, min(8000.0, WARM_UP_W_PER_K * (WARM_UP_C - mean_c)))
        else:
            heat_w = self._heat_w
        weights = {
            zone: area * min(2.5, max(0.1, 1 + BALANCE_PER_K * (mean_c - rooms[zone])))
            for zone, area in self._areas.items()
        }
        total = sum(weights.values())
        for zone, schedule in self._zones.items():
            share = heat_w * weights[zone] / total / MOST_W
            exchange.set_actuator_value(
                state,
                self._actuator(schedule),
                rooms[zone] + RANGE_K * share,
            )

    def end(self, state: Any) -> None:
        """Tell the parent what the house is like, and wait for the next heat."""
        exchange = self._api.exchange
        if not exchange.api_data_fully_ready(state) or exchange.warmup_flag(state):
            return
        if exchange.kind_of_sim(state) != 3:
            return
        rooms = {
            zone: self._value("Zone Mean Air Temperature", zone) for zone in self._zones
        }
        floors = {
            zone: sum(
                self._value("Surface Internal Source Location Temperature", floor)
                for floor in self._floors[zone]
            )
            / len(self._floors[zone])
            for zone in self._zones
        }
        given_w = sum(
            self._value("Zone Radiant HVAC Heating Rate", self._circuits[zone])
            for zone in self._zones
        )
        self.tell(
            {
                "room_c": self._mean(rooms),
                "coldest_c": min(rooms.values()),
                "floor_c": self._mean(floors),
                "outdoor_c": self._value(
                    "Site Outdoor Air Drybulb Temperature", "Environment"
                ),
                "given_w": given_w,
            }
        )
        line = sys.stdin.readline()
        if not line:
            os._exit(0)
        self._heat_w = json.loads(line)["heat_w"]

    def tell(self, answer: dict[str, object]) -> None:
        """Answer the parent."""
        print(json.dumps(answer), flush=True)

    def _mean(self, values: dict[str, float]) -> float:
        total = sum(self._areas.values())
        parts = (values[zone] * area for zone, area in self._areas.items())
        return float(sum(parts) / total)

    def _value(self, name: str, key: str) -> float:
        exchange = self._api.exchange
        if (name, key) not in self._handles:
            handle = exchange.get_variable_handle(self._state, name, key)
            if handle < 0:
                raise RuntimeError(f"EnergyPlus has no {name} of {key}")
            self._handles[name, key] = handle
        return float(exchange.get_variable_value(self._state, self._handles[name, key]))

    def _actuator(self, schedule: str) -> int:
        key = ("actuator", schedule)
        if key not in self._handles:
            handle = self._api.exchange.get_actuator_handle(
                self._state, "Schedule:Constant", "Schedule Value", schedule
            )
            if handle < 0:
                raise RuntimeError(f"EnergyPlus has no schedule {schedule}")
            self._handles[key] = handle
        return self._handles[key]


def main() -> None:
    """Run the house that the first line describes."""
    request = json.loads(sys.stdin.readline())
    model, schedules = model_of(request)
    folder = Path(request["folder"])
    file = folder / "model.epJSON"
    file.write_text(json.dumps(model), "utf-8")
    api = import_module("pyenergyplus.api").EnergyPlusAPI()
    state = api.state_manager.new_state()
    api.runtime.set_console_output_status(state, False)
    house = House(api, state, model, schedules)
    api.runtime.callback_begin_zone_timestep_after_init_heat_balance(state, house.begin)
    api.runtime.callback_end_zone_timestep_after_zone_reporting(state, house.end)
    code = api.runtime.run_energyplus(
        state, ["-w", request["weather"], "-d", str(folder), str(file)]
    )
    if code:
        errors = (folder / "eplusout.err").read_text("utf-8").splitlines()
        severe = [line for line in errors if "Severe" in line or "Fatal" in line]
        house.tell({"error": "; ".join(severe[:3]) or f"EnergyPlus ended with {code}"})
    else:
        house.tell({"done": True})


if __name__ == "__main__":
    main()
