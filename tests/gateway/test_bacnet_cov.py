"""Changes that controllers of another make are told of."""

import asyncio
import math
from typing import Any

from bac_py import Client
from bac_py.services.errors import BACnetError, BACnetRejectError
import pytest

from custom_components.compute_heater.building import bacnet_apdu as apdu
from custom_components.compute_heater.building.bacnet_apdu import ObjectId, Ref
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.gateway import bacnet_cov
from custom_components.compute_heater.gateway.bacnet import BacnetDevice

from .bacnet_site import (
    AVAILABLE,
    CONTROLLER,
    DEMAND,
    ENABLE,
    FAULT,
    HEARTBEAT,
    HEAT_REQUEST,
    INSTANCE,
    REASON,
    SECOND,
    STATE,
    SUPPLY,
    Reports,
    controller,
)
from .modbus_site import Site
from .raw_controller import raw_controller, request

# What bac-py has answered it remembers for a while.
LINGERING = pytest.mark.parametrize("expected_lingering_timers", [True])
FOR_EVER = [0, None]
"""Lifetimes that have no end."""


async def subscribed(
    client: Client, at: str, name: str, *, process: int = 1, **options: Any
) -> Reports:
    """Subscribe and wait for the first report."""
    reports = Reports()
    await client.subscribe_cov_ex(
        at,
        name,
        process_id=process,
        callback=reports,
        **{"confirmed": False, "lifetime": 60, **options},
    )
    await reports.until(lambda: bool(reports.all))
    return reports


async def times_remaining(at: str) -> list[int]:
    """Read how long each of the active subscriptions still lasts."""
    target = Ref(ObjectId(8, INSTANCE), 152)
    async with raw_controller(CONTROLLER) as raw:
        raw.send(request(6, apdu.READ_PROPERTY, apdu.read_property(target)), at)
        parser = apdu.Parser((await raw.answer(6))[3:])
    parser.expect_context(0)
    parser.expect_context(1)
    found, depth = [], 0
    for tag in parser.enclosed(3):
        depth += {"opening": 1, "closing": -1}.get(tag.kind, 0)
        if (depth, tag.kind, tag.number) == (0, "context", 3):
            found.append(int.from_bytes(tag.content))
    return found


@pytest.mark.parametrize(
    ("name", "point_id", "first", "then"),
    [
        (DEMAND, "site/heat_demand", 2.5, 1.25),
        (FAULT, "heater/fault", 0, True),
        (STATE, "heater/power_state", 3, 2),
        (REASON, "site/reason", "as planned", "legionella: 60 °C"),
    ],
)
async def test_readings(
    master: Client, at: str, site: Site, name: str, point_id: str, first: object,
    then: Any,
) -> None:  # fmt: skip
    reports = await subscribed(master, at, name)
    assert reports.all[0]["present-value"] == first
    assert [*reports.all[0]["status-flags"]] == [False] * 4
    assert reports.all[0]["device"] == INSTANCE
    assert 58 <= reports.all[0]["left"] <= 60
    site.gateway.update({point_id: then}, heeded=True)
    await reports.until_value(then)
    assert len(reports.all) == 2


@LINGERING
async def test_confirmed(
    master: Client, at: str, site: Site, device: BacnetDevice
) -> None:
    reports = await subscribed(master, at, DEMAND, confirmed=True)
    for value in (1.0, 2.0, 3.0):
        site.gateway.update({"site/heat_demand": value}, heeded=True)
        await reports.until_value(value)
    (subscription,) = device._subscriptions._all.values()
    if subscription.sending is not None:
        await asyncio.wait({subscription.sending})
    assert subscription.failures == 0
    # Only the newest counts while a report is under way.
    site.gateway.update({"site/heat_demand": 0.0}, heeded=True)
    for value in range(100, 200):
        site.gateway.update({"site/heat_demand": float(value)}, heeded=True)
    await reports.until_value(199.0)
    assert len(reports.all) < 10


async def test_commands_are_told_to_all(master: Client, at: str, site: Site) -> None:
    """Also what another protocol commands, and that it was given up."""
    async with controller(SECOND) as second:
        reports = await subscribed(second, at, HEAT_REQUEST)
        enable = await subscribed(second, at, ENABLE, process=2)
        await master.write(at, HEAT_REQUEST, "pv", 2.0, priority=9)
        await reports.until_value(2.0)
        await master.write(at, ENABLE, "pv", 0, priority=9)
        await enable.until_value(0)
        site.now += 60
        site.gateway.expire(site.now)
        await reports.until(
            lambda: [*reports.all[-1]["status-flags"]] == [False, True, False, False]
        )
        assert reports.all[-1]["present-value"] == 0.0
        site.gateway.update({}, heeded=False)
        await reports.until(lambda: [*reports.all[-1]["status-flags"]][3])


