"""A device made of Home Assistant's own helpers, for a heater to be put together from."""

import asyncio
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .plant import add_subentry, entity_id

SWITCH = "input_boolean.plug"
LIMIT = "input_number.limit"
PERCENT = "input_number.share"
MODE = "input_select.mode"
POWER = "sensor.miner_power"
HELPERS: dict[str, Any] = {
    "input_boolean": {"plug": {}, "alarm": {}, "offline": {}},
    "input_number": {
        "limit": {
            "min": 1000,
            "max": 3000,
            "step": 100,
            "initial": 1000,
            "unit_of_measurement": "W",
        },
        "share": {
            "min": 0,
            "max": 100,
            "step": 5,
            "initial": 0,
            "unit_of_measurement": "%",
        },
        "draw": {"min": 0, "max": 5000, "initial": 0, "unit_of_measurement": "kW"},
        "hot": {"min": 0, "max": 250, "initial": 104, "unit_of_measurement": "°F"},
        "cold": {"min": 0, "max": 100, "initial": 30, "unit_of_measurement": "°C"},
        "water": {"min": 0, "max": 100, "initial": 0, "unit_of_measurement": "L/min"},
    },
    "input_select": {
        "mode": {"options": ["Sleep", "Night", "Heating"], "initial": "Sleep"}
    },
}
# Draws what the limit allows while it is on; can be taken off line.
TEMPLATES: list[dict[str, Any]] = [
    {
        "sensor": [
            {
                "name": "Miner power",
                "state": "{{ states('input_number.draw') | float / 1000 }}",
                "unit_of_measurement": "kW",
                "device_class": "power",
                "availability": "{{ is_state('input_boolean.offline', 'off') }}",
            }
        ],
        "binary_sensor": [
            {
                "name": "Miner alarm",
                "state": "{{ states('input_boolean.alarm') }}",
            },
            {
                "name": "Miner heat",
                "state": "{{ states('input_boolean.alarm') }}",
                "device_class": "heat",
            },
        ],
    }
]
SETTINGS: dict[str, Any] = {
    "standby_power": 0,
    "eco_power": 1500,
    "full_power": 3000,
    "min_on_time": 0,
    "min_off_time": 0,
    "throttle_temperature": 60,
    "trip_temperature": 65,
    "off_powers_down": False,
    "limiter_confirmed": True,
}


def composed_form(**values: Any) -> dict[str, Any]:
    """Return the answers of the form of entities."""
    return {
        "name": "Miner",
        "cuts_mains": False,
        "measurements": values.pop("measurements", {"power": POWER}),
        "switching": {"load_threshold": 25, "unload_time": 120, "switch_time": 20}
        | values.pop("switching", {}),
        **values,
    }


async def set_up_helpers(hass: HomeAssistant, *more: dict[str, Any]) -> None:
    """Set the helpers up through their own integrations."""
    for domain, config in HELPERS.items():
        assert await async_setup_component(hass, domain, {domain: config})
    config = {"template": [*TEMPLATES, *more]}
    assert await async_setup_component(hass, "template", config)
    await hass.async_block_till_done()


@dataclass
class ComposedHouse:
    """A site with a heater of helpers, and a person at its entities."""

    hass: HomeAssistant
    site: ConfigEntry
    heater_id: str

    @property
    def coordinator(self) -> Any:
        """The heater's coordinator; another one after a reload."""
        return self.site.runtime_data.heaters[self.heater_id]

    def entity_id(self, key: str, domain: str) -> str:
        """Return the id of one of the heater's entities."""
        return entity_id(self.hass, self.site, self.heater_id, key, domain)

    def state(self, key: str, domain: str) -> str:
        """Return the state of one of the heater's entities."""
        return self.of(self.entity_id(key, domain))

    def of(self, entity: str) -> str:
        """Return the state of any entity."""
        state = self.hass.states.get(entity)
        assert state is not None
        return state.state

    async def call(self, entity: str, service: str, **data: Any) -> None:
        """Call a service of an entity, and wait for its effect."""
        domain = entity.partition(".")[0]
        await self.hass.services.async_call(
            domain, service, {"entity_id": entity, **data}, blocking=True
        )
        await self.hass.async_block_till_done()

    async def choose(self, state: str) -> None:
        """Choose a power state by hand."""
        entity = self.entity_id("power_state", "select")
        await self.call(entity, "select_option", option=state)

    async def draw(self, watts: float) -> None:
        """Let the device draw a power."""
        await self.call("input_number.draw", "set_value", value=watts)

    async def poll(self) -> None:
        """Read the heater now, and have it follow."""
        await self.coordinator.async_refresh()
        # A second reading in one turn of the loop is decided on in the next.
        await asyncio.sleep(0)
        await self.coordinator.async_finish()


async def compose(
    hass: HomeAssistant, site: ConfigEntry, *steps: dict[str, Any]
) -> ComposedHouse:
    """Add a heater of helpers through its dialogue."""
    heater_id = await add_subentry(
        hass, site, "heater", {"next_step_id": "composed"}, *steps
    )
    return ComposedHouse(hass, site, heater_id)


def register(hass: HomeAssistant, domain: str, name: str) -> str:
    """Return the id of an entity that is in the registry, as integrations add them."""
    entity = er.async_get(hass).async_get_or_create(
        domain, "test", name, suggested_object_id=name
    )
    return entity.entity_id
