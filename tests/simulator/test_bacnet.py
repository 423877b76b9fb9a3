"""The BACnet/IP device, seen by a client of another make (bac-py)."""

import asyncio
import gc
import socket
from typing import Any

from bac_py import Client, DeviceConfig, decode_cov_values
from bac_py.network.address import BACnetAddress
from bac_py.services.errors import BACnetError
import pytest

from simulator.bacnet_device import BacnetDevice
from simulator.counters import Counters
from simulator.ports import udp_port
from simulator.running import RunningHouse, Settings, running_house

INPUTS = {
    "ai,1": ("DHW tank top", 62),
    "ai,2": ("DHW tank bottom", 62),
    "ai,3": ("Floor supply temperature", 62),
    "ai,4": ("Floor return temperature", 62),
    "ai,5": ("Room temperature", 62),
    "ai,6": ("Outdoor temperature", 62),
    "ai,7": ("Screed temperature", 62),
    "ai,8": ("Buffer temperature", 62),
    "ai,9": ("Charging loop supply temperature", 62),
    "ai,10": ("Charging loop return temperature", 62),
    "ai,11": ("Charging loop flow", 88),
    "ai,12": ("Compute heat power", 48),
    "ai,13": ("PV power", 47),
    "ai,14": ("Electricity price", 95),
    "ai,15": ("Heat pump thermal power", 48),
    "ai,16": ("Heat pump electrical power", 48),
    "bi,1": ("DHW request", None),
    "bi,2": ("Heat pump running", None),
    "bi,3": ("Charging pump running", None),
}
COMMANDS = {
    "av,1": ("DHW setpoint", 50.0),
    "av,2": ("Room setpoint", 21.0),
    "av,3": ("Heat demand", 0.0),
    "av,4": ("Tap flow", 0.0),
    "bv,1": ("Compute heating enable", 1),
    "bv,2": ("Heat pump enable", 1),
    "msv,1": ("Operating mode", 4),
}

SUBSCRIBE = bytes.fromhex("810a0015 0104 00040105 0901 1c04c00001 2900 393c")
"""To the operating mode, for a minute, by unconfirmed notifications."""


async def read_all(
    client: Client, address: str, objects: dict[str, Any], *properties: str
) -> list[dict[str, Any]]:
    answer = await client.read_multiple(
        address, {name: list(properties) for name in objects}
    )
    return list(answer.values())


async def test_every_point_is_there(running: RunningHouse, bacnet: Client) -> None:
    address = running.addresses.bacnet
    devices = await bacnet.who_is(destination=address, timeout=1)
    assert [each.object_identifier.instance_number for each in devices] == [3001]
    assert len(await bacnet.get_object_list(address, 3001)) == 2 + len(INPUTS) + len(
        COMMANDS
    )
    shown = await read_all(bacnet, address, INPUTS, "object-name", "status-flags")
    assert [each["object-name"] for each in shown] == [
        name for name, _ in INPUTS.values()
    ]
    assert {str(each["status-flags"]) for each in shown} == {"BitString('0000')"}
    analog = {key: value for key, value in INPUTS.items() if key.startswith("ai")}
    shown = await read_all(bacnet, address, analog, "units")
    assert [each["units"] for each in shown] == [unit for _, unit in analog.values()]
    shown = await read_all(
        bacnet, address, COMMANDS, "object-name", "present-value", "priority-array"
    )
    assert [(each["object-name"], each["present-value"]) for each in shown] == list(
        COMMANDS.values()
    )
    assert all(each["priority-array"] == [None] * 16 for each in shown)
    assert await bacnet.read(address, "msv,1", "state-text") == [
        "Off",
        "Heating",
        "DHW",
        "Auto",
    ]


async def test_inputs_show_the_house(running: RunningHouse, bacnet: Client) -> None:
    address = running.addresses.bacnet
    assert await bacnet.read(address, "ai,1", "pv") == pytest.approx(47.2, abs=0.01)
    assert await bacnet.read(address, "ai,5", "pv") == pytest.approx(21.4, abs=0.01)
    running.house.tank.layers_c = [44.0, 43.0, 42.0, 41.0]
    running.house.loop.pump_command = True
    running.advance(5)
    house = running.house
    shown = await read_all(bacnet, address, INPUTS, "present-value")
    assert [each["present-value"] for each in shown] == [
        pytest.approx(value, abs=0.01)
        for value in (
            house.tank.top_c,
            house.tank.bottom_c,
            house.floor.supply_c,
            house.floor.return_c,
            house.floor.room_c,
            house.conditions.outdoor_c,
            house.floor.screed_c,
            house.floor.buffer_c,
            house.supply_c,
            house.return_c,
            8.0,
            0.0,
            house.pv_power_w,
            house.price_per_kwh,
            house.heat_pump.thermal_w / 1000,
            house.heat_pump.electrical_w / 1000,
            1,
            int(house.heat_pump.running),
            1,
        )
    ]