async def test_small_changes_are_not_told(master: Client, at: str, site: Site) -> None:
    """They add up: what counts is how far it is from what was told last."""
    reports = await subscribed(master, at, SUPPLY)
    for value in (54.35, 54.25, 54.39, 54.41, 54.45, 54.3):
        site.gateway.update({"heater/supply_temperature": value}, heeded=True)
    await reports.until(lambda: len(reports.all) == 3)
    told = [one["present-value"] for one in reports.all]
    assert told == [pytest.approx(value) for value in (54.3, 54.41, 54.3)]


async def test_unknown_values(master: Client, at: str, site: Site) -> None:
    reports = await subscribed(master, at, AVAILABLE)
    assert math.isnan(reports.all[0]["present-value"])
    assert [*reports.all[0]["status-flags"]][1]
    site.gateway.update({"site/available_power": 2.0}, heeded=True)
    await reports.until_value(2.0)
    site.gateway.update({"site/available_power": None}, heeded=True)
    await reports.until(lambda: len(reports.all) == 3)
    assert reports.all[2]["present-value"] == 2.0
    assert [*reports.all[2]["status-flags"]][1]


async def test_properties(master: Client, at: str, site: Site) -> None:
    reports: list[dict[str, Any]] = []
    heard = asyncio.Event()

    def note(notice: Any, _source: object) -> None:
        reports.append(
            {
                int(one.property_identifier): bytes(one.value)
                for one in notice.list_of_values
            }
        )
        heard.set()

    async def until(number: int) -> None:
        async with asyncio.timeout(10):
            while len(reports) < number:
                heard.clear()
                await heard.wait()

    for process, name, property_name in (
        (5, DEMAND, "reliability"),
        (6, HEAT_REQUEST, "current-command-priority"),
        (7, DEMAND, "status-flags"),
    ):
        master.app.register_cov_callback(process, note)
        await master.subscribe_cov_property(
            at, name, property_name, process, confirmed=False, lifetime=60
        )
    await until(3)
    assert reports[0] == {103: b"\x91\x00", 111: b"\x82\x04\x00"}
    assert reports[1] == {431: b"\x00", 111: b"\x82\x04\x00"}
    assert reports[2] == {111: b"\x82\x04\x00"}
    await master.write(at, HEAT_REQUEST, "pv", 1.0, priority=9)
    await until(4)
    assert reports[3][431] == b"\x21\x09"
    await master.write(at, HEAT_REQUEST, "pv", 2.0, priority=9)
    site.gateway.update({"site/heat_demand": None}, heeded=True)
    await until(6)
    assert reports[4:] == [
        {103: b"\x91\x01", 111: b"\x82\x04\x40"},
        {111: b"\x82\x04\x40"},
    ]


async def test_increment_of_the_controller(master: Client, at: str, site: Site) -> None:
    reports = Reports()
    master.app.register_cov_callback(8, reports)
    await master.subscribe_cov_property(
        at, SUPPLY, "present-value", 8, confirmed=False, lifetime=60, cov_increment=5.0
    )
    for value in (50.0, 49.0, 45.5, 44.0):
        site.gateway.update({"heater/supply_temperature": value}, heeded=True)
    await reports.until(lambda: len(reports.all) == 3)
    told = [one["present-value"] for one in reports.all]
    assert told == [pytest.approx(value) for value in (54.3, 49.0, 44.0)]


@LINGERING
async def test_renewal_and_end(
    master: Client, at: str, site: Site, device: BacnetDevice
) -> None:
    reports = await subscribed(master, at, DEMAND)
    # Once more, and confirmed from now on.
    await subscribed(master, at, DEMAND, confirmed=True, lifetime=600)
    assert device.subscriptions == 1
    await master.unsubscribe_cov_ex(at, DEMAND, process_id=1)
    assert device.subscriptions == 0
    await master.unsubscribe_cov_ex(at, DEMAND, process_id=1)
    before = len(reports.all)
    site.gateway.update({"site/heat_demand": 0.0}, heeded=True)
    assert await master.read(at, DEMAND, "pv") == 0.0
    assert len(reports.all) == before


