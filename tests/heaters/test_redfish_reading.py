"""From resources to a reading: heating terms, unknowns, partial failure, changes."""

import asyncio

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import (
    redfish,
    redfish_modules,
    redfish_transport,
)
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterConnectionError,
    HeaterProtocolError,
    ModuleCondition,
    ModuleReading,
    Reading,
)

from .bmc import METRICS, ROOT, Bmc, Json, modern, running_bmc, system
from .conftest import MakeHeater
from .shapes import CHASSIS, HEAT_METER, UNIT, full, ref


async def test_everything_in_heating_terms(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        identity, capabilities = await heater.connect()
        reading = await heater.read()
    assert identity.uuid == "92384634-2938-2342-8820-489239905423"
    assert identity.name == "Rack server"
    assert identity.manufacturer == "Contoso"
    assert identity.model == "X1"
    assert identity.serial_number == "SN1"
    assert identity.firmware == "2.18"
    assert capabilities.can_switch
    assert (capabilities.floor_w, capabilities.max_w) == (300, 1000)
    assert capabilities.modules == 2
    assert capabilities.has_coolant
    assert reading == Reading(
        power_w=812.5,
        power_limit_w=990,
        energy_kwh=40.25,
        coolant_c=52.75,
        supply_c=45.25,  # Redfish: Return
        return_c=35.5,  # Redfish: Supply
        flow_lpm=8.5,
        heat_w=5760,
        heat_kwh=33.5,
        utilisation_percent=81,
        modules_on=1,
        modules=(
            ModuleReading(key="1", name="Node 1", condition=ModuleCondition.ON),
            ModuleReading(key="2", name="Node 2", condition=ModuleCondition.OFF),
        ),
        is_on=True,
        is_changing=False,
        problem=False,
        overheating=False,
        throttled=False,
    )


async def test_few_requests_per_poll(make_heater: MakeHeater) -> None:
    features = {"ExpandQuery": {"NoLinks": True, "Levels": True}}
    bmc = Bmc(resources=full())
    bmc.resources[f"{ROOT}/"]["ProtocolFeaturesSupported"] = features
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.seen.clear()
        reading = await heater.read()
    paths = [one.path for one in bmc.seen]
    assert f"{ROOT}/Systems?$expand=.($levels=1)" in paths
    assert len(paths) == 6
    assert reading.modules_on == 1


@pytest.mark.parametrize(
    ("power", "boot", "expected"),
    [
        ("On", "OSRunning", (True, 1, False)),
        ("On", None, (True, 1, False)),
        ("On", "None", (True, 1, False)),
        ("On", "OSBootStarted", (True, 0, True)),
        ("PoweringOn", "MemoryInitializationStarted", (True, 0, True)),
        ("PoweringOff", "OSRunning", (False, 0, True)),
        ("Paused", None, (True, 0, False)),
        ("Off", None, (False, 0, False)),
        (None, None, (None, 0, False)),
    ],
)
async def test_states_of_a_module(
    power: str | None,
    boot: str | None,
    expected: tuple[bool | None, int, bool],
    make_heater: MakeHeater,
) -> None:
    node = system("1", PowerState=power, BootProgress={"LastState": boot})
    async with running_bmc(Bmc(resources=modern(node))) as bmc:
        reading = await make_heater(bmc.url).read()
    assert (reading.is_on, reading.modules_on, reading.is_changing) == expected


async def test_boot_that_is_never_reported_done(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redfish_modules, "BOOT_S", 0.2)
    node = system("1", BootProgress={"LastState": "OSBootStarted"})
    async with running_bmc(Bmc(resources=modern(node))) as bmc:
        heater = make_heater(bmc.url)
        assert (await heater.read()).modules_on == 0
        await asyncio.sleep(0.25)
        assert (await heater.read()).modules_on == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"Health": "OK"}, (False, False, False)),
        ({"Health": "Critical"}, (True, None, None)),
        ({"Health": "OK", "HealthRollup": "Warning"}, (True, False, False)),
        (None, (False, None, None)),
        (
            {
                "Health": "Warning",
                "Conditions": [
                    {
                        "MessageId": "Environmental.1.2.TemperatureAboveUpperCautionThreshold"
                    }
                ],
            },
            (True, False, True),
        ),
        (
            {
                "Health": "Critical",
                "Conditions": [
                    {
                        "MessageId": "Environmental.1.2.TemperatureAboveUpperCriticalThreshold"
                    }
                ],
            },
            (True, True, True),
        ),
    ],
)
async def test_health(
    status: Json | None, expected: tuple[bool | None, ...], make_heater: MakeHeater
) -> None:
    bmc = Bmc(resources=modern())
    bmc.resources[CHASSIS]["Status"] = status
    async with running_bmc(bmc):
        reading = await make_heater(bmc.url).read()
    assert (reading.problem, reading.overheating, reading.throttled) == expected


