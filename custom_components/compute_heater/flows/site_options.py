"""Options of a site: prices and forecasts, for the strategy that plans ahead."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import probatio

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import ATTR_DEVICE_CLASS, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    ObjectSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TimeSelector,
)
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_COMPUTE,
    CONF_DUMP,
    CONF_DUMP_ENTITY,
    CONF_DUMP_POWER,
    CONF_DUMP_PRICE,
    CONF_END,
    CONF_FEED_IN,
    CONF_FEED_IN_ENTITY,
    CONF_GRID_LIMIT_ENTITY,
    CONF_GRID_POWER_ENTITY,
    CONF_INCOME,
    CONF_INCOME_ENTITY,
    CONF_OUTDOOR_ENTITY,
    CONF_OWN_ELECTRICITY,
    CONF_PERSONS,
    CONF_PRICE,
    CONF_PRICE_ENTITIES,
    CONF_PRICE_WINDOWS,
    CONF_PRICES,
    CONF_PV_FORECASTS,
    CONF_PV_POWER_ENTITY,
    CONF_START,
    CONF_SURCHARGE,
    CONF_TAX,
    CONF_WEATHER,
    CONF_WEATHER_ENTITY,
    CONF_WEEKDAYS,
)
from ..control.tariff import TariffError
from ..forecasts.options import site_options
from ..forecasts.price_actions import price_action
from ..forecasts.prices import WEEKDAYS, price_now, series_of, window
from ..forecasts.solar import async_solar_entries
from .link_errors import FormError

_PRICE = EntitySelector(
    EntitySelectorConfig(
        filter=[{"domain": ["sensor", "event", "input_number", "number"]}]
    )
)
_PRICE_LIST = EntitySelector(
    EntitySelectorConfig(
        filter=[{"domain": ["sensor", "event", "input_number", "number"]}],
        multiple=True,
    )
)
_POWER = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["sensor"], "device_class": ["power"]}])
)
_LIMIT = EntitySelector(
    EntitySelectorConfig(
        filter=[
            {"domain": ["sensor"], "device_class": ["power"]},
            {"domain": ["number", "input_number"]},
        ]
    )
)
_COOLER = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["switch", "input_boolean", "fan"]}])
)
_OUTDOOR = EntitySelector(
    EntitySelectorConfig(
        filter=[{"domain": ["sensor"], "device_class": ["temperature"]}]
    )
)
_WEATHER = EntitySelector(
    EntitySelectorConfig(
        filter=[
            {
                "domain": ["weather"],
                "supported_features": ["weather.WeatherEntityFeature.FORECAST_HOURLY"],
            }
        ]
    )
)


class SiteOptionsFlow(OptionsFlow):
    """One form; everything in it may be left as it is."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for prices, own electricity, weather and what computing earns."""
        errors: dict[str, str] = {}
        named = ""
        if user_input is not None:
            try:
                _check(self.hass, user_input)
            except FormError as err:
                errors, named = err.errors, err.detail
            else:
                return self.async_create_entry(data=user_input)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                await _async_schema(self.hass),
                user_input or site_options(self.config_entry),
            ),
            errors=errors,
            description_placeholders={"entity": named},
        )