async def test_a_subscription_ends_by_itself(
    master: Client, at: str, device: BacnetDevice
) -> None:
    await subscribed(master, at, DEMAND, lifetime=3600)
    (subscription,) = device._subscriptions._all.values()
    assert subscription.ends is not None
    left_s = subscription.ends.when() - asyncio.get_running_loop().time()
    assert 3590 < left_s <= 3600
    subscription.ends._run()
    assert device.subscriptions == 0


@LINGERING
@pytest.mark.parametrize("lifetime", FOR_EVER)
@pytest.mark.parametrize("confirmed", [False, True])
async def test_for_ever(
    master: Client, at: str, site: Site, device: BacnetDevice, confirmed: bool,
    lifetime: int | None,
) -> None:  # fmt: skip
    """No time remaining is told, and none is listed; a renewal may give it an end."""
    reports = await subscribed(
        master, at, DEMAND, confirmed=confirmed, lifetime=lifetime
    )
    site.gateway.update({"site/heat_demand": 1.25}, heeded=True)
    await reports.until_value(1.25)
    assert {one["left"] for one in reports.all} == {0}
    assert await times_remaining(at) == [0]
    (subscription,) = device._subscriptions._all.values()
    await subscribed(master, at, DEMAND, lifetime=2**32 - 1)
    (left_s,) = await times_remaining(at)
    assert left_s > 2**31
    timer = subscription.ends
    assert timer is not None
    await subscribed(master, at, DEMAND, lifetime=lifetime)
    assert timer.cancelled()
    assert await times_remaining(at) == [0]
    await master.unsubscribe_cov_ex(at, DEMAND, process_id=1)
    assert device.subscriptions == 0


@pytest.mark.parametrize("lifetime", FOR_EVER)
async def test_property_for_ever(
    master: Client, at: str, site: Site, lifetime: int | None
) -> None:
    reports = Reports()
    master.app.register_cov_callback(8, reports)
    await master.subscribe_cov_property(
        at, SUPPLY, "present-value", 8, confirmed=False, lifetime=lifetime
    )
    site.gateway.update({"heater/supply_temperature": 44.0}, heeded=True)
    await reports.until_value(44.0)
    assert {one["left"] for one in reports.all} == {0}
    assert await times_remaining(at) == [0]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("ai,999", "UNKNOWN_OBJECT"),
        (f"device,{INSTANCE}", "OPTIONAL_FUNCTIONALITY_NOT_SUPPORTED"),
    ],
)
async def test_subscriptions_that_are_refused(
    master: Client, at: str, device: BacnetDevice, name: str, error: str
) -> None:
    with pytest.raises(BACnetError, match=error):
        await master.subscribe_cov_ex(
            at, name, process_id=1, confirmed=False, lifetime=60
        )
    assert device.subscriptions == 0


@pytest.mark.parametrize(
    ("property_name", "error"),
    [
        ("units", "NOT_COV_PROPERTY"),
        ("object-name", "NOT_COV_PROPERTY"),
        ("priority-array", "UNKNOWN_PROPERTY"),
        ("current-command-priority", "UNKNOWN_PROPERTY"),
    ],
)
async def test_properties_that_are_not_reported(
    master: Client, at: str, property_name: str, error: str
) -> None:
    with pytest.raises(BACnetError, match=error):
        await master.subscribe_cov_property(at, DEMAND, property_name, 1, lifetime=60)


async def test_subscription_without_a_way(at: str, device: BacnetDevice) -> None:
    """A lifetime, but neither confirmed nor not."""
    content = b"\x09\x01" + apdu.context_object(1, ObjectId(0, 6)) + b"\x39\x3c"
    async with raw_controller(CONTROLLER) as raw:
        raw.send(request(4, 5, content), at)
        assert await raw.answer(4) == bytes([0x60, 4, 5])
    assert device.subscriptions == 0


