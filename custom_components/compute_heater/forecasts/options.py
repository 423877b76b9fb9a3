"""What the owner of a site chose under its options; empty until the first time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..const import (
    CONF_COMPUTE,
    CONF_DUMP,
    CONF_DUMP_POWER,
    CONF_DUMP_PRICE,
    CONF_FEED_IN,
    CONF_INCOME,
    CONF_OWN_ELECTRICITY,
    CONF_PERSONS,
    CONF_PRICE,
    CONF_PRICES,
    CONF_SURCHARGE,
    CONF_TAX,
    CONF_WEATHER,
)
from ..control.site import SiteDescription

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    CONF_PRICES: {CONF_PRICE: 0.3, CONF_TAX: 0, CONF_SURCHARGE: 0, CONF_FEED_IN: 0.08},
    CONF_OWN_ELECTRICITY: {},
    CONF_WEATHER: {CONF_PERSONS: 3},
    CONF_COMPUTE: {CONF_INCOME: 0},
    CONF_DUMP: {CONF_DUMP_POWER: 0, CONF_DUMP_PRICE: 0},
}


def site_options(entry: ConfigEntry) -> dict[str, dict[str, Any]]:
    """Return the options by section, with the defaults for what is not chosen."""
    return {
        name: {**defaults, **entry.options.get(name, {})}
        for name, defaults in DEFAULTS.items()
    }


def with_options(
    hass: HomeAssistant, entry: ConfigEntry, description: SiteDescription
) -> SiteDescription:
    """Return a description of a site with what its owner chose."""
    options = site_options(entry)
    prices, dump = options[CONF_PRICES], options[CONF_DUMP]
    return replace(
        description,
        heaters=tuple(
            replace(
                heater,
                income_per_kwh=entry.subentries[heater.settings.heater_id].data.get(
                    CONF_INCOME, options[CONF_COMPUTE][CONF_INCOME]
                ),
            )
            for heater in description.heaters
        ),
        latitude=hass.config.latitude,
        longitude=hass.config.longitude,
        persons=options[CONF_WEATHER][CONF_PERSONS],
        usual_price=prices[CONF_PRICE],
        usual_feed_in=prices[CONF_FEED_IN],
        dump_max_w=dump[CONF_DUMP_POWER] * 1000,
        dump_per_kwh=dump[CONF_DUMP_PRICE],
    )