async def test_priorities_and_relinquish(running: RunningHouse, bacnet: Client) -> None:
    address, demand = (
        running.addresses.bacnet,
        running.house.commands.heat_demand_percent,
    )
    await bacnet.write(address, "av,3", "pv", 20.0, priority=16)
    assert demand.value == 20
    await bacnet.write(address, "av,3", "pv", 80.0, priority=8)
    await bacnet.write(address, "av,3", "pv", 30.0, priority=16)
    assert demand.value == 80
    assert await bacnet.read(address, "av,3", "pv") == 80
    await bacnet.write(address, "av,3", "pv", None, priority=8)
    assert demand.value == 30
    running.house.floor.room_c = 20.5
    running.advance(1)
    assert demand.own == pytest.approx(50, abs=1)
    assert await bacnet.read(address, "av,3", "pv") == 30
    await bacnet.write(address, "av,3", "pv", None, priority=16)
    # Relinquished, the point shows what the house's own controller asks for.
    assert demand.override is None
    assert await bacnet.read(address, "av,3", "pv") == pytest.approx(50, abs=1)


async def test_commands_reach_the_house(running: RunningHouse, bacnet: Client) -> None:
    address, commands = running.addresses.bacnet, running.house.commands
    await bacnet.write(address, "av,1", "pv", 55.0, priority=10)
    await bacnet.write(address, "av,2", "pv", 23.5, priority=10)
    await bacnet.write(address, "av,4", "pv", 6.0, priority=10)
    await bacnet.write(address, "bv,1", "pv", 0, priority=10)
    await bacnet.write(address, "bv,2", "pv", 0, priority=10)
    await bacnet.write(address, "msv,1", "pv", 3, priority=10)
    assert commands.dhw_setpoint_c.value == 55
    assert commands.room_setpoint_c.value == 23.5
    assert commands.compute_enable.value is False
    assert commands.heat_pump_enable.value is False
    assert commands.mode.value == 3
    before_l = running.house.account.drawn_l
    running.advance(30)
    assert running.house.account.drawn_l == pytest.approx(before_l + 3)
    assert running.house.tank.top_c < 46.5
    for point in COMMANDS:
        await bacnet.write(address, point, "pv", None, priority=10)
    shown = await read_all(bacnet, address, COMMANDS, "present-value")
    assert [each["present-value"] for each in shown] == [
        default for _, default in COMMANDS.values()
    ]


@pytest.mark.parametrize(
    ("point", "prop", "value", "priority"),
    [
        ("av,3", "pv", 100.5, 8),
        ("av,3", "pv", -1.0, 8),
        ("av,3", "pv", float("nan"), 8),
        ("av,3", "pv", float("inf"), 8),
        ("av,3", "pv", 50.0, 6),
        ("av,1", "pv", 29.9, 8),
        ("av,2", "pv", 26.1, 8),
        ("av,4", "pv", 21.0, 8),
        ("msv,1", "pv", 0, 8),
        ("msv,1", "pv", 5, 8),
        ("ai,1", "pv", 1.0, None),
        ("bi,1", "pv", 1, None),
        ("av,1", "relinquish-default", 60.0, None),
        ("av,1", "object-name", "mine", None),
        ("av,1", "max-pres-value", 99.0, None),
        ("av,1", "cov-increment", 1.0, None),
        ("av,1", "out-of-service", True, None),
        ("device,3001", "vendor-name", "mine", None),
        ("device,3001", "max-apdu-length-accepted", 50, None),
    ],
)
async def test_other_writes_are_refused(
    running: RunningHouse,
    bacnet: Client,
    point: str,
    prop: str,
    value: float | str,
    priority: int | None,
) -> None:
    address = running.addresses.bacnet
    before = await bacnet.read(address, point, prop)
    with pytest.raises(BACnetError):
        await bacnet.write(address, point, prop, value, priority=priority)
    after = await bacnet.read(address, point, prop)
    if isinstance(before, float):
        before = pytest.approx(before, abs=0.01)
    assert after == before
    assert running.counters.bacnet_writes == 0


class Subscriber:
    """Hears of changes."""

    def __init__(self, client: Client, address: str) -> None:
        self.client, self.address = client, address
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def subscribe(self, point: str, *, confirmed: bool) -> None:
        await self.client.subscribe_cov_ex(
            self.address,
            point,
            process_id=1 + self.heard.qsize(),
            callback=self._listen,
            confirmed=confirmed,
            lifetime=60,
        )
        await self.expect(point)

    def _listen(self, notice: Any, source: BACnetAddress) -> None:
        point = notice.monitored_object_identifier
        name = "".join(word[0] for word in point.object_type.name.lower().split("_"))
        value = decode_cov_values(notice)["present-value"]
        self.heard.put_nowait((f"{name},{point.instance_number}", value))

    async def expect(self, point: str, value: float | None = None) -> None:
        """Wait until ``point`` is heard, with ``value`` if one is given."""
        async with asyncio.timeout(5):
            while True:
                name, shown = await self.heard.get()
                right = value is None or shown == pytest.approx(value, abs=0.01)
                if name == point and right:
                    return


