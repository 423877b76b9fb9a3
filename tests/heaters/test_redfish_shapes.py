"""What the Redfish driver makes of differently shaped services."""

import asyncio
from typing import Any

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import (
    redfish,
    redfish_modules,
    redfish_transport,
)
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterAuthError,
    HeaterConnectionError,
    HeaterProtocolError,
    HeaterRefusedError,
    Reading,
)

from .bmc import (
    METRICS,
    ROOT,
    Bmc,
    Json,
    collection,
    error,
    modern,
    running_bmc,
    service,
    system,
)
from .conftest import MakeHeater

CHASSIS = f"{ROOT}/Chassis/1"
POWER = f"{CHASSIS}/Power"
CONTROLS = f"{CHASSIS}/Controls"
THERMAL = f"{ROOT}/ThermalEquipment"
UNIT = f"{THERMAL}/CDUs/1"
HEAT_METER = f"{CHASSIS}/Sensors/HeatDelivered"


def ref(path: str) -> Json:
    return {"@odata.id": path}


def full() -> dict[str, Json]:
    """Make a heater that shows everything."""
    found = modern(
        system("1", BootProgress={"LastState": "OSRunning"}),
        system("2", "Off"),
        ThermalEquipment=ref(THERMAL),
        Managers=ref(f"{ROOT}/Managers"),
    )
    chassis = found[CHASSIS]
    chassis.update(Manufacturer="Contoso", Sensors=ref(f"{CHASSIS}/Sensors"))
    found[METRICS].update(
        EnergykWh={"Reading": 2.5, "LifetimeReading": 40.25},
        TemperatureCelsius={"Reading": 51.5, "DataSourceUri": f"{CHASSIS}/Sensors/Oil"},
        PowerLoadPercent={"Reading": 81},
    )
    found[METRICS]["PowerLimitWatts"]["ControlMode"] = "Automatic"
    found[f"{CHASSIS}/Sensors"] = collection(
        f"{CHASSIS}/Sensors", f"{CHASSIS}/Sensors/Oil", HEAT_METER
    )
    found[f"{CHASSIS}/Sensors/Oil"] = {"Thresholds": {"UpperCritical": {"Reading": 60}}}
    found[HEAT_METER] = {"ReadingType": "EnergykWh", "Reading": 33.5}
    found[THERMAL] = {
        "CDUs": ref(f"{THERMAL}/CDUs"),
        "ImmersionUnits": ref(f"{THERMAL}/None"),
    }
    found[f"{THERMAL}/CDUs"] = collection(f"{THERMAL}/CDUs", UNIT)
    found[UNIT] = {
        "@odata.id": UNIT,
        "PrimaryCoolantConnectors": ref(f"{UNIT}/Primary"),
        "SecondaryCoolantConnectors": ref(f"{UNIT}/Secondary"),
    }
    found[f"{UNIT}/Primary"] = collection(f"{UNIT}/Primary", f"{UNIT}/Primary/1")
    found[f"{UNIT}/Secondary"] = collection(f"{UNIT}/Secondary", f"{UNIT}/Secondary/1")
    found[f"{UNIT}/Primary/1"] = {
        "SupplyTemperatureCelsius": {"Reading": 35.5},
        "ReturnTemperatureCelsius": {"Reading": 45.25},
        "FlowLitersPerMinute": {"Reading": 8.5},
        "HeatRemovedkW": {"Reading": 5.76},
    }
    found[f"{UNIT}/Secondary/1"] = {"ReturnTemperatureCelsius": {"Reading": 52.75}}
    found[f"{ROOT}/Managers"] = collection(f"{ROOT}/Managers", f"{ROOT}/Managers/BMC")
    found[f"{ROOT}/Managers/BMC"] = {"FirmwareVersion": "2.18"}
    return found


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
    ("features", "query"),
    [
        ({"NoLinks": True}, "?$expand=."),
        ({"NoLinks": False, "Links": True, "Levels": True}, ""),
        ({}, ""),
    ],
)
async def test_expand_only_as_advertised(
    features: Json, query: str, make_heater: MakeHeater
) -> None:
    bmc = Bmc(resources=modern(ProtocolFeaturesSupported={"ExpandQuery": features}))
    async with running_bmc(bmc):
        await make_heater(bmc.url).connect()
    assert f"{ROOT}/Systems{query}" in [one.path for one in bmc.seen]


async def test_expand_that_is_not_done(make_heater: MakeHeater) -> None:
    async def links_only(_: web.Request) -> web.StreamResponse:
        return web.json_response(bmc.resources[f"{ROOT}/Systems"])

    features = {"ExpandQuery": {"NoLinks": True}}
    bmc = Bmc(resources=modern(ProtocolFeaturesSupported=features))
    bmc.front["GET", f"{ROOT}/Systems"] = links_only
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.modules == 1
        assert (await heater.read()).modules_on == 1
    assert len([one for one in bmc.seen if "$expand" in one.path]) == 1


