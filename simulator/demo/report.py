"""The report of an unattended run, and what makes it a failure."""

from dataclasses import asdict
from typing import Any

from . import hass_log
from .scenario import Record

HEAT_TOLERANCE_PERCENT = 2.0
"""The house's meter against the heater's own."""
COMFORT_ALLOWED_KH = 0.02
"""Lack of comfort that a run may show: as much as 1.2 K for a minute."""
WARMER_K = 0.3
"""The least by which the tank must end above its start."""
TANK_KWH_PER_K = 30 * 4.19 / 3600

KEYS = (
    "tank_start_c",
    "tank_end_c",
    "room_min_c",
    "compute_heat_kwh",
    "backup_heat_kwh",
    "compute_electricity_kwh",
    "power_max_w",
    "power_end_w",
    "redfish_writes",
    "bacnet_reads",
    "modbus_reads",
    "state_changes",
    "comfort_violation_kh",
    "entities",
    "log_warnings",
    "log_errors",
)
"""What every report has, also that of a failed run."""


def empty_report(failures: list[str], log: str) -> dict[str, Any]:
    """Return the report of a run that did not get so far as to measure anything."""
    return dict.fromkeys(KEYS) | {
        "log_warnings": len(hass_log.ours(log, "WARNING")),
        "log_errors": len(hass_log.ours(log, "ERROR", "CRITICAL")),
        "failures": failures,
    }


def make_report(
    record: Record, log: str, *, entities: int, **further: Any
) -> dict[str, Any]:
    """Return the report of a run with its failures, none if all went well."""
    first, last = record.start, record.end

    def grown(key: str) -> float:
        growth: float = last.house[key] - first.house[key]
        return growth

    house_kwh = grown("compute_heat_kwh")
    heater_kwh = last.heater.heat_kwh - first.heater.heat_kwh
    errors = hass_log.ours(log, "ERROR", "CRITICAL")
    report: dict[str, Any] = {
        "tank_start_c": round(first.house["tank_mean_c"], 3),
        "tank_end_c": round(last.house["tank_mean_c"], 3),
        "tank_min_c": round(record.tank_min_c, 3),
        "room_min_c": round(record.room_min_c, 3),
        "compute_heat_kwh": round(house_kwh, 5),
        "backup_heat_kwh": round(grown("backup_heat_kwh"), 5),
        "compute_electricity_kwh": round(
            last.heater.electricity_kwh - first.heater.electricity_kwh, 5
        ),
        "drawn_heat_kwh": round(grown("drawn_heat_kwh"), 5),
        "agent_heat_kwh": round(heater_kwh, 5),
        "heat_difference_percent": (
            round(100 * (house_kwh - heater_kwh) / heater_kwh, 3)
            if heater_kwh > 0
            else None
        ),
        "power_max_w": record.power_max_w,
        "power_end_w": record.power_end_w,
        "redfish_writes": last.writes - first.writes,
        "bacnet_reads": grown("bacnet_reads"),
        "bacnet_notifications": grown("bacnet_notifications"),
        "modbus_reads": grown("modbus_reads"),
        "modbus_writes": grown("modbus_writes"),
        "state_changes": record.state_changes,
        "comfort_violation_kh": round(grown("comfort_violation_kh"), 5),
        "cycles": [asdict(cycle) for cycle in record.cycles],
        "entities": entities,
        "log_warnings": len(hass_log.ours(log, "WARNING")),
        "log_errors": len(errors),
        **further,
    }
    report["failures"] = _failures(report, record, errors)
    return report


def _failures(report: dict[str, Any], record: Record, errors: list[str]) -> list[str]:
    failures: list[str] = []
    warmer_k = report["tank_end_c"] - report["tank_start_c"]
    if warmer_k < WARMER_K:
        failures.append(f"the tank did not get warmer: {warmer_k:+.2f} K")
    if report["compute_heat_kwh"] < warmer_k * TANK_KWH_PER_K:
        failures.append(
            "the tank got warmer, but not by compute heat: only "
            f"{report['compute_heat_kwh']:.4f} kWh came from there"
        )
    if not any(cycle.is_complete for cycle in record.cycles):
        failures.append(
            "no draw-off was followed by demand up, power up, demand down and power "
            f"down: {report['cycles']}"
        )
    difference = report["heat_difference_percent"]
    if difference is None or abs(difference) > HEAT_TOLERANCE_PERCENT:
        failures.append(
            f"the house's heat meter ({report['compute_heat_kwh']} kWh) differs from "
            f"the heater's ({report['agent_heat_kwh']} kWh) by {difference} %, more "
            f"than {HEAT_TOLERANCE_PERCENT:g} %"
        )
    if report["comfort_violation_kh"] > COMFORT_ALLOWED_KH:
        failures.append(
            f"comfort was violated by {report['comfort_violation_kh']} K·h, more than "
            f"{COMFORT_ALLOWED_KH:g} K·h"
        )
    failures += [f"Home Assistant logged an error from us: {text}" for text in errors]
    return failures
