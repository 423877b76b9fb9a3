"""Thermal disinfection in a site: compute, backup, limits, and other strategies."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
import json
from typing import Any

import pytest

from custom_components.compute_heater.control.demand import (
    SinkKind,
    SinkReading,
    SinkSettings,
)
from custom_components.compute_heater.control.description import (
    BackupDescription,
    SinkDescription,
    SiteDescription,
)
from custom_components.compute_heater.control.disinfection import (
    Disinfection,
    DisinfectionSettings,
)
from custom_components.compute_heater.control.heater_control import (
    HeaterDescription,
    HeaterInput,
)
from custom_components.compute_heater.control.path import PathSettings
from custom_components.compute_heater.control.plan import Plan, PlanProblem
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.safety import SafetySettings
from custom_components.compute_heater.control.site import (
    SiteController,
    SiteDecision,
    SiteReadings,
    Strategy,
)
from custom_components.compute_heater.heaters.model import Reading

from .plant import BATH_J_PER_K, EXCHANGER_W_PER_K, HEATER

TANK_J_PER_K = 0.35 * 3.6e6
STEP_S = 15.0
TANK = SinkDescription(
    settings=SinkSettings(
        kind=SinkKind.DHW,
        setpoint_c=50,
        hysteresis_k=4,
        limit_c=65,
        max_heat_w=3000,
        capacity_kwh_per_k=0.35,
        comfort_min_c=42,
    ),
    path=PathSettings(sink_id="tank", kind=SinkKind.DHW),
    disinfection=DisinfectionSettings(
        every_days=7, window_start=time(1), window_end=time(5), hold_s=3600
    ),
)
BACKUP = BackupDescription(backup_id="rod", sinks=("tank",), max_heat_w=6000)
SITE = SiteDescription(
    heaters=(
        HeaterDescription(
            settings=HEATER,
            safety=SafetySettings(floor_w=HEATER.floor_w, max_w=HEATER.max_w),
        ),
    ),
    sinks=(TANK,),
    backups=(BACKUP,),
)


@dataclass
class Night:
    """A tank with a heater and a backup that do what the site decides."""

    site: SiteController
    now: datetime = datetime(2026, 1, 5, 23, 0, tzinfo=UTC)
    tank_c: float = 50.0
    bath_c: float = 50.0
    power_w: float = HEATER.floor_w
    heater_answers: bool = True
    second_c: float | None = None
    hottest_bath_c: float = 0.0
    compute_heat_j: float = 0.0
    backup_j: float = 0.0
    backup_began_at_c: float | None = None
    decision: SiteDecision | None = None

    @property
    def tank(self) -> Disinfection:
        """The schedule."""
        return self.site.disinfection.tanks["tank"]

    def step(self) -> None:
        """Let the site decide, and the physics run for a while."""
        heat_w = EXCHANGER_W_PER_K * max(self.bath_c - self.tank_c, 0.0)
        reading = Reading(
            power_w=self.power_w,
            coolant_c=self.bath_c,
            supply_c=self.bath_c,
            heat_w=heat_w,
        )
        seen = SinkReading(
            temperature_c=self.tank_c,
            second_c=self.second_c,
            has_second=self.second_c is not None,
        )
        self.decision = self.site.step(
            self.now,
            SiteReadings(
                heaters={
                    "h": HeaterInput(reading=reading if self.heater_answers else None)
                },
                sinks={"tank": seen},
            ),
        )
        backup_w = self.decision.backup_w.get("rod", {}).get("tank", 0.0)
        if backup_w and self.backup_began_at_c is None:
            self.backup_began_at_c = self.tank_c
        self.power_w = (
            self.decision.heaters["h"].expected_w
            if self.heater_answers
            else HEATER.floor_w
        )
        self.bath_c += (self.power_w - heat_w) * STEP_S / BATH_J_PER_K
        self.tank_c += (heat_w + backup_w - 60) * STEP_S / TANK_J_PER_K
        self.hottest_bath_c = max(self.hottest_bath_c, self.bath_c)
        self.compute_heat_j += heat_w * STEP_S
        self.backup_j += backup_w * STEP_S
        self.now += timedelta(seconds=STEP_S)

    def run(self, until_h: float) -> None:
        """Run until an hour of the sixth of January."""
        end = datetime(2026, 1, 6, tzinfo=UTC) + timedelta(hours=until_h)
        while self.now < end:
            self.step()


def no_plan(problem: PlanProblem, running: Plan | None) -> Plan | None:
    """Be a planner that plans nothing."""
    return Plan(made_at=problem.start, steps=(), objective=0)


def night(strategy: Strategy = Strategy.FOLLOW_DEMAND, **more: Any) -> Night:
    site = SiteController(replace(SITE, **more), planner=no_plan)
    site.strategy = strategy
    return Night(site)


@pytest.mark.parametrize("strategy", [Strategy.FOLLOW_DEMAND, Strategy.OPTIMISE])
def test_compute_first_then_the_backup(strategy: Strategy) -> None:
    plant = night(strategy)
    plant.run(1.0)
    assert plant.compute_heat_j < 0.4 * 3.6e6, "standby only"
    plant.run(1.5)
    assert plant.decision is not None
    assert plant.decision.demands["tank"].reason is Reason.DISINFECTION
    assert plant.backup_j == 0
    plant.run(5.0)
    assert plant.tank.done_at is not None
    assert plant.backup_began_at_c is not None
    assert plant.backup_began_at_c > 56
    assert plant.compute_heat_j > plant.backup_j
    assert plant.tank_c < 63
    assert not plant.tank.overdue


def test_the_hot_tank_does_not_trip_the_heater() -> None:
    """While the backup heats beyond what compute may, no water runs through compute."""
    plant = night()
    worst = 0.0
    while plant.now.hour != 5:
        plant.step()
        if plant.tank_c > 58 and plant.decision is not None:
            worst = max(worst, plant.decision.demands["tank"].heat_w)
    assert plant.tank.done_at is not None
    assert worst == 0
    assert plant.hottest_bath_c < 65


def test_nothing_runs_with_the_strategy_off() -> None:
    plant = night(Strategy.OFF)
    plant.run(5.1)
    assert plant.backup_j == 0
    assert plant.tank.overdue


def test_backup_does_it_alone_while_the_heater_is_gone() -> None:
    plant = night()
    plant.heater_answers = False
    plant.run(5.0)
    assert plant.tank.done_at is not None


def test_without_a_backup_it_is_impossible() -> None:
    plant = night(backups=())
    plant.run(5.1)
    assert plant.tank.impossible
    assert plant.tank.overdue
    assert plant.tank.done_at is None
    assert plant.hottest_bath_c < 62


@pytest.mark.parametrize(
    "backup",
    [replace(BACKUP, max_c=55.0), replace(BACKUP, sinks=("floor",))],
    ids=["not hot enough", "of another consumer"],
)
def test_a_backup_that_cannot_is_not_asked(backup: BackupDescription) -> None:
    plant = night(backups=(backup,))
    plant.run(5.1)
    assert plant.tank.impossible
    assert plant.backup_j == 0


def test_the_colder_sensor_counts() -> None:
    plant = night()
    plant.second_c = 45.0
    plant.run(5.1)
    assert plant.tank_c < 65.1
    assert plant.tank.done_at is None
    assert plant.tank.overdue


def test_state_survives_a_restart() -> None:
    before = night()
    before.run(5.0)
    state = json.loads(json.dumps(before.site.state()))
    after = night()
    after.site.restore(state)
    assert after.tank.done_at == before.tank.done_at
    for broken in (None, 7, {"tank": 3}, {"tank": {"done_at": []}}):
        again = night()
        again.site.restore({"disinfection": broken})
        again.step()
        assert again.tank.done_at is None