@pytest.mark.parametrize("lifetime", [60, None])
async def test_too_many(
    master: Client, at: str, device: BacnetDevice, monkeypatch: pytest.MonkeyPatch,
    lifetime: int | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(bacnet_cov, "MAX_OF_PEER", 3)
    monkeypatch.setattr(bacnet_cov, "MAX_ALL", 4)
    for process in range(3):
        await subscribed(master, at, DEMAND, process=process, lifetime=lifetime)
    with pytest.raises(BACnetError, match="NO_SPACE_TO_ADD_LIST_ELEMENT"):
        await master.subscribe_cov_ex(at, DEMAND, 9, confirmed=False, lifetime=lifetime)
    await subscribed(master, at, DEMAND, process=1, lifetime=lifetime)
    async with controller(SECOND) as second:
        await subscribed(second, at, DEMAND, lifetime=lifetime)
        with pytest.raises(BACnetError, match="NO_SPACE_TO_ADD_LIST_ELEMENT"):
            await second.subscribe_cov_ex(
                at, FAULT, 2, confirmed=False, lifetime=lifetime
            )
    assert device.subscriptions == 4


async def test_renewals_keep_commands_alive(
    master: Client, at: str, site: Site
) -> None:
    await master.write(at, HEAT_REQUEST, "pv", 2.0)
    for _ in range(3):
        site.now += 50
        await subscribed(master, at, HEAT_REQUEST)
        site.gateway.expire(site.now)
    assert site.silent == []
    site.now += 50
    await subscribed(master, at, HEARTBEAT, process=2)
    site.now += 10
    site.gateway.expire(site.now)
    assert site.silent == [CONTROLLER]


@LINGERING
async def test_a_subscription_for_ever_is_no_life(
    master: Client, at: str, site: Site, device: BacnetDevice
) -> None:
    """It counts when it is made; what is reported does not, acknowledged or not."""
    await master.write(at, HEAT_REQUEST, "pv", 2.0)
    site.now += 50
    reports = await subscribed(master, at, HEAT_REQUEST, confirmed=True, lifetime=None)
    site.now += 50
    async with controller(SECOND) as second:
        await second.write(at, HEAT_REQUEST, "pv", 1.0, priority=8)
    await reports.until_value(1.0)
    (subscription,) = device._subscriptions._all.values()
    if subscription.sending is not None:
        await asyncio.wait({subscription.sending})
    assert subscription.failures == 0
    site.gateway.expire(site.now)
    assert site.silent == []
    site.now += 10
    site.gateway.expire(site.now)
    assert site.silent == [CONTROLLER]


@pytest.mark.parametrize("lifetime", [b"\x39\x3c", b"\x39\x00", b""])
async def test_a_controller_that_is_gone(
    stack: BacnetStack, at: str, site: Site, device: BacnetDevice, lifetime: bytes
) -> None:
    """Confirmed reports that nobody acknowledges end, and do not pile up."""
    content = (
        b"\x09\x01" + apdu.context_object(1, ObjectId(0, 6)) + b"\x29\x01" + lifetime
    )
    async with raw_controller(CONTROLLER) as raw:
        raw.send(request(4, 5, content), at)
        assert await raw.answer(4) == b"\x20\x04\x05"
        (subscription,) = device._subscriptions._all.values()
        failures = 0
        while device.subscriptions:
            for value in (0.0, 1.0, 2.0, 3.0):
                site.gateway.update({"site/heat_demand": value}, heeded=True)
            assert subscription.sending is not None
            await asyncio.wait({subscription.sending})
            failures += 1
            site.gateway.update({"site/heat_demand": float(failures)}, heeded=True)
    assert subscription.failures >= bacnet_cov.MAX_FAILURES
    assert failures <= bacnet_cov.MAX_FAILURES
    assert not stack._limits, "nothing is kept of who is gone"


@LINGERING
async def test_active_subscriptions_are_listed(
    master: Client, at: str, device: BacnetDevice
) -> None:
    await subscribed(master, at, DEMAND)
    await subscribed(master, at, FAULT, process=2, confirmed=True)
    target = Ref(ObjectId(8, INSTANCE), 152)
    async with raw_controller(CONTROLLER) as raw:
        raw.send(request(6, apdu.READ_PROPERTY, apdu.read_property(target)), at)
        answer = await raw.answer(6)
    parser = apdu.Parser(answer[3:])
    assert apdu.object_id(parser.expect_context(0)) == target.object
    assert parser.unsigned(1) == target.property
    tags = parser.enclosed(3)
    assert [tag.number for tag in tags if tag.kind == "opening"] == [0, 0, 1, 1] * 2
    increments = [tag.content for tag in tags if tag.number == 4]
    assert increments == [apdu.real(0.05)[1:]]


@LINGERING
async def test_stop_ends_all(
    master: Client, stack: BacnetStack, at: str, site: Site, device: BacnetDevice
) -> None:
    reports = await subscribed(master, at, DEMAND)
    await subscribed(master, at, FAULT, process=2, confirmed=True)
    await device.stop()
    assert device.subscriptions == 0
    site.gateway.update({"site/heat_demand": 0.0}, heeded=True)
    await master.who_is(destination=at, timeout=0.1)
    assert len(reports.all) == 1


async def test_rejected_without_process(master: Client, at: str) -> None:
    with pytest.raises(BACnetRejectError):
        await master.subscribe_cov_property(
            at, SUPPLY, "present-value", 1, lifetime=60, cov_increment=-1.0
        )
