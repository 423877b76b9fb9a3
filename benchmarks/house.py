"""What the simulated house costs: its physics against the clock."""

from collections.abc import Sequence
from datetime import UTC, datetime
import time

from simulator.house import House
from simulator.parameters import PRESETS, HouseParameters

from .rows import Row, at_least

START = datetime(2026, 1, 15, tzinfo=UTC)
STEP_S = 1.0
STEPS = 3600
ROUNDS = 3


def speed(parameters: HouseParameters) -> float:
    """Return simulated seconds per second of CPU time, in steps of a second."""
    house = House(parameters, start=START)
    house.loop.pump_command = True
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(STEPS):
            house.step(STEP_S, heat_j=2000 * STEP_S, heater_supply_c=52)
        rounds.append(time.process_time() - started)
    return STEPS * STEP_S / min(rounds)


def measure() -> Sequence[Row]:
    """How much faster than the clock the physics of each house runs."""
    return [
        at_least(f"physics of {name!r}", speed(parameters), "× real time", 1000)
        for name, parameters in PRESETS.items()
    ]
