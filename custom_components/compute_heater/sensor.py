"""Sensors of the site, its heaters, its consumers and the building."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    Platform,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolumeFlowRate,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .building.points import Point, PointKind
from .const import CONF_VOLUME, CONF_WORK
from .control.power_state import measured_state
from .control.reasons import Reason
from .coordinator import ComputeHeaterConfigEntry, Link
from .entity import (
    HeaterEntity,
    ModuleEntity,
    PointEntity,
    SinkEntity,
    SiteEntity,
    async_drop_sink_entity,
    point_platform,
)
from .heater_coordinator import HeaterCoordinator
from .heaters.boinc_status import SUSPENDED_REASONS
from .heaters.model import ModuleCondition, ModuleReading, PowerState
from .modules import async_watch_modules
from .one_by_one import one_by_one
from .plan_view import ask_price, next_compute, planned_cost, planned_power_w
from .point_classes import sensor_class, state_class
from .site import SiteCoordinator, SiteData
from .site_heater import SiteHeater
from .site_sink import SiteSink

PARALLEL_UPDATES = 0

_REASONS = [reason.value for reason in Reason]
_NOT_SUSPENDED = "none"


@dataclass(frozen=True, kw_only=True)
class HeaterSensorDescription(SensorEntityDescription):
    """Describe a sensor of a heater."""

    value_fn: Callable[[SiteHeater], float | str | None]
    coolant_field: str | None = None
    """Only for heaters that can tell this field of their reading."""
    needs_work: bool = False
    """Only for heaters with a work layer."""


@dataclass(frozen=True, kw_only=True)
class SinkSensorDescription(SensorEntityDescription):
    """Describe a sensor of a heat consumer."""

    value_fn: Callable[[SiteSink], float | datetime | None]
    exists_fn: Callable[[SiteSink], bool] = lambda _sink: True


@dataclass(frozen=True, kw_only=True)
class SiteSensorDescription(SensorEntityDescription):
    """Describe a sensor of the site."""

    value_fn: Callable[[SiteData], float | str | None]


@dataclass(frozen=True, kw_only=True)
class PlanSensorDescription(SensorEntityDescription):
    """Describe a sensor of the plan."""

    value_fn: Callable[[SiteCoordinator], float | datetime | None]
    unit_fn: Callable[[str], str] | None = None
    """Makes the unit from the currency."""


def _efficiency(heater: SiteHeater) -> float | None:
    """Heat out of electricity in, in percent, over the life of the counters."""
    energy, heat = heater.coordinator.energy, heater.coordinator.heat
    if not energy.total_kwh or heat.total_kwh is None:
        return None
    return 100 * heat.total_kwh / energy.total_kwh


def _suspended_reason(heater: SiteHeater) -> str | None:
    """Why BOINC does not compute; unknown while it does not answer."""
    reading = heater.coordinator.data
    if reading.suspended_reason is not None:
        return reading.suspended_reason
    return None if reading.work_share is None else _NOT_SUSPENDED


HEATER_SENSORS: tuple[HeaterSensorDescription, ...] = (
    HeaterSensorDescription(
        key="power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda heater: heater.coordinator.data.power_w,
    ),
    HeaterSensorDescription(
        key="power_limit",
        translation_key="power_limit",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        suggested_display_precision=0,
        value_fn=lambda heater: heater.coordinator.data.power_limit_w,
    ),
    HeaterSensorDescription(
        key="thermal_power",
        translation_key="thermal_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        coolant_field="heat_w",
        value_fn=lambda heater: heater.coordinator.data.heat_w,
    ),
    HeaterSensorDescription(
        key="energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=2,
        value_fn=lambda heater: heater.coordinator.energy.total_kwh,
    ),
    HeaterSensorDescription(
        key="heat_delivered",
        translation_key="heat_delivered",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=2,
        coolant_field="heat_w",
        value_fn=lambda heater: heater.coordinator.heat.total_kwh,
    ),
    HeaterSensorDescription(
        key="supply_temperature",
        translation_key="supply_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        coolant_field="supply_c",
        value_fn=lambda heater: heater.coordinator.data.supply_c,
    ),
    HeaterSensorDescription(
        key="return_temperature",
        translation_key="return_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        coolant_field="return_c",
        value_fn=lambda heater: heater.coordinator.data.return_c,
    ),
    HeaterSensorDescription(
        key="coolant_temperature",
        translation_key="coolant_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        suggested_display_precision=1,
        coolant_field="coolant_c",
        value_fn=lambda heater: heater.coordinator.data.coolant_c,
    ),
    HeaterSensorDescription(
        key="flow",
        translation_key="flow",
        device_class=SensorDeviceClass.VOLUME_FLOW_RATE,
        native_unit_of_measurement=UnitOfVolumeFlowRate.LITERS_PER_MINUTE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        coolant_field="flow_lpm",
        value_fn=lambda heater: heater.coordinator.data.flow_lpm,
    ),
    HeaterSensorDescription(
        key="utilisation",
        translation_key="utilisation",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda heater: heater.coordinator.data.utilisation_percent,
    ),
    HeaterSensorDescription(
        key="power_state",
        translation_key="power_state",
        device_class=SensorDeviceClass.ENUM,
        options=[state.value for state in PowerState],
        value_fn=lambda heater: measured_state(
            heater.coordinator.data, heater.settings
        ),
    ),
    HeaterSensorDescription(
        key="efficiency",
        translation_key="efficiency",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        suggested_display_precision=1,
        coolant_field="heat_w",
        value_fn=_efficiency,
    ),
    HeaterSensorDescription(
        key="reason",
        translation_key="reason",
        device_class=SensorDeviceClass.ENUM,
        options=_REASONS,
        value_fn=lambda heater: heater.decision.reason if heater.decision else None,
    ),
    HeaterSensorDescription(
        key="suspended_reason",
        translation_key="suspended_reason",
        device_class=SensorDeviceClass.ENUM,
        options=[_NOT_SUSPENDED, *SUSPENDED_REASONS],
        entity_category=EntityCategory.DIAGNOSTIC,
        needs_work=True,
        value_fn=_suspended_reason,
    ),
)

MODULE_STATE = SensorEntityDescription(
    key="power_state",
    translation_key="module_power_state",
    device_class=SensorDeviceClass.ENUM,
    options=[condition.value for condition in ModuleCondition],
)

SINK_SENSORS: tuple[SinkSensorDescription, ...] = (
    SinkSensorDescription(
        key="heat_demand",
        translation_key="heat_demand",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda sink: sink.demand.heat_w if sink.is_known else None,
    ),
    SinkSensorDescription(
        key="stored_energy",
        translation_key="stored_energy",
        device_class=SensorDeviceClass.ENERGY_STORAGE,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        exists_fn=lambda sink: CONF_VOLUME in sink.subentry.data,
        value_fn=lambda sink: sink.demand.stored_kwh,
    ),
    SinkSensorDescription(
        key="state_of_charge",
        translation_key="state_of_charge",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda sink: sink.demand.charge_percent,
    ),
    SinkSensorDescription(
        key="time_to_comfort_limit",
        translation_key="time_to_comfort_limit",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
        value_fn=lambda sink: sink.demand.hours_to_limit,
    ),
    SinkSensorDescription(
        key="heat_curve",
        translation_key="heat_curve",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        exists_fn=lambda sink: sink.has_curve,
        value_fn=lambda sink: sink.demand.curve_c,
    ),
    SinkSensorDescription(
        key="last_disinfection",
        translation_key="last_disinfection",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        exists_fn=lambda sink: sink.disinfection is not None,
        value_fn=lambda sink: sink.disinfection.done_at if sink.disinfection else None,
    ),
)
LATEST_START = SensorEntityDescription(
    key="latest_start",
    translation_key="latest_start",
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_registry_enabled_default=False,
)
# The rate of fall is never known better.
_START_ACCURACY = timedelta(minutes=5)

SITE_SENSORS: tuple[SiteSensorDescription, ...] = (
    SiteSensorDescription(
        key="heat_demand",
        translation_key="heat_demand",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda data: data.demand_w,
    ),
    SiteSensorDescription(
        key="compute_heat",
        translation_key="compute_heat",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda data: data.heat_w,
    ),
    SiteSensorDescription(
        key="reason",
        translation_key="reason",
        device_class=SensorDeviceClass.ENUM,
        options=_REASONS,
        value_fn=lambda data: data.reason,
    ),
)

PLAN_SENSORS: tuple[PlanSensorDescription, ...] = (
    PlanSensorDescription(
        key="planned_power",
        translation_key="planned_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=planned_power_w,
    ),
    PlanSensorDescription(
        key="next_compute",
        translation_key="next_compute",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=next_compute,
    ),
    PlanSensorDescription(
        key="planned_cost",
        translation_key="planned_cost",
        device_class=SensorDeviceClass.MONETARY,
        suggested_display_precision=2,
        unit_fn=lambda currency: currency,
        value_fn=planned_cost,
    ),
    PlanSensorDescription(
        key="ask_price",
        translation_key="ask_price",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=3,
        unit_fn=lambda currency: f"{currency}/{UnitOfEnergy.KILO_WATT_HOUR}",
        value_fn=ask_price,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a site and its parts."""
    runtime = entry.runtime_data
    async_add_entities(SiteSensor(entry, each) for each in SITE_SENSORS)
    async_add_entities(PlanSensor(entry, each) for each in PLAN_SENSORS)
    async for heater_id, heater in one_by_one(runtime.site.heaters.items()):
        async_add_entities(
            (
                HeaterSensor(entry, heater, each)
                for each in HEATER_SENSORS
                if _has(heater.coordinator, each)
            ),
            config_subentry_id=heater_id,
        )
        _watch_modules(entry, heater.coordinator, async_add_entities)
    for sink_id, sink in runtime.site.sinks.items():
        async_add_entities(
            (
                SinkSensor(entry, sink, each)
                for each in SINK_SENSORS
                if each.exists_fn(sink)
            ),
            config_subentry_id=sink_id,
        )
        async_add_entities([LatestStart(entry, sink)], config_subentry_id=sink_id)
        for each in SINK_SENSORS:
            if not each.exists_fn(sink):
                async_drop_sink_entity(hass, entry, sink, Platform.SENSOR, each)
    for link_id, link in runtime.links.items():
        async_add_entities(
            (
                PointSensor(entry, link, point)
                for point in link.points.values()
                if point_platform(point) is Platform.SENSOR
            ),
            config_subentry_id=link_id,
        )


