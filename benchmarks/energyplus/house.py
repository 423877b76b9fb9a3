"""The plant of the scenarios with EnergyPlus's house in place of the simulator's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
import tempfile
from typing import override

from simulator.floor import Floor, FloorFlows, FloorParameters

from ..child import Child, ChildError, started
from ..packages import environment, folder
from ..scenarios.data import PACKAGES as DATA, Year, hourly_weather
from ..scenarios.scenario import FORTNIGHT
from ..scenarios.sun import Place

PACKAGES = ("pyenergyplus-lbnl==26.1.0",)
PYTHON = "3.13"
WORKER = Path(__file__).with_name("worker.py")
MODEL = "sinergym/data/buildings/radiant_residential_building.epJSON"
WEATHER = "sinergym/data/weather/SWE_Stockholm.Arlanda.024600_IWEC.epw"
PLACE = Place(59.65, 17.95)
STEP_S = 300.0
"""A step of EnergyPlus."""
WINTER_TIME = timedelta(hours=1)


class EnergyPlusFloor(Floor):
    """Buffer and circuit as in the simulator; screed and rooms are EnergyPlus's."""

    def __init__(self, parameters: FloorParameters, child: Child) -> None:
        super().__init__(parameters)
        self._child = child
        self._heat_j = 0.0
        self._elapsed_s = 0.0
        self.coldest_c = self.room_c
        """The coldest of the rooms."""
        self._done = False

    def begin(self, request: dict[str, object]) -> None:
        """Start EnergyPlus's run. Raises ChildError."""
        self._take(self._child.ask(request))
        self.buffer_c = self.screed_c

    @override
    def step(self, dt_s: float, outdoor_c: float, irradiance_w_m2: float) -> FloorFlows:
        """Hand over heat from the buffer; now and then EnergyPlus goes on."""
        before_j = self.buffer_c * self._buffer_j_per_k
        # The simulator's own step moves buffer and circuit; what it does to screed and
        # room is undone.
        screed_c, room_c = self.screed_c, self.room_c
        flows = super().step(dt_s, outdoor_c, 0.0)
        self.screed_c, self.room_c = screed_c, room_c
        lost_j = flows.buffer_loss_j
        self._heat_j += before_j - self.buffer_c * self._buffer_j_per_k - lost_j
        self._elapsed_s += dt_s
        if self._elapsed_s >= STEP_S and not self._done:
            heat_w = max(0.0, self._heat_j / self._elapsed_s)
            self._take(self._child.ask({"heat_w": heat_w}))
            self._heat_j = self._elapsed_s = 0.0
        return FloorFlows(
            solar_j=0.0, internal_j=0.0, envelope_j=0.0, buffer_loss_j=lost_j
        )

    def _take(self, answer: dict[str, float]) -> None:
        if "done" in answer:
            self._done = True
            return
        self.room_c, self.screed_c = answer["room_c"], answer["floor_c"]
        self.coldest_c = answer["coldest_c"]


def year_of(year: Year) -> Year:
    """Return the year with the weather that EnergyPlus has. Raises MissingPackagesError."""
    file = folder("data", DATA) / WEATHER
    with file.open(encoding="latin-1", newline="") as lines:
        rows: Sequence[Sequence[str]] = list(csv.reader(lines))[8:]
    outdoor = [float(row[6]) for row in rows]
    diffuse = [float(row[15]) for row in rows]
    direct = [max(0.0, float(row[13]) - float(row[15])) for row in rows]
    return replace(
        year,
        source=f"{year.source}, EnergyPlus",
        **hourly_weather(PLACE, outdoor, direct, diffuse),
    )


@contextmanager
def floor_of(parameters: FloorParameters, start: datetime) -> Iterator[EnergyPlusFloor]:
    """Run EnergyPlus for a fortnight. Raises MissingPackagesError and ChildError."""
    python = environment("energyplus", PACKAGES, python=PYTHON)
    data = folder("data", DATA)
    local = start.astimezone(UTC) + WINTER_TIME
    with (
        tempfile.TemporaryDirectory() as output,
        started([str(python), str(WORKER)]) as child,
    ):
        floor = EnergyPlusFloor(parameters, child)
        floor.begin(
            {
                "model": str(data / MODEL),
                "weather": str(data / WEATHER),
                "folder": output,
                "month": local.month,
                "day": local.day,
                "days": FORTNIGHT.days,
                "heat_w": 0.0,
            }
        )
        yield floor


__all__ = ["ChildError", "EnergyPlusFloor", "floor_of", "year_of"]
