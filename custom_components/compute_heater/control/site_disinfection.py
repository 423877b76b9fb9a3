"""Thermal disinfection of all hot-water tanks of a site, by whatever can heat them."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from .clock import entries
from .demand import SinkController, SinkReading
from .description import BackupDescription, SiteDescription
from .disinfection import Disinfection, HeatMeans
from .heater_control import HeaterController
from .reasons import Reason

APPROACH_K = 3.0
"""Water that compute heats gets a tank so far below its supply temperature."""


class SiteDisinfection:
    """Follows the schedules, and raises the tanks whose time has come."""

    def __init__(self, description: SiteDescription) -> None:
        """Follow the tanks that have a schedule."""
        self._description = description
        self.tanks = {
            each.sink_id: Disinfection(each.disinfection, description.time_zone)
            for each in description.sinks
            if each.disinfection is not None
        }

    def update(
        self,
        now: datetime,
        time_s: float,
        sinks: Mapping[str, SinkController],
        readings: Mapping[str, SinkReading],
        heaters: Mapping[str, HeaterController],
        *,
        active: bool,
    ) -> None:
        """Follow all tanks; call it before their demand is evaluated."""
        if not self.tanks:
            return
        able = [each for each in heaters.values() if _may_heat(each)]
        for sink_id, tank in self.tanks.items():
            sink = sinks[sink_id]
            tank.update(
                now,
                time_s,
                _coldest_c(readings.get(sink_id)),
                HeatMeans(
                    compute_to_c=_reach_c(able),
                    compute_most_c=_reach_c(heaters.values()),
                    backup_w=self._backup_w(sink_id, tank.settings.temperature_c),
                ),
                capacity_kwh_per_k=sink.settings.capacity_kwh_per_k,
                enabled=active and sink.enabled,
            )
            sink.raised_to_c = tank.raise_to_c

    def _backup_w(self, sink_id: str, temperature_c: float) -> float:
        return sum(
            backup.max_heat_w
            for backup in self._description.backups
            if sink_id in backup.sinks and _gets_to(backup, temperature_c)
        )

    def needs(self, sink_id: str, backup: BackupDescription) -> bool:
        """Whether a backup shall heat a tank now."""
        tank = self.tanks.get(sink_id)
        return (
            tank is not None
            and tank.needs_backup
            and _gets_to(backup, tank.settings.temperature_c)
        )

    def wants_heat(self, sink_id: str, sink: SinkController) -> bool:
        """Whether compute shall give a tank all that it takes, whatever is planned."""
        return (
            sink_id in self.tanks
            and sink.demand.wanted
            and sink.demand.reason is Reason.DISINFECTION
        )

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {key: tank.memory for key, tank in self.tanks.items()}

    def restore(self, memory: object) -> None:
        """Take over a stored memory; broken parts are ignored."""
        for key, part in entries(memory):
            if (tank := self.tanks.get(key)) is not None:
                tank.restore(part)


def _gets_to(backup: BackupDescription, temperature_c: float) -> bool:
    return backup.max_c is None or backup.max_c >= temperature_c


def _may_heat(heater: HeaterController) -> bool:
    controls = heater.controls
    return (
        heater.reading is not None
        and controls.mode != "off"
        and controls.compute_allowed
    )


def _reach_c(heaters: Iterable[HeaterController]) -> float | None:
    """Return the hottest that these heaters get a tank; None without any."""
    supplies_c = (
        min(each.controls.target_c, each.description.safety.throttle_c)
        for each in heaters
    )
    supply_c = max(supplies_c, default=None)
    return None if supply_c is None else supply_c - APPROACH_K


def _coldest_c(reading: SinkReading | None) -> float | None:
    """Return the temperature of the coldest sensor; None while one is silent."""
    if reading is None or reading.temperature_c is None:
        return None
    if reading.second_c is None:
        return None if reading.has_second else reading.temperature_c
    return min(reading.temperature_c, reading.second_c)