async def test_members_on_several_pages(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=modern(system("1"), system("2"), system("3")))
    first = bmc.resources[f"{ROOT}/Systems"]
    more = f"{ROOT}/Systems/page2"
    bmc.resources[more] = collection(more, f"{ROOT}/Systems/3")
    first["Members"] = first["Members"][:2]
    first["Members@odata.nextLink"] = more
    async with running_bmc(bmc):
        _, capabilities = await make_heater(bmc.url).connect()
        assert capabilities.modules == 3
        bmc.resources[more]["Members@odata.nextLink"] = more
        await make_heater(bmc.url).connect()  # ends, though the pages do not


async def test_cap_as_a_control(make_heater: MakeHeater) -> None:
    limit = f"{CONTROLS}/PowerLimit"
    bmc = Bmc(resources=service([system("1")], {"Controls": ref(CONTROLS)}))
    bmc.resources[CONTROLS] = collection(
        CONTROLS, f"{CONTROLS}/Fan", f"{CONTROLS}/Gpu", limit
    )
    bmc.resources[f"{CONTROLS}/Fan"] = {"ControlType": "Percent", "SetPoint": 40}
    bmc.resources[f"{CONTROLS}/Gpu"] = {
        "ControlType": "Power",
        "SetPointUnits": "%",
        "SetPoint": 100,
    }
    bmc.resources[limit] = {
        "@odata.id": limit,
        "ControlType": "Power",
        "PhysicalContext": "Chassis",
        "SetPoint": None,
        "SettingMin": 400,
        "SettingMax": 1500,
    }
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (400, 1500)
        assert (await heater.read()).power_limit_w is None
        await heater.apply(Command(on=True, power_limit_w=700))
        assert (await heater.read()).power_limit_w == 700
        await heater.apply(Command(on=True))
    assert [one.body for one in bmc.requests("PATCH")] == [
        {"SetPoint": 700},
        {"SetPoint": 1500},
    ]


def legacy(**chassis: Any) -> dict[str, Json]:
    found = service([system("1")], {"Power": ref(POWER), **chassis})
    found[POWER] = {
        "@odata.id": POWER,
        "PowerControl": [
            {
                "PowerConsumedWatts": 344,
                "PowerCapacityWatts": 800,
                "PowerLimit": {"LimitInWatts": None, "LimitException": "NoAction"},
            }
        ],
    }
    return found


async def test_only_the_old_power_resource(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=legacy())) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (None, 800)
        assert not capabilities.can_cap, "no floor is known"
        reading = await heater.read()
        assert (reading.power_w, reading.power_limit_w) == (344, None)
        await heater.apply(Command(on=True, power_limit_w=512.4))
        await heater.apply(Command(on=True, power_limit_w=512.4))
        assert (await heater.read()).power_limit_w == 512
        await heater.apply(Command(on=True))
        await heater.apply(Command(on=False))
    assert [one.body["PowerControl"] for one in bmc.requests("PATCH")] == [
        [{"PowerLimit": {"LimitInWatts": 512}}],
        [{"PowerLimit": {"LimitInWatts": None}}],
    ]
    assert (
        bmc.resources[POWER]["PowerControl"][0]["PowerLimit"]["LimitException"]
        == "NoAction"
    )


async def test_old_power_resource_with_range_of_the_chassis(
    make_heater: MakeHeater,
) -> None:
    bmc = Bmc(resources=legacy(MinPowerWatts=200, MaxPowerWatts=750))
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (200, 750)
        with pytest.raises(HeaterRefusedError, match="200 W to 750 W"):
            await heater.apply(Command(on=True, power_limit_w=800))


async def test_old_power_resource_that_only_measures(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=legacy())
    del bmc.resources[POWER]["PowerControl"][0]["PowerLimit"]
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (None, 800)
        assert (await heater.read()).power_w == 344


async def test_chassis_with_the_cap_and_the_computers_is_chosen(
    make_heater: MakeHeater,
) -> None:
    bmc = Bmc(resources=modern())
    shelf = f"{ROOT}/Chassis/Shelf"
    bmc.resources[f"{ROOT}/Chassis"]["Members"].insert(0, ref(shelf))
    bmc.resources[shelf] = {
        **bmc.resources[CHASSIS],
        "@odata.id": shelf,
        "Links": {},
        "Name": "S",
    }
    async with running_bmc(bmc):
        identity, _ = await make_heater(bmc.url).connect()
        assert identity.name == "Rack server"
        del bmc.resources[CHASSIS]["EnvironmentMetrics"]
        identity, _ = await make_heater(bmc.url).connect()
        assert identity.name == "S"
        del bmc.resources[METRICS]["PowerLimitWatts"]
        identity, capabilities = await make_heater(bmc.url).connect()
        assert identity.name == "S", "it knows its power at least"
        assert not capabilities.can_cap


