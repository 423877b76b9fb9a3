"""The plan of a site as a calendar: when its heaters compute, and why."""

from datetime import datetime
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN
from .coordinator import ComputeHeaterConfigEntry
from .entity import SiteEntity
from .plan_view import Run, names, runs

PARALLEL_UPDATES = 0

PLAN = CalendarEntityDescription(key="plan", translation_key="plan")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendar of a site."""
    async_add_entities([PlanCalendar(entry, PLAN)])


class PlanCalendar(SiteEntity, CalendarEntity):
    """When heaters compute; nothing while no plan is followed."""

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """The run that goes on, or the next one."""
        found = next(runs(self.coordinator), None)
        return None if found is None else self._event(found)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        return [
            self._event(run)
            for run in runs(self.coordinator)
            if run.start < end_date and run.end > start_date
        ]

    def _event(self, run: Run) -> CalendarEvent:
        return CalendarEvent(
            start=run.start,
            end=run.end,
            summary=f"{run.power_w / 1000:.1f} kW: {self._why(run)}",
            description=self._what(run),
        )

    def _why(self, run: Run) -> str:
        """Say the reason in the language of the house."""
        hass = self.coordinator.hass
        texts = async_get_cached_translations(
            hass, hass.config.language, "entity", DOMAIN
        )
        key = f"component.{DOMAIN}.entity.sensor.reason.state.{run.reason}"
        return texts.get(key, run.reason)

    def _what(self, run: Run) -> str:
        """Tell, in figures, where the heat goes and what the electricity costs."""
        called = names(self.coordinator)
        hours = sum(step.hours for step in run.steps)
        lines = []
        for sink_id, end_c in run.steps[-1].temperature_c.items():
            heat_wh = sum(
                step.heat_w.get(sink_id, 0) * step.hours for step in run.steps
            )
            if heat_wh > 0 and sink_id in called:
                lines.append(
                    f"{called[sink_id]}: {heat_wh / 1000:.1f} kWh → {end_c:.1f} °C"
                )
        price = sum(step.price * step.hours for step in run.steps) / hours
        lines.append(f"{price:.3f} {self.coordinator.hass.config.currency}/kWh")
        return "\n".join(lines)
