"""One bridge to the building: a value of heaters is written to an entity."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import (
    STATE_UNAVAILABLE,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
)
from homeassistant.core import HomeAssistant, callback, split_entity_id
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    EnergyConverter,
    PowerConverter,
    TemperatureConverter,
)

from .bridge_settings import BridgeKind, bridge_kind
from .building.points import Point
from .const import (
    CONF_DEAD_BAND,
    CONF_FACTOR,
    CONF_HEATERS,
    CONF_MIN_INTERVAL,
    CONF_STATE_VALUES,
    CONF_TARGET_ENTITY,
    CONF_VALUE,
    LOGGER,
    SUBENTRY_BRIDGE,
)
from .control.bridge import chosen
from .control.heater_value import HeaterShown, HeaterValue, together
from .control.power_state import measured_state
from .coordinator import Link
from .entity_port import HassEntityPort
from .heaters.entities import EntityState
from .heaters.model import HeaterError, PowerState
from .links import async_find_point
from .site import SiteCoordinator
from .site_heater import SiteHeater

NUMBERS = ("number", "input_number")
SELECTS = ("select", "input_select")
SWITCHES = ("switch", "input_boolean")

# Others may have written in the meantime, and commands of points may lapse.
_RENEW_S = 600.0
_RETRY_S = 30.0
_UNITS: Mapping[HeaterValue, tuple[type[BaseUnitConverter], str]] = {
    HeaterValue.HEAT_POWER: (PowerConverter, UnitOfPower.WATT),
    HeaterValue.AVAILABLE_POWER: (PowerConverter, UnitOfPower.WATT),
    HeaterValue.POWER: (PowerConverter, UnitOfPower.WATT),
    HeaterValue.ENERGY: (EnergyConverter, UnitOfEnergy.KILO_WATT_HOUR),
    HeaterValue.HEAT_ENERGY: (EnergyConverter, UnitOfEnergy.KILO_WATT_HOUR),
    HeaterValue.SUPPLY_TEMPERATURE: (TemperatureConverter, UnitOfTemperature.CELSIUS),
}

type Written = float | bool | str


class BridgeOutput:
    """Writes what a value is, as seldom as its owner wants it."""

    def __init__(
        self, hass: HomeAssistant, site: SiteCoordinator, subentry: ConfigSubentry
    ) -> None:
        """Take value and target from the subentry; nothing is written before ``start``."""
        self.subentry = subentry
        self.target_id: str = subentry.data[CONF_TARGET_ENTITY]
        self._hass = hass
        self._site = site
        self._port = HassEntityPort(hass)
        self._written: Written | None = None
        """What the target was told; None: nothing that still counts."""
        self._gave_up = False
        """A command of a life before is not in force any more, either."""
        self._tried_at: float | None = None
        self._wrote_at: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self._unsubscribe: Callable[[], None] | None = None

    @callback
    def start(self) -> None:
        """Write from now on, whenever the site looks at its heaters."""
        self._unsubscribe = self._site.async_add_listener(self._drive)
        self._drive()

    @callback
    def stop(self) -> None:
        """Write no more; may be called twice."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._task is not None:
            self._task.cancel()

    @property
    def value(self) -> float | bool | PowerState | None:
        """What the heaters show now, in W, kWh or °C."""
        return heater_value(self._site, self.subentry.data)

    @callback
    def _drive(self) -> None:
        if self._task is not None:
            return
        state = self._port.state(self.target_id)
        if state is None or self._is_unavailable:
            # Whatever it comes back with need not be ours.
            self._written = None
            return
        wanted = as_written(self.subentry.data, self.value, state)
        point = async_point(self._hass, self.target_id)
        if not self._is_due(wanted, point[1] if point else None):
            return
        self._tried_at = self._hass.loop.time()
        self._task = self._hass.async_create_background_task(
            self._async_give_up() if wanted is None else self._async_write(wanted),
            f"compute_heater {self.subentry.title}",
        )
        self._task.add_done_callback(self._done)

    @property
    def _is_unavailable(self) -> bool:
        """Home Assistant leaves calls for such an entity out without a word."""
        state = self._hass.states.get(self.target_id)
        return state is None or state.state == STATE_UNAVAILABLE

    def _is_due(self, wanted: Written | None, point: Point | None) -> bool:
        """Whether something is to be written now."""
        now, data = self._hass.loop.time(), self.subentry.data
        if wanted is None and self._gave_up:
            return False
        wait_s = max(data[CONF_MIN_INTERVAL], point.write_interval_s if point else 0.0)
        if self._failing:
            wait_s = max(wait_s, _RETRY_S)
        if self._tried_at is not None and now - self._tried_at < wait_s:
            return False
        if wanted is None or self._failing or self._wrote_at is None:
            return True
        lifetime_s = point.lifetime_s if point else None
        renew_s = min(_RENEW_S, lifetime_s / 2 if lifetime_s else _RENEW_S)
        return now - self._wrote_at >= renew_s or not _is_near(
            wanted, self._written, data[CONF_DEAD_BAND]
        )

    async def _async_write(self, wanted: Written) -> None:
        error: Exception | None = None
        try:
            await self._port.call(self.target_id, wanted)
        except HeaterError as err:
            error = err
        else:
            self._written, self._wrote_at = wanted, self._hass.loop.time()
            self._gave_up = False
        self._note(error)

    async def _async_give_up(self) -> None:
        """Take back what is not known any more; other entities keep their value."""
        self._note(await async_give_up(self._hass, self.target_id))
        if not self._failing:
            self._written, self._gave_up = None, True

    def _note(self, error: Exception | None) -> None:
        if error is not None and not self._failing:
            LOGGER.warning("%s was not written: %s", self.subentry.title, error)
        self._failing = error is not None
        # Its link counts the interval from when it wrote, which is later.
        self._tried_at = self._hass.loop.time()

    @callback
    def _done(self, _task: asyncio.Task[None]) -> None:
        self._task = None

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a reload."""
        return {"written": self._written, "wrote_at": self._wrote_at}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on as before a reload."""
        written, wrote_at = memory.get("written"), memory.get("wrote_at")
        if isinstance(wrote_at, int | float) and written is not None:
            self._written, self._wrote_at = written, wrote_at
            self._tried_at = wrote_at