async def _async_schema(hass: HomeAssistant) -> probatio.Schema:
    per_kwh = f"{hass.config.currency}/kWh"

    def money(minimum: float = -10) -> NumberSelector:
        return _box(minimum, 10, per_kwh, "any")

    forecasts = [
        SelectOptionDict(value=entry.entry_id, label=entry.title)
        for entry in await async_solar_entries(hass)
    ]
    own: dict[Any, Any] = {
        probatio.Optional(CONF_GRID_POWER_ENTITY): _POWER,
        probatio.Optional(CONF_PV_POWER_ENTITY): _POWER,
    }
    if forecasts:
        own[probatio.Optional(CONF_PV_FORECASTS)] = SelectSelector(
            SelectSelectorConfig(options=forecasts, multiple=True)
        )
    own[probatio.Optional(CONF_GRID_LIMIT_ENTITY)] = _LIMIT
    return probatio.Schema(
        {
            probatio.Required(CONF_PRICES): section(
                probatio.Schema(
                    {
                        probatio.Optional(CONF_PRICE_ENTITIES): _PRICE_LIST,
                        probatio.Required(CONF_TAX): _box(0, 100, "%", 0.1),
                        probatio.Required(CONF_SURCHARGE): money(),
                        probatio.Required(CONF_PRICE): money(),
                        probatio.Optional(CONF_PRICE_WINDOWS): _windows(money()),
                        probatio.Required(CONF_FEED_IN): money(),
                        probatio.Optional(CONF_FEED_IN_ENTITY): _PRICE,
                    }
                )
            ),
            probatio.Required(CONF_OWN_ELECTRICITY): section(
                probatio.Schema(own), {"collapsed": True}
            ),
            probatio.Required(CONF_WEATHER): section(
                probatio.Schema(
                    {
                        probatio.Optional(CONF_WEATHER_ENTITY): _WEATHER,
                        probatio.Optional(CONF_OUTDOOR_ENTITY): _OUTDOOR,
                        probatio.Required(CONF_PERSONS): _box(0, 200, None, 1),
                    }
                ),
                {"collapsed": True},
            ),
            probatio.Required(CONF_COMPUTE): section(
                probatio.Schema(
                    {
                        probatio.Required(CONF_INCOME): money(0),
                        probatio.Optional(CONF_INCOME_ENTITY): _PRICE,
                    }
                ),
                {"collapsed": True},
            ),
            probatio.Required(CONF_DUMP): section(
                probatio.Schema(
                    {
                        probatio.Required(CONF_DUMP_POWER): _box(0, 1000, "kW", 0.1),
                        probatio.Required(CONF_DUMP_PRICE): money(0),
                        probatio.Optional(CONF_DUMP_ENTITY): _COOLER,
                    }
                ),
                {"collapsed": True},
            ),
        }
    )


def _box(
    minimum: float, maximum: float, unit: str | None, step: float | Literal["any"]
) -> NumberSelector:
    config = NumberSelectorConfig(
        min=minimum, max=maximum, step=step, mode=NumberSelectorMode.BOX
    )
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def _windows(price: NumberSelector) -> ObjectSelector:
    days = SelectSelector(
        SelectSelectorConfig(
            options=list(WEEKDAYS), multiple=True, translation_key="weekdays"
        )
    )
    return ObjectSelector(
        ObjectSelectorConfig(
            multiple=True,
            label_field=CONF_START,
            description_field=CONF_PRICE,
            translation_key="price_windows",
            fields={
                CONF_START: {"selector": TimeSelector(), "required": True},
                CONF_END: {"selector": TimeSelector(), "required": True},
                CONF_PRICE: {"selector": price, "required": True},
                CONF_WEEKDAYS: {"selector": days},
            },
        )
    )


def _check(hass: HomeAssistant, options: Mapping[str, Any]) -> None:
    """Raise FormError where values make no sense."""
    # Home Assistant shows no errors inside of sections.
    for data in options[CONF_PRICES].get(CONF_PRICE_WINDOWS, ()):
        if not _is_window(data):
            raise FormError({"base": "not_a_window"})
    for entity_id in _money_entities(options):
        if not _tells_prices(hass, entity_id):
            raise FormError({"base": "no_prices"}, entity_id)
    own = options[CONF_OWN_ELECTRICITY]
    if own.get(CONF_PV_POWER_ENTITY) and not own.get(CONF_GRID_POWER_ENTITY):
        raise FormError({"base": "no_grid_power"})


def _is_window(data: Mapping[str, Any]) -> bool:
    try:
        times = window(data)
    except ValueError:
        return False
    return times.start != times.end


def _money_entities(options: Mapping[str, Any]) -> Iterator[str]:
    yield from options[CONF_PRICES].get(CONF_PRICE_ENTITIES, ())
    for name, key in (
        (CONF_PRICES, CONF_FEED_IN_ENTITY),
        (CONF_COMPUTE, CONF_INCOME_ENTITY),
    ):
        if entity_id := options[name].get(key):
            yield entity_id


def _tells_prices(hass: HomeAssistant, entity_id: str) -> bool:
    """Whether prices can be read; one that tells nothing now gets the benefit of doubt."""
    if price_action(hass, entity_id) is not None:
        return True
    state = hass.states.get(entity_id)
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        return True
    if state.attributes.get(ATTR_DEVICE_CLASS) not in (
        None,
        SensorDeviceClass.MONETARY,
    ):
        # A voltage is a number, too.
        return False
    try:
        return bool(
            series_of(state, dt_util.utcnow()).pieces or price_now(state) is not None
        )
    except TariffError:
        return False
