"""Which heater is used first: whose heat costs least, and equals in turn."""

from collections.abc import Container, Iterable, Mapping

from .clock import entries, seconds
from .ladder import HeaterSettings

GRAIN, STICKS = 100.0, 0.0075
"""Merits count in whole cents, which are left for a difference of three quarters."""
TURN_H = 24.0
"""After so much work at full power it is the turn of an equal one."""
BEHIND_H = 72.0
"""Who was away longer than that does not make up for all of it."""


def merit(*, income_per_kwh: float, price_per_kwh: float, efficiency: float) -> float:
    """Return what is left of 1 kWh of heat from a heater; more is used first.

    Income and price are per electricity, the efficiency is heat per electricity.
    """
    return (income_per_kwh - price_per_kwh) / efficiency


class MeritOrder:
    """The order in which heaters are used, with what each has worked so far."""

    def __init__(self, heaters: Iterable[HeaterSettings]) -> None:
        """All are equal, and none has worked yet."""
        self._heaters = {each.heater_id: each for each in heaters}
        self._worked_h = dict.fromkeys(self._heaters, 0.0)
        """At full power."""
        self._merits: dict[str, float] = {}

    def note(self, heater_id: str, power_w: float, elapsed_s: float) -> None:
        """Count work, which wears a heater."""
        settings = self._heaters[heater_id]
        span_w = settings.full_w - settings.standby_w
        if span_w > 0 and power_w > settings.standby_w:
            share = min((power_w - settings.standby_w) / span_w, 1.0)
            self._worked_h[heater_id] += share * elapsed_s / 3600

    def order(
        self, merits: Mapping[str, float], working: Container[str]
    ) -> list[HeaterSettings]:
        """Return all heaters, the best first.

        Of equals those that have worked less, in whole turns, then those that work
        already, so that none is started for another one.
        """
        least_h = max(self._worked_h.values(), default=0.0) - BEHIND_H

        def rank(heater_id: str) -> tuple[float, int, bool, str]:
            worked_h = self._worked_h[heater_id] = max(
                self._worked_h[heater_id], least_h
            )
            return (
                -self._held(heater_id, merits.get(heater_id, 0.0)),
                int(worked_h // TURN_H),
                heater_id not in working,
                heater_id,
            )

        return [self._heaters[key] for key in sorted(self._heaters, key=rank)]

    def _held(self, heater_id: str, value: float) -> float:
        held = self._merits.get(heater_id)
        if held is None or abs(value - held) > STICKS:
            held = self._merits[heater_id] = round(value * GRAIN) / GRAIN
        return held

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable: the hours worked."""
        return {key: {"worked_h": hours} for key, hours in self._worked_h.items()}

    def restore(self, memory: object) -> None:
        """Take over a stored memory; a heater that is new begins with the least worked."""
        known = {
            key: hours
            for key, stored in entries(memory)
            if key in self._worked_h
            and (hours := seconds(stored.get("worked_h"))) is not None
        }
        least_h = min(known.values(), default=0.0)
        for key in self._worked_h:
            self._worked_h[key] = known.get(key, least_h)
