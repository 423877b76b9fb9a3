"""How links read: poll groups, reports, and what becomes of an outage."""

import asyncio
from collections.abc import AsyncIterator
import logging

import pytest

from custom_components.compute_heater.building import bacnet_cov, bacnet_stack
from custom_components.compute_heater.building.points import PollGroup
from custom_components.compute_heater.coordinator import Link
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from simulator.ports import udp_port
from simulator.running import RunningHouse
from tests.building.bacnet_peer import BacnetPeer

from .conftest import until
from .plant import add_subentry, entity_id, modbus_steps
from .test_link_commands import METER, MODE, PUMP, SETPOINT

AI, AV, BV = "analog-input,1", "analog-value,1", "binary-value,1"


@pytest.fixture
async def modbus(hass: HomeAssistant, site: ConfigEntry, house: RunningHouse) -> Link:
    """Add a Modbus link with points of every group: pump, set point and mode, meter."""
    house.task.cancel()
    points = [PUMP, SETPOINT, MODE, METER]
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house, points))
    link: Link = site.runtime_data.links[link_id]
    return link


@pytest.fixture
async def peer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BacnetPeer]:
    """Run a controller; one that is dead costs less than a second."""
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 300)
    peer = BacnetPeer()
    await peer.start()
    yield peer
    await peer.stop()


async def add_peer(hass: HomeAssistant, site: ConfigEntry, peer: BacnetPeer) -> Link:
    """Add a BACnet link with an input, a value and a switch."""
    connection = {
        "address": peer.address,
        "local": {"interface": "127.0.0.1/8", "local_port": udp_port("127.0.0.1")},
    }
    points = {"read": [AI, AV, BV], "write": []}
    link_id = await add_subentry(
        hass, site, "bacnet", {"next_step_id": "address"}, connection, points, {}
    )
    link: Link = site.runtime_data.links[link_id]
    return link


async def test_poll_groups(modbus: Link) -> None:
    """Each group in its turn; what is not due is neither read nor told anew."""
    assert modbus.fresh == {"pump", "setpoint", "mode", "meter"}
    reads = modbus.counters["reads"]
    await modbus.async_refresh()
    assert modbus.fresh == frozenset()
    assert modbus.counters["reads"] == reads
    for groups, keys in (
        ({PollGroup.FAST}, {"pump"}),
        ({PollGroup.NORMAL}, {"setpoint", "mode"}),
        ({PollGroup.SLOW}, {"meter"}),
        ({PollGroup.FAST, PollGroup.SLOW}, {"pump", "meter"}),
    ):
        for group in groups:
            modbus._next_read_s[group] = 0
        await modbus.async_refresh()
        assert modbus.fresh == keys
    assert set(modbus.data) == {"pump", "setpoint", "mode", "meter"}


async def test_intervals(modbus: Link) -> None:
    """A group is due again after its interval."""
    now = modbus.hass.loop.time()
    waits = {group: at - now for group, at in modbus._next_read_s.items()}
    assert waits == {
        PollGroup.FAST: pytest.approx(10, abs=5),
        PollGroup.NORMAL: pytest.approx(30, abs=5),
        PollGroup.SLOW: pytest.approx(300, abs=5),
    }
    assert modbus.update_interval is not None
    assert modbus.update_interval.total_seconds() == 10


async def test_a_point_is_read_when_asked_for(
    hass: HomeAssistant, modbus: Link, house: RunningHouse
) -> None:
    await async_setup_component(hass, "homeassistant", {})
    setpoint = entity_id(
        hass, modbus.config_entry, modbus.subentry.subentry_id, "setpoint", "number"
    )
    house.house.commands.dhw_setpoint_c.own = 44
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": setpoint}, blocking=True
    )
    await until(lambda: modbus.data["setpoint"] == 44)
    state = hass.states.get(setpoint)
    assert state is not None
    assert state.state == "44.0"


async def test_an_update_of_few_points_writes_few_states(
    hass: HomeAssistant, modbus: Link
) -> None:
    """Entities of points that were not read are not reported anew."""
    link_id = modbus.subentry.subentry_id
    ids = {
        key: entity_id(hass, modbus.config_entry, link_id, key, domain)
        for key, domain in (("pump", "switch"), ("meter", "sensor"))
    }
    before = {key: hass.states.get(each) for key, each in ids.items()}
    modbus._next_read_s[PollGroup.FAST] = 0
    await modbus.async_refresh()
    after = {key: hass.states.get(each) for key, each in ids.items()}
    assert before["pump"] and after["pump"] and before["meter"] and after["meter"]
    assert after["meter"].last_reported == before["meter"].last_reported
    assert after["pump"].last_reported_timestamp > before["pump"].last_changed_timestamp


async def test_reported_points_are_polled_as_a_net(
    hass: HomeAssistant, site: ConfigEntry, peer: BacnetPeer
) -> None:
    """What the controller reports is read seldom, but the link shows it is alive."""
    link = await add_peer(hass, site, peer)
    await until(lambda: len(link.counters["reported"]) == 3)
    peer.object("analog-input", 1).presentValue = 60.0
    await until(lambda: link.data[AI] == 60)
    link._next_read_s[PollGroup.FAST] = link._next_read_s[PollGroup.NORMAL] = 0
    await link.async_refresh()
    assert link.fresh == frozenset()
    link._heard_at_s -= 60
    await link.async_refresh()
    assert len(link.fresh) == 1
    link._next_read_s[PollGroup.SLOW] = 0
    await link.async_refresh()
    assert link.fresh == {AI, AV, BV}


async def test_outage(
    hass: HomeAssistant,
    site: ConfigEntry,
    peer: BacnetPeer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line down, one line up, and values flow again by themselves."""
    monkeypatch.setattr(bacnet_cov, "BACK_OFF_S", (0.2,))
    link = await add_peer(hass, site, peer)
    await until(lambda: len(link.counters["reported"]) == 3)
    caplog.clear()
    await peer.stop()
    for _ in range(3):
        link._next_read_s.clear()
        await link.async_refresh()
    sensor = entity_id(hass, site, link.subentry.subentry_id, AI, "sensor")
    state = hass.states.get(sensor)
    assert state is not None
    assert state.state == "unavailable"

    await peer.start()
    peer.object("analog-input", 1).presentValue = 61.0
    await link.async_refresh()
    state = hass.states.get(sensor)
    assert state is not None
    assert state.state == "61.0"
    # The controller knows nothing of us any more; we subscribe anew.
    await until(lambda: len(link.counters["reported"]) == 3)
    peer.object("analog-input", 1).presentValue = 62.0
    await until(lambda: link.data[AI] == 62)
    lines = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.compute_heater")
        and record.levelno >= logging.INFO
    ]
    assert len(lines) == 2, lines
    assert "does not answer" in lines[0]
    assert "recovered" in lines[1]


async def test_a_controller_that_hangs(
    hass: HomeAssistant, site: ConfigEntry, peer: BacnetPeer
) -> None:
    """It takes everything and answers nothing; then it goes on."""
    link = await add_peer(hass, site, peer)
    peer.app.mute = True
    link._next_read_s.clear()
    async with asyncio.timeout(20):
        await link.async_refresh()
    assert not link.last_update_success
    peer.app.mute = False
    await link.async_refresh()
    assert link.last_update_success
    assert link.data[AI] == 48.3