async def test_coolant_at_its_own_threshold(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.resources[f"{UNIT}/Secondary/1"]["ReturnTemperatureCelsius"]["Reading"] = 60
        assert (await heater.read()).overheating is True


async def test_null_and_nonsense_are_unknown(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=full())
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.resources[METRICS].update(
            PowerWatts={"Reading": None},
            EnergykWh={"Reading": "12"},
            TemperatureCelsius={"Reading": True},
            PowerLoadPercent=7,
            PowerLimitWatts={"SetPoint": None, "ControlMode": "Automatic"},
        )
        bmc.resources[f"{UNIT}/Primary/1"] = {
            "SupplyTemperatureCelsius": None,
            "ReturnTemperatureCelsius": {"Reading": 10**400},
            "HeatRemovedkW": [],
        }
        bmc.resources[f"{UNIT}/Secondary/1"] = {"ReturnTemperatureCelsius": {}}
        bmc.resources[HEAT_METER] = {"ReadingType": "EnergykWh", "Reading": 1e400}
        reading = await heater.read()
    unknown = {
        name: getattr(reading, name)
        for name in [
            "power_w",
            "power_limit_w",
            "energy_kwh",
            "coolant_c",
            "supply_c",
            "return_c",
            "flow_lpm",
            "heat_w",
            "heat_kwh",
            "utilisation_percent",
        ]
    }
    assert set(unknown.values()) == {None}, unknown
    assert reading.is_on is True


@pytest.mark.parametrize(
    ("path", "lost"),
    [
        (f"{ROOT}/Systems/2", {"modules_on", "modules", "is_on"}),
        (METRICS, {"power_w", "power_limit_w", "energy_kwh", "utilisation_percent"}),
        (f"{UNIT}/Primary/1", {"supply_c", "return_c", "flow_lpm", "heat_w"}),
        (HEAT_METER, {"heat_kwh"}),
        (CHASSIS, {"throttled"}),
    ],
)
async def test_one_resource_fails(
    path: str, lost: set[str], make_heater: MakeHeater
) -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        before = await heater.read()
        bmc.front["GET", path] = fail
        after = await heater.read()
        changed = {
            name
            for name in Reading.__slots__
            if getattr(before, name) != getattr(after, name)
        }
        assert lost <= changed
        assert all(getattr(after, name) is None for name in lost)
        bmc.front.clear()
        assert await heater.read() == before


async def test_one_resource_hangs(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response(status=500)

    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        monkeypatch.setattr(redfish_transport, "REQUEST_S", 0.5)
        bmc.front["GET", HEAT_METER] = hang
        reading = await heater.read()
        released.set()
    assert reading.heat_kwh is None
    assert reading.supply_c == 45.25


async def test_dead_device_costs_one_timeout(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response(status=500)

    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        monkeypatch.setattr(redfish_transport, "REQUEST_S", 0.3)
        bmc.front = {("GET", path): hang for path in bmc.resources}
        bmc.seen.clear()
        with pytest.raises(HeaterConnectionError):
            await heater.read()
        assert len(bmc.seen) <= 3
        released.set()
        with pytest.raises(HeaterProtocolError):
            await heater.read()


async def test_slow_device_has_a_deadline(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_: web.Request) -> web.StreamResponse | None:
        await asyncio.sleep(0.2)
        return None

    monkeypatch.setattr(redfish, "READ_S", 0.1)
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front = {("GET", path): slow for path in bmc.resources}
        with pytest.raises(HeaterConnectionError, match=r"0\.1 s"):
            await heater.read()


async def test_every_resource_gone(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        root = bmc.resources[f"{ROOT}/"]
        bmc.resources.clear()
        with pytest.raises(HeaterProtocolError, match="404"):
            await heater.read()
        bmc.resources[f"{ROOT}/"] = root
        await heater.read()
        _, capabilities = await heater.connect()
        assert capabilities.modules == 0


async def test_moved_resources_are_found_again(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        node = bmc.resources.pop(f"{ROOT}/Systems/1")
        moved = system("Node0")
        bmc.resources[moved["@odata.id"]] = moved
        bmc.resources[f"{ROOT}/Systems"]["Members"] = [ref(moved["@odata.id"])]
        assert (await heater.read()).modules_on is None
        assert (await heater.read()).modules_on == 1
        await heater.apply(Command(on=False))
    assert (node["PowerState"], moved["PowerState"]) == ("On", "Off")


async def test_link_to_nowhere_is_looked_for_once(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=full())
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        await heater.connect()
        del bmc.resources[f"{UNIT}/Primary/1"]
        await heater.read()
        await heater.read()
        bmc.seen.clear()
        reading = await heater.read()
        assert reading.supply_c is None
        assert reading.power_w == 812.5
        assert not [one for one in bmc.seen if one.path == f"{ROOT}/"]


async def test_another_device_at_the_address(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front = {("GET", path): away for path in bmc.resources}
        with pytest.raises(HeaterConnectionError):
            await heater.read()
        bmc.front.clear()
        bmc.seen.clear()
        await heater.read()
        paths = [one.path for one in bmc.seen]
        assert f"{ROOT}/" in paths
        assert f"{ROOT}/Chassis" not in paths, "the same device: nothing is looked for"
        bmc.front = {("GET", path): away for path in bmc.resources}
        with pytest.raises(HeaterConnectionError):
            await heater.read()
        bmc.front.clear()
        bmc.resources[f"{ROOT}/"]["UUID"] = "11111111-2938-2342-8820-489239905423"
        bmc.seen.clear()
        await heater.read()
        assert f"{ROOT}/Chassis" in [one.path for one in bmc.seen]


async def test_power_state_of_a_chassis_without_systems(
    make_heater: MakeHeater,
) -> None:
    bmc = Bmc(resources=modern())
    bmc.resources[f"{ROOT}/Systems"]["Members"] = []
    bmc.resources[CHASSIS]["PowerState"] = "On"
    async with running_bmc(bmc):
        assert (await make_heater(bmc.url).read()).is_on is True
