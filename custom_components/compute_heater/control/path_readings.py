"""What is known of the water between heaters and sinks, from all that was read."""

from collections.abc import Iterable

from .heater_control import HeaterController
from .hydraulics import PathReadings
from .site_data import SiteReadings


def path_readings(
    readings: SiteReadings, heaters: Iterable[HeaterController]
) -> PathReadings:
    """Return positions, flows and the hottest water; what nobody knows is None."""
    answers = [each.reading for each in heaters if each.reading is not None]
    heats_w = [reading.heat_w for reading in answers]
    return PathReadings(
        valves=readings.valves,
        pumps=readings.pumps,
        flows_lpm=readings.flows_lpm,
        flow_lpm=_highest(reading.flow_lpm for reading in answers),
        delta_k=_highest(
            reading.supply_c - reading.return_c
            for reading in answers
            if reading.supply_c is not None
            and reading.return_c is not None
            # In a heater that stands still both say nothing of the circuit.
            and reading.flow_lpm != 0
        ),
        heat_w=None
        if not heats_w or None in heats_w
        else sum(heat for heat in heats_w if heat is not None),
        supply_c=_highest(
            value
            for reading in answers
            for value in (reading.supply_c, reading.coolant_c)
        ),
    )


def _highest(values: Iterable[float | None]) -> float | None:
    """Return the highest known value; None where none is known."""
    return max((value for value in values if value is not None), default=None)