def heater_value(
    site: SiteCoordinator, data: Mapping[str, Any]
) -> float | bool | PowerState | None:
    """Return what the chosen heaters show now, in W, kWh or °C."""
    heaters = chosen(site.heaters, data.get(CONF_HEATERS) or None)
    return together(
        HeaterValue(data[CONF_VALUE]), [_shown(each) for each in heaters.values()]
    )


def _shown(heater: SiteHeater) -> HeaterShown:
    coordinator = heater.coordinator
    if not coordinator.available:
        return HeaterShown(
            available_w=heater.available_w,
            energy_kwh=coordinator.energy.total_kwh,
            heat_kwh=coordinator.heat.total_kwh,
            fault=True,
        )
    reading = coordinator.data
    return HeaterShown(
        heat_w=reading.heat_w,
        available_w=heater.available_w,
        power_w=reading.power_w,
        energy_kwh=coordinator.energy.total_kwh,
        heat_kwh=coordinator.heat.total_kwh,
        state=measured_state(reading, heater.settings),
        fault=coordinator.command_error is not None or bool(reading.problem),
        supply_c=reading.supply_c,
    )


def as_written(
    data: Mapping[str, Any],
    value: float | bool | PowerState | None,
    target: EntityState,
) -> Written | None:
    """Return a value as the target takes it; None where it is unknown."""
    domain = split_entity_id(data[CONF_TARGET_ENTITY])[0]
    if value is None:
        return None
    if isinstance(value, PowerState):
        name: str = data[CONF_STATE_VALUES][value]
        return _within(float(name), target) if domain in NUMBERS else name
    if domain in SWITCHES:
        return bool(value)
    if not isinstance(value, bool):
        converter, unit = _UNITS[HeaterValue(data[CONF_VALUE])]
        if target.unit in converter.VALID_UNITS:
            value = converter.convert(value, unit, target.unit)
        value *= data[CONF_FACTOR]
    return _within(float(value), target)


def _within(value: float, target: EntityState) -> float:
    if target.minimum is not None:
        value = max(value, target.minimum)
    if target.maximum is not None:
        value = min(value, target.maximum)
    return value


def _is_near(wanted: Written, written: Written | None, dead_band: float) -> bool:
    if isinstance(wanted, str | bool) or isinstance(written, str | bool | None):
        return wanted == written
    return abs(wanted - written) <= dead_band


@callback
def async_point(hass: HomeAssistant, entity_id: str) -> tuple[Link, Point] | None:
    """Return the point of a running link that an entity stands for, if it does."""
    if (found := async_find_point(hass, entity_id)) is None:
        return None
    entry, link_id, key = found
    if entry.state not in (
        ConfigEntryState.LOADED,
        ConfigEntryState.SETUP_IN_PROGRESS,
        ConfigEntryState.UNLOAD_IN_PROGRESS,
    ):
        return None
    runtime = getattr(entry, "runtime_data", None)
    link: Link | None = runtime.links.get(link_id) if runtime else None
    if link is None or key not in link.points:
        return None
    return link, link.points[key]


async def async_give_up(
    hass: HomeAssistant, entity_id: str
) -> HomeAssistantError | None:
    """Take our command of a point back; return what went wrong."""
    if (found := async_point(hass, entity_id)) is None:
        return None
    link, point = found
    try:
        await link.async_give_up(point.key)
    except HomeAssistantError as err:
        return err
    return None


async def async_release_outputs(
    hass: HomeAssistant,
    before: Iterable[ConfigSubentry],
    kept: Iterable[ConfigSubentry] = (),
) -> None:
    """Take back what outputs held that are gone, or that write elsewhere now."""
    for entity_id in sorted(output_targets(before) - output_targets(kept)):
        if error := await async_give_up(hass, entity_id):
            LOGGER.warning("%s could not be released: %s", entity_id, error)


def output_targets(subentries: Iterable[ConfigSubentry]) -> set[str]:
    """Return the entities that bridges among these write to."""
    return {
        subentry.data[CONF_TARGET_ENTITY]
        for subentry in subentries
        if subentry.subentry_type == SUBENTRY_BRIDGE
        and bridge_kind(subentry) is BridgeKind.OUTPUT
    }
