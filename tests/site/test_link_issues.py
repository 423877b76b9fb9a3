"""Repair issues of links, and what puts them right."""

from typing import Any

import pytest

from custom_components.compute_heater.const import DOMAIN
from homeassistant.components.repairs.issue_handler import RepairsFlowManager
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from simulator.ports import tcp_port, udp_port
from simulator.running import RunningHouse
from tests.building.bacnet_peer import BacnetPeer, usual_objects

from .conftest import until
from .plant import add_site, add_subentry, entity_id, modbus_steps
from .test_link_commands import SETPOINT
from .test_link_polling import AI, AV, add_peer, peer

__all__ = ["peer"]


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return our issues by translation key."""
    return {
        issue.translation_key or "": issue
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    }


async def fix(hass: HomeAssistant, issue: ir.IssueEntry) -> Any:
    """Go through the dialogue of an issue."""
    assert await async_setup_component(hass, "repairs", {})
    await hass.async_block_till_done()
    manager: RepairsFlowManager = hass.data["repairs"]["flow_manager"]
    form = await manager.async_init(DOMAIN, context={"issue_id": issue.issue_id})
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == issue.translation_placeholders
    result = await manager.async_configure(form["flow_id"], {})
    await hass.async_block_till_done()
    return result


async def test_lost_point(
    hass: HomeAssistant, site: ConfigEntry, peer: BacnetPeer
) -> None:
    """A point that the controller has no more is named; the others go on."""
    link = await add_peer(hass, site, peer)
    link_id = link.subentry.subentry_id
    await peer.stop()
    await peer.start(
        [one for one in usual_objects() if str(one.objectIdentifier) != AV]
    )
    link._next_read_s.clear()
    await link.async_refresh()
    link._next_read_s.clear()
    await link.async_refresh()
    issue = issues(hass)["points_missing"]
    assert issue.translation_placeholders == {
        "link": "controller-3001",
        "count": "1",
        "points": "Leistung",
    }
    lost = hass.states.get(entity_id(hass, site, link_id, AV, "sensor"))
    kept = hass.states.get(entity_id(hass, site, link_id, AI, "sensor"))
    assert lost is not None
    assert kept is not None
    assert lost.state == "unavailable"
    assert kept.state == "48.3"
    assert site.subentries[link_id].data["points"]

    result = await fix(hass, issue)
    kind, flow_id = result["next_flow"]
    assert kind == "config_subentries_flow"
    flow = hass.config_entries.subentries.async_get(flow_id)
    assert flow["handler"] == (site.entry_id, "bacnet")
    assert flow["context"]["subentry_id"] == link_id
    hass.config_entries.subentries.async_abort(flow_id)

    await peer.stop()
    await peer.start()
    for _ in range(2):
        link._next_read_s.clear()
        await link.async_refresh()
    assert issues(hass) == {}
    await hass.config_entries.async_unload(site.entry_id)


async def test_reprogrammed_controller(
    hass: HomeAssistant, site: ConfigEntry, peer: BacnetPeer
) -> None:
    """An object that is another one now is neither believed nor written."""
    connection = {
        "address": peer.address,
        "local": {"interface": "127.0.0.1/8", "local_port": udp_port("127.0.0.1")},
    }
    link_id = await add_subentry(
        hass,
        site,
        "bacnet",
        {"next_step_id": "address"},
        connection,
        {"read": [AI, AV], "write": [AV]},
        {},
    )
    link = site.runtime_data.links[link_id]
    objects = usual_objects()
    for one in objects:
        if str(one.objectIdentifier) == AV:
            one.objectName = "Pump speed"
    await peer.stop()
    peer._device["databaseRevision"] = 7
    link._next_read_s.clear()
    await link.async_refresh()
    assert not link.last_update_success
    await peer.start(objects)
    await link.async_refresh()
    assert issues(hass)["points_changed"].translation_placeholders == {
        "link": "controller-3001",
        "count": "1",
        "points": "Leistung",
    }
    assert link.data[AV] is None
    with pytest.raises(HomeAssistantError) as refused:
        await link.async_write(AV, 100.0)
    assert refused.value.translation_key == "point_refused"
    assert peer.object("analog-value", 1).presentValue == 1500
    assert link.ledger.commands == {}
    await hass.config_entries.async_unload(site.entry_id)


async def test_moved_device(
    hass: HomeAssistant, site: ConfigEntry, peer: BacnetPeer, monkeypatch: Any
) -> None:
    """The new address is offered, and nothing is taken over unasked."""
    link = await add_peer(hass, site, peer)
    link_id = link.subentry.subentry_id
    moved = BacnetPeer()
    await peer.stop()
    await moved.start()
    try:
        # Different ports hear no broadcast of each other; see facts on loopback.
        places = frozenset({moved.address})

        async def answers(_device: Any) -> frozenset[str]:
            return places

        monkeypatch.setattr(type(link._device), "locate", answers)
        link._searched_at_s = None
        link._next_read_s.clear()
        await link.async_refresh()
        await until(lambda: "device_moved" in issues(hass))
        issue = issues(hass)["device_moved"]
        assert issue.translation_placeholders is not None
        assert issue.translation_placeholders["others"] == moved.address
        assert site.subentries[link_id].data["address"] == peer.address
        result = await fix(hass, issue)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert site.subentries[link_id].data["address"] == moved.address
        await until(lambda: site.runtime_data.links[link_id].last_update_success)
        assert issues(hass) == {}
        await hass.config_entries.async_unload(site.entry_id)
    finally:
        await moved.stop()


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], set()),
        (["127.0.0.9:47808"], {"duplicate_instance"}),
        (["127.0.0.9:47808", "12:5"], {"duplicate_instance"}),
    ],
)
async def test_two_devices_with_one_instance(
    hass: HomeAssistant,
    site: ConfigEntry,
    peer: BacnetPeer,
    monkeypatch: Any,
    others: list[str],
    expected: set[str],
) -> None:
    link = await add_peer(hass, site, peer)

    async def answers(device: Any) -> frozenset[str]:
        return frozenset({device.address, *others})

    monkeypatch.setattr(type(link._device), "locate", answers)
    await link._async_search(link._device)
    assert set(issues(hass)) == expected
    await hass.config_entries.async_unload(site.entry_id)
    assert issues(hass) == {}


async def test_hub_in_configuration_yaml(
    hass: HomeAssistant, house: RunningHouse
) -> None:
    """A second connection to the same device is told of; another device's is not."""
    host, port = house.addresses.modbus.split(":")
    sensor = {"name": "outdoor", "address": 0, "input_type": "input"}
    hubs = [
        {"name": name, "type": "tcp", "host": host, "port": number, "sensors": [sensor]}
        for name, number in (
            ("other", tcp_port(host, 0)),
            ("plant", int(port)),
        )
    ]
    assert await async_setup_component(hass, "modbus", {"modbus": hubs})
    site = await add_site(hass)
    await add_subentry(hass, site, "modbus", *modbus_steps(house, [SETPOINT]))
    issue = issues(hass)["modbus_yaml_hub"]
    assert issue.translation_placeholders == {
        "link": "Modbus 127.0.0.1",
        "hub": "plant",
    }
    await hass.config_entries.async_unload(site.entry_id)
