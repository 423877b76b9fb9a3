"""Each thing that makes a run a failure, alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simulator.demo.meters import HeaterMeters
from simulator.demo.report import KEYS, empty_report, make_report
from simulator.demo.scenario import Cycle, Record, Snapshot

ERROR = (
    "2026-11-21 22:12:31.000+00:00 ERROR (MainThread) "
    "[custom_components.compute_heater] it broke\n"
)


def _snapshot(*, tank_c: float, heat_kwh: float, electricity_kwh: float) -> Snapshot:
    return Snapshot(
        house={
            "tank_mean_c": tank_c,
            "room_c": 21.4,
            "compute_heat_kwh": heat_kwh,
            "backup_heat_kwh": 0.5,
            "drawn_heat_kwh": 0.0,
            "bacnet_reads": 10,
            "bacnet_notifications": 10,
            "modbus_reads": 10,
            "modbus_writes": 1,
            "comfort_violation_kh": 0.1,
        },
        heater=HeaterMeters(
            electricity_kwh=electricity_kwh,
            heat_kwh=heat_kwh,
            power_w=300,
            cap_w=300,
            coolant_c=55,
        ),
        writes=3,
    )


def _good() -> Record:
    return Record(
        max_power_w=3000,
        start=_snapshot(tank_c=47.2, heat_kwh=1.0, electricity_kwh=2.0),
        end=_snapshot(tank_c=49.0, heat_kwh=1.1, electricity_kwh=2.1),
        cycles=[Cycle(2, 12, 17, 130, 135)],
        power_max_w=3000,
        power_end_w=300,
        room_min_c=21.4,
        tank_min_c=46,
        state_changes=3,
    )


def _report(record: Record, log: str = "") -> dict[str, Any]:
    return make_report(record, log, entities=71, setup_s=20)


def _colder(record: Record) -> None:
    record.end.house["tank_mean_c"] = 47.1


def _by_backup(record: Record) -> None:
    record.end.house["compute_heat_kwh"] = 1.01
    record.end.heater = replace(record.end.heater, heat_kwh=1.01)


def _no_second_edge(record: Record) -> None:
    record.cycles[0].power_down_s = None


def _meters_differ(record: Record) -> None:
    record.end.heater = replace(record.end.heater, heat_kwh=1.103)


def _meter_stands(record: Record) -> None:
    record.end.heater = replace(record.end.heater, heat_kwh=1.0)


def _uncomfortable(record: Record) -> None:
    record.end.house["comfort_violation_kh"] = 0.13


def test_good_run() -> None:
    report = _report(_good())
    assert report["failures"] == []
    assert set(KEYS) <= set(report)
    assert report["compute_heat_kwh"] == pytest.approx(0.1)
    assert report["heat_difference_percent"] == pytest.approx(0)
    assert report["setup_s"] == 20


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_colder, "did not get warmer"),
        (_by_backup, "not by compute heat"),
        (_no_second_edge, "no draw-off was followed"),
        (_meters_differ, "heat meter"),
        (_meter_stands, "heat meter"),
        (_uncomfortable, "comfort was violated"),
    ],
)
def test_bad_run(spoil: Callable[[Record], None], words: str) -> None:
    record = _good()
    spoil(record)
    (failure,) = _report(record)["failures"]
    assert words in failure


def test_error_in_the_log() -> None:
    report = _report(_good(), ERROR)
    assert report["log_errors"] == 1
    assert "it broke" in report["failures"][0]


def test_run_that_did_not_start() -> None:
    report = empty_report(["no house"], ERROR)
    assert set(KEYS) <= set(report)
    assert report["failures"] == ["no house"]
    assert report["log_errors"] == 1
    assert report["tank_end_c"] is None
