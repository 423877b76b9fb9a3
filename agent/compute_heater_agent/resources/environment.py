"""Measured power and the power cap: EnvironmentMetrics and the matching Control."""

from typing import Any

from ..heater import Heater
from ..machine import ControlMode
from ..messages import Json
from ..patching import Writable, check_patch, number_between, one_of
from ..resource import Resource, collection, entity, link, number
from .health import RACK
from .sensors import excerpt

METRICS = f"{RACK}/EnvironmentMetrics"
CONTROLS = f"{RACK}/Controls"
POWER_LIMIT = f"{CONTROLS}/PowerLimit"


def resources(heater: Heater) -> dict[str, Resource]:
    """Both ways to the cap show and change the same state."""
    machine = heater.machine
    power_range = machine.power_range

    def check_watts(value: Any, name: str, pointer: str) -> Json | None:
        """Accept what can be held now: the range moves while modules are switched."""
        in_range = number_between(machine.floor_w, power_range.max_w)
        return in_range(value, name, pointer)

    cap: Writable = {
        "SetPoint": check_watts,
        "ControlMode": one_of(list(ControlMode)),
    }

    def set_cap(body: Json) -> None:
        mode = body.get("ControlMode")
        machine.set_cap(
            set_point_w=body.get("SetPoint"),
            control_mode=None if mode is None else ControlMode(mode),
        )

    def cap_values() -> Json:
        return {
            "SetPoint": number(machine.set_point_w),
            "AllowableMin": number(machine.floor_w),
            "AllowableMax": number(power_range.max_w),
            "DefaultSetPoint": number(power_range.fallback_w),
            "ControlMode": machine.control_mode,
        }

    def show_metrics() -> Json:
        remark = machine.description.power_remark
        rest: Json = {} if remark is None else {"Description": remark}
        if machine.has_temperature:
            rest["TemperatureCelsius"] = excerpt(machine, "Coolant")
        return entity(
            METRICS,
            "EnvironmentMetrics",
            "EnvironmentMetrics",
            "Power, heat and power limit of the rack",
            PowerWatts=excerpt(machine, "Power"),
            EnergykWh={
                **excerpt(machine, "Energy"),
                "LifetimeReading": excerpt(machine, "Energy")["Reading"],
            },
            **rest,
            PowerLoadPercent=excerpt(machine, "Load"),
            PowerLimitWatts={**cap_values(), "DataSourceUri": POWER_LIMIT},
        )

    def patch_metrics(body: Json) -> None:
        check_patch(body, {"PowerLimitWatts": cap}, show_metrics())
        set_cap(body["PowerLimitWatts"])

    def show_control() -> Json:
        return entity(
            POWER_LIMIT,
            "Control",
            "PowerLimit",
            "Power limit of the rack",
            ControlType="Power",
            SetPointType="Single",
            SetPointUnits="W",
            **cap_values(),
            **{"ControlMode@Redfish.AllowableValues": list(ControlMode)},
            PhysicalContext="Chassis",
            Implementation="Programmable",
            Status={"State": "Enabled", "Health": "OK"},
            Sensor=excerpt(machine, "Power"),
            RelatedItem=[link(RACK)],
        )

    def patch_control(body: Json) -> None:
        check_patch(body, cap, show_control())
        set_cap(body)

    return {
        METRICS: Resource(get=show_metrics, patch=patch_metrics),
        CONTROLS: Resource(
            get=lambda: collection(
                CONTROLS, "ControlCollection", "Controls", ["PowerLimit"]
            )
        ),
        POWER_LIMIT: Resource(get=show_control, patch=patch_control),
    }
