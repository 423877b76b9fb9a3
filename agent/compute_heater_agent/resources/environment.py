"""Measured power and the power cap: EnvironmentMetrics and the matching Control."""

from ..heater import Heater
from ..messages import Json
from ..patching import Writable, check_patch, number_between, one_of
from ..resource import Resource, collection, entity, link, number
from ..simulated import ControlMode
from .chassis import RACK
from .sensors import excerpt

METRICS = f"{RACK}/EnvironmentMetrics"
CONTROLS = f"{RACK}/Controls"
POWER_LIMIT = f"{CONTROLS}/PowerLimit"


def resources(heater: Heater) -> dict[str, Resource]:
    """Both ways to the cap show and change the same state."""
    rack = heater.rack
    settings = rack.settings
    cap: Writable = {
        "SetPoint": number_between(settings.floor_w, settings.max_w),
        "ControlMode": one_of(list(ControlMode)),
    }

    def set_cap(body: Json) -> None:
        mode = body.get("ControlMode")
        rack.set_cap(
            set_point_w=body.get("SetPoint"),
            control_mode=None if mode is None else ControlMode(mode),
        )

    def cap_values() -> Json:
        return {
            "SetPoint": number(rack.set_point_w),
            "AllowableMin": number(settings.floor_w),
            "AllowableMax": number(settings.max_w),
            "DefaultSetPoint": number(settings.fallback_w),
            "ControlMode": rack.control_mode,
        }

    def show_metrics() -> Json:
        return entity(
            METRICS,
            "EnvironmentMetrics",
            "EnvironmentMetrics",
            "Power, heat and power limit of the rack",
            PowerWatts=excerpt(rack, "Power"),
            EnergykWh={
                **excerpt(rack, "Energy"),
                "LifetimeReading": excerpt(rack, "Energy")["Reading"],
            },
            TemperatureCelsius=excerpt(rack, "Coolant"),
            PowerLoadPercent=excerpt(rack, "Load"),
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
            Sensor=excerpt(rack, "Power"),
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
