"""Our BACnet device as controllers of another make read it."""

import asyncio
import math

from bac_py import Client
from bac_py.services.errors import BACnetError
import pytest

from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.building.points import (
    LinkAddressError,
    LinkConnectionError,
)
from custom_components.compute_heater.gateway.bacnet import BacnetDevice

from .bacnet_site import (
    AVAILABLE,
    COMMANDED,
    DEMAND,
    ENABLE,
    ENERGY,
    FAULT,
    HEARTBEAT,
    HEAT_REQUEST,
    INSTANCE,
    NAME,
    POWER,
    REASON,
    REQUEST,
    SETPOINT,
    STATE,
    SUPPLY,
    TANK,
    served_by,
)
from .modbus_site import Site

DEVICE = f"device,{INSTANCE}"


async def test_present_values(master: Client, at: str) -> None:
    for name, expected in (
        (DEMAND, 2.5), (SUPPLY, pytest.approx(54.3)), (FAULT, 0), (STATE, 3),
        (COMMANDED, 0), (REASON, "as planned"), (HEAT_REQUEST, 0.0), (TANK, 51.0),
        (SETPOINT, pytest.approx(65.3)), (ENABLE, 1), (REQUEST, 1), (HEARTBEAT, 0.0),
        (ENERGY, pytest.approx(123456.7)),
    ):  # fmt: skip
        assert await master.read(at, name, "present-value") == expected


async def test_one_request_reads_many(master: Client, at: str) -> None:
    """Where one object is unknown the others are told all the same."""
    answer = await master.read_multiple(
        at,
        {
            SUPPLY: ["present-value", "units", "status-flags", "object-name"],
            POWER: ["priority-array", "relinquish-default", "min-pres-value"],
            STATE: ["state-text", "number-of-states"],
            "ai,999": ["present-value"],
        },
    )
    found = {str(name): properties for name, properties in answer.items()}
    assert len(found) == 4
    supply, power, state, unknown = answer.values()
    assert supply["object-name"] == "Heater supply temperature"
    assert supply["units"] == 62
    assert [*supply["status-flags"]] == [False] * 4
    assert power["priority-array"] == [None] * 16
    assert (power["relinquish-default"], power["min-pres-value"]) == (0, 0)
    assert state["state-text"] == ["Off", "Standby", "Eco", "Full"]
    assert "present-value" not in unknown or unknown["present-value"] is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (SUPPLY, {"units", "cov-increment", "reliability", "out-of-service"}),
        (POWER, {"priority-array", "relinquish-default", "current-command-priority"}),
        (FAULT, {"polarity", "active-text", "inactive-text", "event-state"}),
        (REQUEST, {"state-text", "number-of-states", "priority-array"}),
        (REASON, {"present-value", "status-flags"}),
        (DEVICE, {"object-list", "database-revision", "protocol-services-supported"}),
        ("network-port,1", {"object-name", "network-type"}),
    ],
)
async def test_all_properties(
    master: Client, at: str, name: str, wanted: set[str]
) -> None:
    """All at once are those of the property list, and each of them can be read."""
    (every,) = (await master.read_multiple(at, {name: ["all"]})).values()
    assert wanted | {"object-identifier", "object-name", "object-type"} <= set(every)
    listed = await master.read(at, name, "property-list")
    assert len(every) == len(listed) + 3
    length = await master.read(at, name, "property-list", array_index=0)
    assert length == len(listed)
    (required,) = (await master.read_multiple(at, {name: ["required"]})).values()
    (optional,) = (await master.read_multiple(at, {name: ["optional"]})).values()
    assert {*required, *optional} == set(every)
    assert {*required} & {*optional} == set()


async def test_device_object(master: Client, at: str, site: Site) -> None:
    found = await master.who_is(destination=at, timeout=0.5)
    assert [one.object_identifier.instance_number for one in found] == [INSTANCE]
    assert await master.who_is(1, 2, destination=at, timeout=0.2) == []
    assert await master.read(at, DEVICE, "object-name") == NAME
    # Whoever does not know the instance asks the device of any instance.
    assert await master.read(at, "device,4194303", "object-name") == NAME
    identifier = await master.read(at, "device,4194303", "object-identifier")
    assert identifier.instance_number == INSTANCE
    services = await master.read(at, DEVICE, "protocol-services-supported")
    executed = {number for number, bit in enumerate(services) if bit}
    assert {5, 12, 14, 15, 16, 26, 33, 34, 38} <= executed
    # Neither files, objects, lists, time nor communication can be changed.
    assert not executed & {6, 7, 8, 9, 10, 11, 17, 20, 32, 36, 40}
    types = await master.read(at, DEVICE, "protocol-object-types-supported")
    objects = await master.get_object_list(at, INSTANCE)
    assert {number for number, bit in enumerate(types) if bit} == {
        int(one.object_type) for one in objects
    }
    assert await master.read(at, DEVICE, "database-revision") == 1
    assert len(objects) == 2 + len(site.gateway.points)
    assert await master.read(at, DEVICE, "object-list", array_index=0) == len(objects)
    assert len({str(one) for one in objects}) == len(objects)


