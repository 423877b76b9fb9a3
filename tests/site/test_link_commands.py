"""What is commanded in controllers of the building, and how it is given up."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from bac_py import Client
import pytest

from custom_components.compute_heater.const import DOMAIN
from custom_components.compute_heater.coordinator import Link
from custom_components.compute_heater.store import DATA_HANDOVER
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from simulator.ports import udp_port
from simulator.running import RunningHouse, Settings, running_house
from tests.building.bacnet_peer import BacnetPeer

from .conftest import until
from .plant import add_subentry, bacnet_steps, entity_id, modbus_steps

SETPOINT: dict[str, Any] = {
    "key": "setpoint",
    "name": "DHW setpoint",
    "space": "holding",
    "address": 0,
    "data_type": "int16",
    "scale": 0.1,
    "unit": "°C",
    "writable": True,
    "minimum": 30,
    "maximum": 60,
}
ROOM = SETPOINT | {
    "key": "room",
    "name": "Room setpoint",
    "address": 1,
    "minimum": 5,
    "maximum": 30,
    "write_class": "eeprom",
}
MODE: dict[str, Any] = {
    "key": "mode",
    "name": "Mode",
    "space": "holding",
    "address": 2,
    "data_type": "uint16",
    "states": ["Off", "Heating", "DHW", "Auto"],
    "offset": 1,
    "writable": True,
}
PUMP: dict[str, Any] = {
    "key": "pump",
    "name": "Pump",
    "space": "coil",
    "address": 0,
    "writable": True,
    "role": "pump",
}
METER: dict[str, Any] = {
    "key": "meter",
    "name": "Meter",
    "space": "input",
    "address": 30,
    "data_type": "float32",
    "unit": "kWh",
    "role": "heat_energy",
}


@dataclass(slots=True)
class Links:
    """A site with a BACnet and a Modbus link to one house."""

    hass: HomeAssistant
    house: RunningHouse
    entry: ConfigEntry
    bacnet_id: str
    modbus_id: str

    def link(self, subentry_id: str) -> Link:
        link: Link = self.entry.runtime_data.links[subentry_id]
        return link

    def entity(self, subentry_id: str, key: str, domain: str) -> str:
        return entity_id(self.hass, self.entry, subentry_id, key, domain)

    @property
    def setpoint(self) -> str:
        """The Modbus set point."""
        return self.entity(self.modbus_id, "setpoint", "number")

    @property
    def bacnet_setpoint(self) -> str:
        return self.entity(self.bacnet_id, "analog-value,1", "number")

    @property
    def own_c(self) -> float:
        """What the house's register holds."""
        return float(self.house.house.commands.dhw_setpoint_c.own)

    @property
    def override_c(self) -> float | None:
        """What is commanded by BACnet."""
        override = self.house.house.commands.dhw_setpoint_c.override
        return None if override is None else float(override)

    async def write(self, entity: str, value: Any, **more: Any) -> dict[str, Any]:
        response = await self.hass.services.async_call(
            DOMAIN,
            "write_point",
            {"entity_id": entity, "value": value, **more},
            blocking=True,
            return_response=True,
        )
        assert isinstance(response, dict)
        return response

    async def modbus_away(self) -> None:
        """Take the Modbus device off the network."""
        await self.house._modbus.stop()

    async def modbus_back(self) -> None:
        host, port = self.house.addresses.modbus.split(":")
        await self.house._modbus.start(host, int(port))

    async def crash(self) -> None:
        """End the life of the entry as a crash does: nothing is handed over."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        self.hass.data[DATA_HANDOVER].clear()

    async def start(self) -> None:
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done()


@pytest.fixture
async def links(hass: HomeAssistant, site: ConfigEntry) -> AsyncIterator[Links]:
    """Set both links up; the house stands still."""
    async with running_house(Settings()) as house:
        house.task.cancel()
        yield Links(
            hass,
            house,
            site,
            await add_subentry(hass, site, "bacnet", *bacnet_steps(house)),
            await add_subentry(
                hass,
                site,
                "modbus",
                *modbus_steps(house, [SETPOINT, ROOM, MODE, PUMP, METER]),
            ),
        )
        if hass.config_entries.async_get_entry(site.entry_id):
            await hass.config_entries.async_unload(site.entry_id)


@pytest.mark.parametrize("how", ["disable", "remove", "remove link", "untick", "stop"])
async def test_given_up(links: Links, how: str) -> None:
    """Whatever ends our responsibility puts back what was there before."""
    hass, entry = links.hass, links.entry
    before_c = links.own_c
    await links.write(links.setpoint, 55)
    await links.write(links.setpoint, 57)
    await links.write(links.bacnet_setpoint, 58)
    assert (links.own_c, links.override_c) == (57, 58)
    match how:
        case "disable":
            await hass.config_entries.async_set_disabled_by(
                entry.entry_id, ConfigEntryDisabler.USER
            )
        case "remove":
            await hass.config_entries.async_remove(entry.entry_id)
        case "remove link":
            for link_id in (links.modbus_id, links.bacnet_id):
                hass.config_entries.async_remove_subentry(entry, link_id)
                await hass.async_block_till_done()
        case "untick":
            for link_id in (links.modbus_id, links.bacnet_id):
                subentry = entry.subentries[link_id]
                points = [row | {"writable": False} for row in subentry.data["points"]]
                hass.config_entries.async_update_subentry(
                    entry, subentry, data={**subentry.data, "points": points}
                )
                await hass.async_block_till_done()
        case "stop":
            await hass.async_stop(force=True)
    assert links.own_c == before_c
    assert links.override_c is None


async def test_a_reload_writes_nothing(links: Links) -> None:
    await links.write(links.setpoint, 55)
    await links.write(links.bacnet_setpoint, 58)
    counters = links.house.counters
    written = counters.modbus_writes, counters.bacnet_writes
    assert await links.hass.config_entries.async_reload(links.entry.entry_id)
    assert (counters.modbus_writes, counters.bacnet_writes) == written
    assert links.link(links.modbus_id).ledger.commands["setpoint"].value == 55


async def test_after_a_crash(links: Links) -> None:
    """The next start gives up what the last life left, at the first contact."""
    before_c = links.own_c
    await links.write(links.setpoint, 55)
    await links.write(links.bacnet_setpoint, 58)
    await links.crash()
    assert (links.own_c, links.override_c) == (55, 58)
    await links.start()
    assert links.own_c == before_c
    assert links.override_c is None
    assert links.link(links.modbus_id).memory["commands"] == {}


async def test_crash_and_nobody_answers(links: Links) -> None:
    """A controller that is away at the start is released when it is back."""
    before_c = links.own_c
    await links.write(links.setpoint, 55)
    await links.crash()
    await links.modbus_away()
    await links.start()
    link = links.link(links.modbus_id)
    assert not link.last_update_success
    assert link.ledger.orphans == {"setpoint"}
    assert links.own_c == 55
    await links.modbus_back()
    await link.async_refresh()
    assert link.last_update_success
    assert links.own_c == before_c


async def test_who_commands_anew_after_a_crash_takes_over(links: Links) -> None:
    """What is put back then is what was there before the first of both lives."""
    before_c = links.own_c
    await links.write(links.setpoint, 55)
    await links.crash()
    await links.modbus_away()
    await links.start()
    await links.modbus_back()
    await links.link(links.modbus_id).async_write("setpoint", 56.0)
    await links.link(links.modbus_id).async_refresh()
    assert links.own_c == 56
    await links.hass.async_stop(force=True)
    assert links.own_c == before_c


async def test_a_setting_is_kept_and_spared(links: Links) -> None:
    """A memory that wears is written once a minute, on change, and for good."""
    commands = links.house.house.commands
    counters = links.house.counters
    room = links.entity(links.modbus_id, "room", "number")
    response = await links.write(room, 22)
    assert response == {"value": 22, "unit": "°C", "commanded": False}
    written = counters.modbus_writes
    link = links.link(links.modbus_id)
    link.ledger.written_at.clear()
    await links.write(room, 22)
    assert counters.modbus_writes == written
    await links.write(room, 23)
    with pytest.raises(ServiceValidationError) as refused:
        await links.write(room, 24)
    assert refused.value.translation_key == "point_too_soon"
    assert commands.room_setpoint_c.own == 23
    assert link.counters["settings_written"] == {"room": 2}
    await links.hass.async_stop(force=True)
    assert commands.room_setpoint_c.own == 23


async def test_a_command_with_a_lifetime(links: Links) -> None:
    """It lapses unless it is repeated."""
    before_c = links.own_c
    link = links.link(links.modbus_id)
    await links.write(links.setpoint, 55, duration={"seconds": 60})
    await link.async_refresh()
    assert links.own_c == 55
    writes = links.house.counters.modbus_writes
    await links.write(links.setpoint, 55, duration={"minutes": 5})
    assert links.house.counters.modbus_writes == writes
    command = link.ledger.commands["setpoint"]
    assert command.until is not None
    assert command.until - links.hass.loop.time() > 200
    link.ledger.commands["setpoint"] = replace(
        command, until=links.hass.loop.time() - 1
    )
    link._next_read_s.clear()
    await link.async_refresh()
    assert links.own_c == before_c
    state = links.hass.states.get(links.setpoint)
    assert state is not None
    assert float(state.state) == before_c


async def test_a_cyclic_value_is_repeated(
    hass: HomeAssistant, site: ConfigEntry, house: RunningHouse
) -> None:
    """At half its time, and no more once it is released."""
    cyclic = SETPOINT | {"write_class": "cyclic", "ttl_s": 60}
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house, [cyclic]))
    link: Link = site.runtime_data.links[link_id]
    await link.async_write("setpoint", 55.0)
    writes = house.counters.modbus_writes

    async def half_a_life_later() -> None:
        for key, command in link.ledger.commands.items():
            link.ledger.commands[key] = replace(
                command, written_at=command.written_at - 30
            )
        link._next_read_s.clear()
        await link.async_refresh()

    await half_a_life_later()
    assert house.counters.modbus_writes == writes + 1
    link._next_read_s.clear()
    await link.async_refresh()
    assert house.counters.modbus_writes == writes + 1
    await link.async_give_up("setpoint")
    await half_a_life_later()
    assert house.counters.modbus_writes == writes + 1


async def test_dead_band(
    hass: HomeAssistant, site: ConfigEntry, house: RunningHouse
) -> None:
    """Small changes of our own command are not worth a write; others' are."""
    house.task.cancel()
    points = [SETPOINT | {"dead_band": 1}]
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house, points))
    link: Link = site.runtime_data.links[link_id]
    await link.async_write("setpoint", 55.0)
    await link.async_write("setpoint", 56.0)
    assert house.house.commands.dhw_setpoint_c.own == 55
    await link.async_write("setpoint", 56.1)
    assert house.house.commands.dhw_setpoint_c.own == 56.1
    house.house.commands.dhw_setpoint_c.own = 40
    await link.async_request_point("setpoint")
    await until(lambda: link.data["setpoint"] == 40)
    await link.async_write("setpoint", 56.0)
    assert house.house.commands.dhw_setpoint_c.own == 56