async def test_subscribers_hear_of_changes(
    running: RunningHouse, bacnet: Client
) -> None:
    subscriber = Subscriber(bacnet, running.addresses.bacnet)
    for point in ("av,3", "ai,1", "bv,2", "msv,1"):
        await subscriber.subscribe(point, confirmed=False)
    await bacnet.write(subscriber.address, "av,3", "pv", 77.0, priority=8)
    await subscriber.expect("av,3", 77)
    running.house.tank.layers_c = [40.0] * 4
    running.publish()
    await subscriber.expect("ai,1", 40)
    await bacnet.write(subscriber.address, "bv,2", "pv", 0, priority=8)
    await subscriber.expect("bv,2", 0)
    await bacnet.write(subscriber.address, "msv,1", "pv", 2, priority=8)
    await subscriber.expect("msv,1", 2)
    await bacnet.write(subscriber.address, "av,3", "pv", None, priority=8)
    await subscriber.expect("av,3", 0)
    assert running.counters.bacnet_notifications >= 9
    # The house stops with subscriptions open: the clean-up check sees no timer left.


async def test_small_changes_are_not_told(
    running: RunningHouse, bacnet: Client
) -> None:
    subscriber = Subscriber(bacnet, running.addresses.bacnet)
    running.house.tank.layers_c = [40.0] * 4
    running.publish()
    await subscriber.subscribe("ai,1", confirmed=False)
    told = running.counters.bacnet_notifications
    for top_c in (40.03, 40.06, 40.09, 40.15):
        running.house.tank.layers_c = [top_c] * 4
        running.publish()
        await asyncio.sleep(0)
    await subscriber.expect("ai,1", 40.15)
    assert running.counters.bacnet_notifications == told + 1


# bac-py keeps its own timer for six seconds after a confirmed notification.
@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_confirmed_notifications(running: RunningHouse, bacnet: Client) -> None:
    subscriber = Subscriber(bacnet, running.addresses.bacnet)
    await subscriber.subscribe("ai,5", confirmed=True)
    running.house.floor.room_c = 18.0
    running.publish()
    await subscriber.expect("ai,5", 18)


async def test_a_subscriber_that_is_gone(
    running: RunningHouse, caplog: pytest.LogCaptureFixture
) -> None:
    config = DeviceConfig(
        instance_number=997,
        interface="127.0.0.1",
        port=udp_port("127.0.0.1"),
        broadcast_address="127.255.255.255",
    )
    async with Client(config) as client:
        subscriber = Subscriber(client, running.addresses.bacnet)
        await subscriber.subscribe("bi,1", confirmed=False)
        await client.subscribe_cov_ex(
            subscriber.address,
            "ai,1",
            process_id=99,
            callback=lambda notice, source: None,
            confirmed=False,
            lifetime=60,
        )
    for top_c in (40.0, 45.0):
        running.house.tank.layers_c = [top_c] * 4
        running.publish()
        await asyncio.sleep(0.05)
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


@pytest.mark.parametrize("turns", range(6))
async def test_a_request_while_it_stops(
    running: RunningHouse, turns: int, caplog: pytest.LogCaptureFixture
) -> None:
    """However far it got, nothing is sent once the socket is closed."""
    device = BacnetDevice(running.house, Counters())
    await device.start("127.0.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as subscriber:
        subscriber.sendto(SUBSCRIBE, ("127.0.0.1", device.port))
        for _ in range(turns):
            await asyncio.sleep(0)
        await device.stop()
    for _ in range(6):
        await asyncio.sleep(0)
    gc.collect()
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_requests_are_counted(running: RunningHouse, bacnet: Client) -> None:
    address = running.addresses.bacnet
    await bacnet.read(address, "ai,1", "pv")
    await bacnet.read_multiple(address, {"ai,1": ["pv"], "ai,2": ["pv"]})
    await bacnet.write(address, "av,3", "pv", 1.0, priority=8)
    with pytest.raises(BACnetError):
        await bacnet.read(address, "ai,99", "pv")
    assert (running.counters.bacnet_reads, running.counters.bacnet_writes) == (2, 1)


async def test_a_taken_port_is_replaced(running: RunningHouse, bacnet: Client) -> None:
    taken = int(running.addresses.bacnet.split(":")[1])
    async with running_house(Settings(bacnet_port=taken)) as second:
        assert second.addresses.bacnet != running.addresses.bacnet
        second.house.tank.layers_c = [60.0] * 4
        second.publish()
        first_c = await bacnet.read(running.addresses.bacnet, "ai,1", "pv")
        second_c = await bacnet.read(second.addresses.bacnet, "ai,1", "pv")
    assert first_c == pytest.approx(47.2, abs=0.1)
    assert second_c == pytest.approx(60, abs=0.1)


async def test_an_address_that_is_not_here(running: RunningHouse) -> None:
    device = BacnetDevice(running.house, Counters())
    with pytest.raises(OSError, match="assign"):
        await device.start("192.0.2.1")
    await device.stop()