async def test_who_has(master: Client, at: str) -> None:
    for asked in (
        {"object_name": "Heater supply temperature"},
        {"object_identifier": SUPPLY},
    ):
        (found,) = await master.who_has(destination=at, timeout=0.3, **asked)  # type: ignore[arg-type]
        assert found.object_name == "Heater supply temperature"
        assert found.object_identifier.instance_number == 109
        assert found.device_identifier.instance_number == INSTANCE
    for strange in ({"object_name": "mine"}, {"object_identifier": "ai,9"}):
        found = await master.who_has(destination=at, timeout=0.2, **strange)  # type: ignore[arg-type]
        assert found == []


@pytest.mark.parametrize(
    ("name", "property_name", "index", "message"),
    [
        ("ai,999", "present-value", None, "UNKNOWN_OBJECT"),
        (SUPPLY, "priority-array", None, "UNKNOWN_PROPERTY"),
        (SUPPLY, "present-value", 1, "PROPERTY_IS_NOT_AN_ARRAY"),
        (POWER, "priority-array", 17, "INVALID_ARRAY_INDEX"),
    ],
)
async def test_what_cannot_be_read(
    master: Client,
    at: str,
    name: str,
    property_name: str,
    index: int | None,
    message: str,
) -> None:
    with pytest.raises(BACnetError, match=message):
        await master.read(at, name, property_name, array_index=index)


async def test_unknown_values_are_marked(master: Client, at: str, site: Site) -> None:
    """Never zero: not a number where it never was known, else the last, with a fault."""
    assert math.isnan(await master.read(at, AVAILABLE, "present-value"))
    assert await master.read(at, AVAILABLE, "reliability") == 1
    assert [*await master.read(at, AVAILABLE, "status-flags")] == [
        False, True, False, False,
    ]  # fmt: skip
    await master.read(at, DEMAND, "present-value")
    site.gateway.update({"site/heat_demand": None}, heeded=True)
    assert await master.read(at, DEMAND, "present-value") == 2.5
    assert await master.read(at, DEMAND, "reliability") == 1
    site.gateway.update({"site/heat_demand": 1.5}, heeded=True)
    assert await master.read(at, DEMAND, "reliability") == 0


async def test_commands_that_are_not_heeded_are_out_of_service(
    master: Client, at: str, site: Site
) -> None:
    site.gateway.update({}, heeded=False)
    assert await master.read(at, POWER, "out-of-service") == 1
    assert [*await master.read(at, POWER, "status-flags")][3]
    assert not await master.read(at, SUPPLY, "out-of-service")
    site.gateway.update({}, heeded=True)
    assert not await master.read(at, POWER, "out-of-service")


async def test_identity_comes_and_goes(
    stack: BacnetStack, site: Site, master: Client
) -> None:
    """The stack is what it was before, also for those that look for it."""
    bare = stack.instance
    device = served_by(stack, site)
    for _ in range(2):
        await device.start()
        assert stack.instance == INSTANCE
        assert await master.read(stack.endpoint, SUPPLY, "pv") == pytest.approx(54.3)
        await device.stop()
        assert stack.instance == bare
        (found,) = await master.who_is(destination=stack.endpoint, timeout=0.3)
        assert found.object_identifier.instance_number == bare
        with pytest.raises(BACnetError, match="UNKNOWN_OBJECT"):
            await master.read(stack.endpoint, SUPPLY, "pv")
        name = await master.read(stack.endpoint, f"device,{bare}", "object-name")
        assert name == f"Compute Heater {bare}"


async def test_one_device_for_a_stack(
    stack: BacnetStack, site: Site, device: BacnetDevice, master: Client, at: str
) -> None:
    second = served_by(stack, Site(), instance=12)
    with pytest.raises(LinkAddressError, match=f"device {INSTANCE} already"):
        await second.start()
    await second.stop()
    assert stack.instance == INSTANCE
    assert await master.read(at, DEVICE, "object-name") == NAME
    with pytest.raises(LinkAddressError, match="4194303"):
        served_by(stack, site, instance=4194303)


async def test_stack_that_does_not_run(site: Site, stack: BacnetStack) -> None:
    await stack.close()
    device = served_by(stack, site)
    with pytest.raises(LinkConnectionError):
        await device.start()
    await device.stop()


async def test_stack_that_ends_first(site: Site, stack: BacnetStack) -> None:
    device = served_by(stack, site)
    await device.start()
    await stack.close()
    site.gateway.update({"site/heat_demand": 1.0}, heeded=True)
    await device.stop()


async def test_large_reads_do_not_hold_up_the_others(
    master: Client, at: str, device: BacnetDevice
) -> None:
    """All of all objects is too much for one answer of a controller's size, or is cut."""
    objects = await master.get_object_list(at, INSTANCE)
    wanted = {
        f"{int(one.object_type)},{one.instance_number}": ["all"] for one in objects
    }
    answers = await asyncio.gather(
        *(master.read_multiple(at, dict(wanted)) for _ in range(4))
    )
    assert {len(answer) for answer in answers} == {len(objects)}