def _has(coordinator: HeaterCoordinator, sensor: HeaterSensorDescription) -> bool:
    """Whether a heater can ever know what a sensor shows."""
    if sensor.needs_work and CONF_WORK not in coordinator.subentry.data:
        return False
    field = sensor.coolant_field
    return field is None or coordinator.capabilities.can_read(field)


@callback
def _watch_modules(
    entry: ComputeHeaterConfigEntry,
    coordinator: HeaterCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    @callback
    def add(modules: Sequence[ModuleReading], enabled: bool) -> None:
        async_add_entities(
            (ModuleSensor(entry, coordinator, each, enabled) for each in modules),
            config_subentry_id=coordinator.subentry.subentry_id,
        )

    async_watch_modules(entry, coordinator, add)


class SiteSensor(SiteEntity, SensorEntity):
    """A sensor of the site."""

    entity_description: SiteSensorDescription

    @property
    @override
    def native_value(self) -> float | str | None:
        return self.entity_description.value_fn(self.coordinator.data)


class PlanSensor(SiteEntity, SensorEntity):
    """What is planned; unknown while no plan is followed."""

    entity_description: PlanSensorDescription

    def __init__(
        self, entry: ComputeHeaterConfigEntry, description: PlanSensorDescription
    ) -> None:
        """Take the unit of money from Home Assistant."""
        super().__init__(entry, description)
        if description.unit_fn is not None:
            currency = self.coordinator.hass.config.currency
            self._attr_native_unit_of_measurement = description.unit_fn(currency)

    @property
    @override
    def native_value(self) -> float | datetime | None:
        return self.entity_description.value_fn(self.coordinator)


class HeaterSensor(HeaterEntity, SensorEntity):
    """A sensor of a heater."""

    entity_description: HeaterSensorDescription

    @property
    @override
    def native_value(self) -> float | str | None:
        return self.entity_description.value_fn(self.heater)


class ModuleSensor(ModuleEntity, SensorEntity):
    """Where a module is between off and working."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        coordinator: HeaterCoordinator,
        module: ModuleReading,
        enabled: bool,
    ) -> None:
        """Be disabled at first where there are many."""
        super().__init__(entry, coordinator, module, MODULE_STATE)
        self._attr_entity_registry_enabled_default = enabled

    @property
    @override
    def native_value(self) -> ModuleCondition | None:
        return self.module.condition if self.module else None


class SinkSensor(SinkEntity, SensorEntity):
    """A sensor of a heat consumer."""

    entity_description: SinkSensorDescription

    @property
    @override
    def native_value(self) -> float | datetime | None:
        return self.entity_description.value_fn(self.sink)


class LatestStart(SinkEntity, SensorEntity):
    """When heating has to begin at the latest; in the past once it should have."""

    def __init__(self, entry: ComputeHeaterConfigEntry, sink: SiteSink) -> None:
        """Know nothing yet."""
        super().__init__(entry, sink, LATEST_START)
        self._latest: datetime | None = None

    @property
    @override
    def native_value(self) -> datetime | None:
        hours, latest = self.sink.demand.hours_to_start, self._latest
        if hours is None:
            self._latest = None
            return None
        now = dt_util.utcnow()
        start = now + timedelta(hours=hours)
        if latest is not None and (
            abs(start - latest) < _START_ACCURACY or (not hours and latest <= now)
        ):
            return latest
        self._latest = start
        return start


class PointSensor(PointEntity, SensorEntity):
    """An analog or multi-state point that is only read."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        link: Link,
        point: Point,
    ) -> None:
        """Take class and unit from the point."""
        super().__init__(entry, link, point)
        if point.kind is PointKind.MULTISTATE and point.states:
            self._attr_device_class = SensorDeviceClass.ENUM
            self._attr_options = list(dict.fromkeys(point.states))
            return
        self._attr_native_unit_of_measurement = point.unit
        self._attr_device_class = sensor_class(point)
        self._attr_state_class = state_class(point)
        if self._attr_device_class is SensorDeviceClass.TEMPERATURE:
            self._attr_suggested_display_precision = 1

    @property
    @override
    def native_value(self) -> float | str | None:
        if (value := self.present_value) is None:
            return None
        if self._attr_device_class is SensorDeviceClass.ENUM:
            number = int(value)
            known = 1 <= number <= len(self.point.states)
            return self.point.states[number - 1] if known else None
        return float(value)