async def test_systems_that_are_no_modules(make_heater: MakeHeater) -> None:
    absent = system("3", "Off", Status={"State": "Absent"})
    bmc = Bmc(resources=modern(system("1"), system("2", SystemType="DPU"), absent))
    bmc.resources[f"{ROOT}/Systems/4"] = {"Name": "nameless"}
    bmc.resources[f"{ROOT}/Systems"]["Members"].append(ref(f"{ROOT}/Systems/4"))
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.modules == 2
        reading = await heater.read()
    assert (reading.is_on, reading.modules_on) == (True, 1)


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
        (f"{ROOT}/Systems/2", {"modules_on", "is_on"}),
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

    monkeypatch.setattr(redfish, "READ_S", 0.3)
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front = {("GET", path): slow for path in bmc.resources}
        with pytest.raises(HeaterConnectionError, match=r"0\.3 s"):
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


async def test_user_who_may_not_look(make_heater: MakeHeater) -> None:
    async def forbid(_: web.Request) -> web.StreamResponse:
        return error(403, "InsufficientPrivilege")

    bmc = Bmc(resources=modern(), front={("GET", f"{ROOT}/Systems"): forbid})
    async with running_bmc(bmc):
        with pytest.raises(HeaterAuthError):
            await make_heater(bmc.url).connect()


@pytest.mark.parametrize(("status", "modules"), [(404, 0), (500, None)])
async def test_systems_collection_missing_or_broken(
    status: int, modules: int | None, make_heater: MakeHeater
) -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    bmc = Bmc(resources=modern(), front={("GET", f"{ROOT}/Systems"): fail})
    async with running_bmc(bmc):
        if modules is None:
            with pytest.raises(HeaterProtocolError):
                await make_heater(bmc.url).connect()
        else:
            _, capabilities = await make_heater(bmc.url).connect()
            assert capabilities.modules == modules


@pytest.mark.parametrize(
    ("root", "chassis", "node", "expected"),
    [
        (None, "AAAA-1", None, "aaaa-1"),
        (None, None, "BBBB-2", "bbbb-2"),
        (None, None, None, "sn1"),
    ],
)
async def test_identity_without_uuid_of_the_service(
    root: str | None,
    chassis: str | None,
    node: str | None,
    expected: str,
    make_heater: MakeHeater,
) -> None:
    bmc = Bmc(resources=modern(UUID=root))
    bmc.resources[CHASSIS]["UUID"] = chassis
    bmc.resources[f"{ROOT}/Systems/1"]["UUID"] = node
    async with running_bmc(bmc):
        identity, _ = await make_heater(bmc.url).connect()
        assert identity.uuid == expected


async def test_nobody_to_be_told_from_others(make_heater: MakeHeater) -> None:
    async with running_bmc(
        Bmc(resources={f"{ROOT}/": {"RedfishVersion": "1.0.0"}})
    ) as bmc:
        with pytest.raises(HeaterProtocolError, match="UUID"):
            await make_heater(bmc.url).connect()


async def test_cooling_unit_alone(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=full())
    root = bmc.resources[f"{ROOT}/"]
    del root["Systems"], root["Chassis"]
    del bmc.resources[UNIT]["PrimaryCoolantConnectors"]
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        reading = await heater.read()
    assert capabilities.has_coolant
    assert (capabilities.modules, capabilities.can_switch, capabilities.can_cap) == (
        0,
        False,
        False,
    )
    assert reading.supply_c == 52.75, "the only connector that it shows"
    assert reading.is_on is None


async def test_power_state_of_a_chassis_without_systems(
    make_heater: MakeHeater,
) -> None:
    bmc = Bmc(resources=modern())
    bmc.resources[f"{ROOT}/Systems"]["Members"] = []
    bmc.resources[CHASSIS]["PowerState"] = "On"
    async with running_bmc(bmc):
        assert (await make_heater(bmc.url).read()).is_on is True


async def test_broken_extras_do_not_stop_the_set_up(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=full())
    for path in (THERMAL, f"{CHASSIS}/Sensors", f"{ROOT}/Managers/BMC"):
        del bmc.resources[path]
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        identity, capabilities = await heater.connect()
        reading = await heater.read()
    assert identity.firmware is None
    assert not capabilities.has_coolant
    assert (reading.supply_c, reading.coolant_c, reading.heat_kwh) == (None, None, None)
    assert (reading.power_w, reading.overheating) == (812.5, False)


async def test_cooling_unit_without_connectors(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=full())
    bmc.resources[f"{UNIT}/Primary"]["Members"] = []
    del bmc.resources[UNIT]["SecondaryCoolantConnectors"]
    bmc.resources[HEAT_METER]["ReadingType"] = "Power"
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        reading = await heater.read()
    assert not capabilities.has_coolant
    assert reading.heat_kwh is None