async def test_actions(links: Links, bacnet: Client) -> None:
    """Values are understood as people write them, and what came of it is told."""
    mode = links.entity(links.modbus_id, "mode", "select")
    pump = links.entity(links.modbus_id, "pump", "switch")
    commands = links.house.house.commands
    assert await links.write(links.setpoint, "52.5") == {
        "value": 52.5,
        "unit": "°C",
        "commanded": True,
    }
    assert (await links.write(mode, "DHW"))["value"] == "DHW"
    assert (await links.write(mode, 2))["value"] == "Heating"
    for on in (True, "on", "true"):
        assert (await links.write(pump, on))["value"] is True
    assert links.house.house.loop.pump_command is True
    for off in (False, "off", "False"):
        assert (await links.write(pump, off))["value"] is False
    await links.write(links.bacnet_setpoint, 51)
    assert commands.dhw_setpoint_c.value == 51
    response = await links.hass.services.async_call(
        DOMAIN,
        "release_point",
        {"entity_id": links.bacnet_setpoint},
        blocking=True,
        return_response=True,
    )
    assert response == {"value": 52.5, "unit": "°C", "commanded": False}
    slots: Any = await bacnet.read(
        links.house.addresses.bacnet, "av,1", "priority-array"
    )
    assert [slot for slot in slots if slot is not None] == []


