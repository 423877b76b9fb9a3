"""A prepared dashboard of stock cards, and the energy dashboard's settings."""

from .hass_client import HassClient, Json
from .installation import Installation

URL_PATH = "compute-heater"
TREND_HOURS = 1 / 6


async def prepare_dashboards(client: HassClient, installation: Installation) -> None:
    """Create both and make the first the page that everybody starts with."""
    entity = installation.entity
    await client.command(
        "lovelace/dashboards/create",
        url_path=URL_PATH,
        title="Compute heating",
        icon="mdi:heating-coil",
        mode="storage",
    )
    await client.command(
        "lovelace/config/save", url_path=URL_PATH, config=_view(entity)
    )
    await client.command(
        "frontend/set_system_data", key="core", value={"default_panel": URL_PATH}
    )
    await client.command("energy/save_prefs", **_energy(entity))
    # Prices are small numbers.
    await client.command(
        "config/entity_registry/update",
        entity_id=entity["price"],
        options_domain="sensor",
        options={"display_precision": 3},
    )


def _energy(entity: dict[str, str]) -> Json:
    """Return the settings of the energy dashboard.

    The house has no meter at its mains connection, so the meters of both heat sources
    stand for it; each is also a device with its own power.
    """
    meters = (
        ("Compute heater", "energy", "power"),
        ("Heat pump", "backup_energy", "heat_pump_power"),
    )
    return {
        "energy_sources": [
            {
                "type": "grid",
                "name": name,
                "stat_energy_from": entity[energy],
                "stat_rate": entity[power],
                "entity_energy_price": entity["price"],
                "cost_adjustment_day": 0,
            }
            for name, energy, power in meters
        ],
        "device_consumption": [
            {
                "stat_consumption": entity[energy],
                "stat_rate": entity[power],
                "name": name,
            }
            for name, energy, power in meters
        ],
        "device_consumption_water": [],
    }


def _view(entity: dict[str, str]) -> Json:
    return {
        "title": "Compute heating",
        "views": [
            {
                "title": "Heating",
                "path": "heating",
                "type": "sections",
                "max_columns": 4,
                "sections": [
                    _heater(entity),
                    _hot_water(entity),
                    _floor(entity),
                    _site(entity),
                    _plan(entity),
                    _trends(entity),
                ],
            }
        ],
    }


def _section(title: str, icon: str, cards: list[Json], **fields: object) -> Json:
    heading = {"type": "heading", "heading": title, "icon": icon}
    return {"type": "grid", "cards": [heading, *cards], **fields}


def _tile(
    entity_id: str, name: str, color: str | None = None, **fields: object
) -> Json:
    tile: Json = {"type": "tile", "entity": entity_id, "name": name, **fields}
    return tile if color is None else tile | {"color": color}


def _wide(rows: int | str = "auto") -> Json:
    return {"grid_options": {"columns": 12, "rows": rows}}


def _heater(entity: dict[str, str]) -> Json:
    return _section(
        "Compute heater",
        "mdi:server",
        [
            {
                "type": "thermostat",
                "entity": entity["heater"],
                "name": "Compute heater",
                "features": [{"type": "climate-hvac-modes"}],
            },
            _tile(entity["power"], "Power", "deep-orange"),
            _tile(entity["thermal_power"], "Heat to the house", "red"),
            _tile(entity["power_state"], "Power state", "amber"),
            _tile(entity["utilisation"], "Utilisation", "blue"),
            _tile(entity["heater_reason"], "Why", "blue-grey", **_wide()),
        ],
    )


def _hot_water(entity: dict[str, str]) -> Json:
    return _section(
        "Hot water",
        "mdi:water-boiler",
        [
            {
                "type": "thermostat",
                "entity": entity["tank"],
                "name": "Hot-water tank",
            },
            _tile(entity["tank_top"], "Tank top", "red"),
            _tile(entity["tank_bottom"], "Tank bottom", "light-blue"),
            _tile(entity["tank_charge"], "State of charge", "green"),
            _tile(entity["tank_demand"], "Heat demand", "deep-orange"),
        ],
    )


