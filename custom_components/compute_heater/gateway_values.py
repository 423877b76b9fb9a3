"""What the points of the gateway say."""

from collections.abc import Iterable, Mapping

from .control.ladder import HeaterSettings
from .control.power_state import measured_state
from .gateway.points import (
    POWER_STATES,
    SITE,
    OfferedHeater,
    OfferedPoint,
    OfferedSink,
    Value,
    offered_points,
)
from .heaters.model import PowerState
from .site import SiteCoordinator
from .site_heater import SiteHeater
from .site_sink import SiteSink

_STATE_NUMBERS = {
    state: float(POWER_STATES.index(state.value.title()) + 1) for state in PowerState
}

type Values = dict[str, Value | None]
type ReasonTexts = Mapping[str, str]
"""Words for reasons, by their keys."""


def site_points(site: SiteCoordinator, *, commands: bool) -> list[OfferedPoint]:
    """Return the points of a site."""
    heaters, sinks = site.heaters, site.sinks
    heat_w = sum(
        each.settings.full_w * each.settings.efficiency for each in heaters.values()
    )
    return offered_points(
        [
            OfferedHeater(
                heater_id=key,
                name=heater.coordinator.subentry.title,
                max_supply_c=heater.max_supply_c,
            )
            for key, heater in heaters.items()
        ],
        [
            OfferedSink(sink_id=key, name=sink.subentry.title)
            for key, sink in sinks.items()
        ],
        max_heat_kw=heat_w / 1000,
        commands=commands,
    )


def settings_of(site: SiteCoordinator) -> dict[str, HeaterSettings]:
    """Return what commands must know of the heaters."""
    return {key: heater.settings for key, heater in site.heaters.items()}


def site_values(
    site: SiteCoordinator, reasons: ReasonTexts, *, commanded: bool
) -> Values:
    """Return the present values of all points but commands."""
    heaters = {key: _heater_values(each, reasons) for key, each in site.heaters.items()}
    sinks = {key: _sink_values(each) for key, each in site.sinks.items()}
    data = site.data
    of_site: Values = {
        "heat_demand": _kilo(data.demand_w),
        "thermal_power": _kilo(data.heat_w),
        "commanded": commanded,
        "reason": _text(data.reason, reasons),
    }
    for key in ("available_power", "electrical_power", "energy", "heat_energy"):
        of_site[key] = _sum(values[key] for values in heaters.values())
    return {
        f"{part}/{key}": value
        for part, values in ({SITE: of_site} | heaters | sinks).items()
        for key, value in values.items()
    }


def _heater_values(heater: SiteHeater, reasons: ReasonTexts) -> Values:
    coordinator = heater.coordinator
    values: Values = {
        "available_power": _kilo(heater.available_w),
        "energy": coordinator.energy.total_kwh,
        "heat_energy": coordinator.heat.total_kwh,
        "enabled": heater.controls.compute_allowed,
        "reason": _text(heater.decision.reason if heater.decision else None, reasons),
    }
    reading = coordinator.data
    if not coordinator.available or reading is None:
        # One that does not answer is a fault to whoever relies on its heat.
        unknown: Values = dict.fromkeys(
            (
                "supply_temperature",
                "return_temperature",
                "flow",
                "thermal_power",
                "electrical_power",
                "power_state",
            )
        )
        return values | unknown | {"fault": True}
    state = measured_state(reading, heater.settings)
    return values | {
        "supply_temperature": reading.supply_c,
        "return_temperature": reading.return_c,
        "flow": reading.flow_lpm,
        "thermal_power": _kilo(reading.heat_w),
        "electrical_power": _kilo(reading.power_w),
        "power_state": None if state is None else _STATE_NUMBERS[state],
        "fault": True if coordinator.command_error else reading.problem,
    }


def _sink_values(sink: SiteSink) -> Values:
    return {
        "temperature": sink.temperature_c,
        "heat_demand": _kilo(sink.demand.heat_w) if sink.is_known else None,
        "state_of_charge": sink.demand.charge_percent,
    }


def _text(reason: str | None, reasons: ReasonTexts) -> str | None:
    return None if reason is None else reasons.get(reason, reason)


def _kilo(watts: float | None) -> float | None:
    return None if watts is None else watts / 1000


def _sum(values: Iterable[Value | None]) -> float | None:
    """Return the sum of numbers; None where one of them is unknown."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += float(value)
    return total
