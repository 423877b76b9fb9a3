"""Ask EMHASS for plans."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
import tempfile
from typing import Any

from ..child import Child, started
from ..packages import environment

PACKAGES = ("emhass==0.18.7",)
PYTHON = "3.12"
WORKER = Path(__file__).with_name("worker.py")
TIMEOUT_S = 45
"""EMHASS's own default."""

FLOWS = (
    ("compute", "tank"),
    ("compute", "house"),
    ("backup", "tank"),
    ("backup", "house"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatProblem:
    """A heater, a backup, a tank and perhaps a house, in equal steps; kW, kWh, °C."""

    start: datetime
    step_min: int
    price: Sequence[float]
    income_per_kwh: float
    outdoor_c: Sequence[float]
    """Sun and people are in it as well: what they heat, as K outdoors."""
    draw_kwh: Sequence[float]
    heater_kw: float
    efficiency: float
    backup_kw: float
    tank_l: float
    tank_c: float
    tank_loss_kw: float
    tank_min_c: float
    tank_max_c: float
    room_c: float
    room_kwh_per_k: float
    envelope_kw_per_k: float
    room_min_c: float
    room_max_c: float
    heats_room: bool = True

    @property
    def net_price(self) -> list[float]:
        """What a kWh of the heater costs after its income."""
        return [price - self.income_per_kwh for price in self.price]

    def topology(self) -> dict[str, Any]:
        """Return the plant as EMHASS's heat topology."""
        steps = len(self.price)
        storage: list[dict[str, object]] = [
            {
                "id": "tank",
                "volume": self.tank_l / 1000,
                "density": 990,
                "heat_capacity": 4.18,
                "start_temperature": self.tank_c,
                "min_temperature": [self.tank_min_c] * steps,
                "max_temperature": [self.tank_max_c] * steps,
                "thermal_loss": self.tank_loss_kw,
            }
        ]
        flows = FLOWS if self.heats_room else FLOWS[::2]
        if self.heats_room:
            storage.append(
                {
                    "id": "house",
                    "thermal_mass": self.room_kwh_per_k,
                    "loss_coefficient": self.envelope_kw_per_k,
                    "start_temperature": self.room_c,
                    "min_temperature": [self.room_min_c] * steps,
                    "max_temperature": [self.room_max_c] * steps,
                }
            )
        return {
            "sources": [
                {
                    "id": "compute",
                    "type": "electric",
                    "nominal_power": 1000 * self.heater_kw,
                    "efficiency": self.efficiency,
                    "cost_track": "net",
                },
                {
                    "id": "backup",
                    "type": "electric",
                    "nominal_power": 1000 * self.backup_kw,
                    "efficiency": 1.0,
                    "treat_as_semi_cont": False,
                },
            ],
            "storage": storage,
            "consumers": [
                {
                    "id": "draw",
                    "type": "profile",
                    "target": "tank",
                    "profile": list(self.draw_kwh),
                }
            ],
            "flows": [{"from": source, "to": sink} for source, sink in flows],
            "actuator_groups": [
                {
                    "flows": [list(flow) for flow in flows if flow[0] == source],
                    "mutual_exclusion": source == "compute" and self.heats_room,
                    "max_combined_power": 1000 * power_kw,
                }
                for source, power_kw in (
                    ("compute", self.heater_kw),
                    ("backup", self.backup_kw),
                )
            ],
            "cost_tracks": {"net": self.net_price},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatPlan:
    """Powers in kW of each step: electrical, by source and sink."""

    status: str
    power_kw: dict[tuple[str, str], list[float]]
    cold_s: float
    """With building the problem, as each run with a topology does."""
    warm_s: list[float]


class Emhass:
    """Made by ``running``."""

    def __init__(self, child: Child, folder: str) -> None:
        self._child = child
        self._folder = folder

    def solve(self, problem: HeatProblem, *, gap: float, again: int = 0) -> HeatPlan:
        """Return EMHASS's plan. Raises ChildError."""
        answer = self._child.ask(
            {
                "folder": self._folder,
                "start": problem.start.isoformat(),
                "step_min": problem.step_min,
                "topology": problem.topology(),
                "price": list(problem.price),
                "outdoor_c": list(problem.outdoor_c),
                "ghi": [0.0] * len(problem.price),
                "gap": gap,
                "timeout_s": TIMEOUT_S,
                "again": again,
            }
        )
        flows = FLOWS if problem.heats_room else FLOWS[::2]
        powers = answer["power_w"]
        return HeatPlan(
            status=answer["status"],
            power_kw={
                flow: [watt / 1000 for watt in powers[load]]
                for load, flow in enumerate(flows)
            },
            cold_s=answer["cold_s"],
            warm_s=answer["warm_s"],
        )


@contextmanager
def running() -> Iterator[Emhass]:
    """Run EMHASS as a child. Raises MissingPackagesError where it cannot be had."""
    python = environment("emhass", PACKAGES, python=PYTHON)
    with (
        tempfile.TemporaryDirectory() as folder,
        started([str(python), str(WORKER)]) as child,
    ):
        yield Emhass(child, folder)