def _floor(entity: dict[str, str]) -> Json:
    return _section(
        "Floor heating",
        "mdi:heating-coil",
        [
            {
                "type": "thermostat",
                "entity": entity["floor"],
                "name": "Living room",
            },
            _tile(entity["house_demand"], "Building asks for", "orange"),
            _tile(entity["floor_demand"], "Heat demand", "deep-orange"),
            _tile(entity["outdoor"], "Outdoors", "light-blue"),
            _tile(entity["heat_pump_heat"], "Heat pump", "purple"),
        ],
    )


def _site(entity: dict[str, str]) -> Json:
    compute = f"states('{entity['compute_heat_meter']}') | float(0)"
    backup = f"states('{entity['backup_heat_meter']}') | float(0)"
    share = (
        f"{{% set compute = {compute} %}}{{% set backup = {backup} %}}"
        "| Heat from | kWh |\n|:--|--:|\n"
        "| computing | {{ '%.3f' | format(compute) }} |\n"
        "| heat pump | {{ '%.3f' | format(backup) }} |\n"
        "| **share of computing** | **{{ '%.0f %%' | format(100 * compute / "
        "(compute + backup)) if compute + backup > 0 else '–' }}** |\n"
    )
    return _section(
        "Site",
        "mdi:home-thermometer",
        [
            _tile(
                entity["strategy"],
                "Strategy",
                "teal",
                features=[{"type": "select-options"}],
                **_wide(),
            ),
            _tile(entity["site_reason"], "Why", "blue-grey", **_wide()),
            _tile(entity["demand"], "Heat demand", "deep-orange"),
            _tile(entity["compute_heat"], "Compute heat", "red"),
            _tile(entity["pump"], "Charging pump", "cyan"),
            _tile(entity["valve"], "Valve to the tank", "cyan"),
            _tile(entity["price"], "Electricity", "green"),
            _tile(entity["energy"], "Electricity used", "amber"),
            {"type": "markdown", "content": share, **_wide()},
        ],
    )


def _plan(entity: dict[str, str]) -> Json:
    calendar = entity["plan"]
    step = (
        f"{{% set plan = states.{calendar} %}}"
        "{% if plan.attributes.message %}"
        "**{{ plan.attributes.message }}**, "
        "{{ as_datetime(plan.attributes.start_time).strftime('%H:%M') }}–"
        "{{ as_datetime(plan.attributes.end_time).strftime('%H:%M') }}  \n"
        "{{ plan.attributes.description | replace('\n', '  \n') }}"
        "{% else %}Choose *Optimise* for a plan of the next hours.{% endif %}"
    )
    return _section(
        "Plan",
        "mdi:calendar-clock",
        [
            _tile(entity["planned_power"], "Planned now", "deep-orange"),
            _tile(entity["planned_cost"], "Costs", "green"),
            {"type": "markdown", "content": step, **_wide()},
            {
                "type": "calendar",
                "entities": [calendar],
                "initial_view": "listWeek",
                **_wide(),
            },
        ],
    )


def _trends(entity: dict[str, str]) -> Json:
    def graph(title: str, columns: int | str, *rows: tuple[str, str]) -> Json:
        return {
            "type": "history-graph",
            "title": title,
            "hours_to_show": TREND_HOURS,
            "entities": [{"entity": entity[key], "name": name} for key, name in rows],
            "grid_options": {"columns": columns, "rows": 5},
        }

    return _section(
        "The last ten minutes",
        "mdi:chart-line",
        [
            graph(
                "Temperatures",
                "full",
                ("supply", "Heater supply"),
                ("return", "Heater return"),
                ("tank_top", "Tank top"),
                ("tank_bottom", "Tank bottom"),
            ),
            graph(
                "Power of the heater",
                12,
                ("power", "Electricity"),
                ("thermal_power", "Heat"),
            ),
            graph(
                "Heat",
                12,
                ("demand", "Demand"),
                ("compute_heat", "From computing"),
                ("heat_pump_heat", "From the heat pump"),
            ),
        ],
        column_span=2,
    )