@pytest.mark.parametrize(
    ("key", "domain", "value", "error"),
    [
        ("setpoint", "number", 29.9, "point_refused"),
        ("setpoint", "number", 61, "point_refused"),
        ("setpoint", "number", float("nan"), "point_refused"),
        ("setpoint", "number", "warm", "not_a_value"),
        ("setpoint", "number", True, "not_a_value"),
        ("mode", "select", "Party", "not_a_value"),
        ("mode", "select", 5, "point_refused"),
        ("mode", "select", 1.5, "point_refused"),
        ("pump", "switch", "maybe", "not_a_value"),
        ("pump", "switch", 1, "not_a_value"),
        ("meter", "sensor", 1, "point_refused"),
    ],
)
async def test_bad_values(
    links: Links, key: str, domain: str, value: Any, error: str
) -> None:
    """They are refused with the reason, and nothing is sent."""
    entity = links.entity(links.modbus_id, key, domain)
    with pytest.raises(ServiceValidationError) as refused:
        await links.write(entity, value)
    assert refused.value.translation_key == error
    assert links.house.counters.modbus_writes == 0
    assert links.link(links.modbus_id).ledger.commands == {}


async def test_not_a_point(links: Links) -> None:
    """Other entities, and points of a site that does not run, are refused."""
    strategy = links.entity("", "strategy", "select")
    for entity in (strategy, "sun.sun"):
        with pytest.raises(ServiceValidationError) as refused:
            await links.write(entity, 1)
        assert refused.value.translation_key == "not_a_point"
    setpoint = links.setpoint
    await links.hass.config_entries.async_unload(links.entry.entry_id)
    with pytest.raises(ServiceValidationError) as refused:
        await links.write(setpoint, 50)
    assert refused.value.translation_key == "site_not_loaded"


async def test_old_value_of_an_object_without_priorities(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """BACnet objects that cannot be relinquished get their old value back."""
    peer = BacnetPeer()
    await peer.start()
    try:
        connection = {
            "address": peer.address,
            "local": {"interface": "127.0.0.1/8", "local_port": udp_port("127.0.0.1")},
        }
        key = "analog-value,2"
        points = {"read": [key], "write": [key]}
        link_id = await add_subentry(
            hass, site, "bacnet", {"next_step_id": "address"}, connection, points, {}
        )
        link: Link = site.runtime_data.links[link_id]
        await link.async_write(key, 55.0)
        assert peer.object("analog-value", 2).presentValue == 55
        await hass.config_entries.async_unload(site.entry_id)
        hass.data[DATA_HANDOVER].clear()
        assert peer.object("analog-value", 2).presentValue == 55
        await hass.config_entries.async_setup(site.entry_id)
        await hass.async_block_till_done()
        assert peer.object("analog-value", 2).presentValue == 50
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await peer.stop()


async def test_what_could_not_be_put_back_is_not_written(links: Links) -> None:
    """Without an old value there is no command."""
    link = links.link(links.modbus_id)
    await links.modbus_away()
    with pytest.raises(HomeAssistantError) as failed:
        await link.async_write("setpoint", 55.0)
    assert failed.value.translation_key == "point_not_written"
    assert link.ledger.commands == {}
    await links.modbus_back()
