"""What the Redfish driver finds in differently shaped services."""

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterProtocolError,
    HeaterRefusedError,
)

from .bmc import (
    METRICS,
    ROOT,
    Bmc,
    Json,
    collection,
    modern,
    running_bmc,
    service,
    system,
)
from .conftest import MakeHeater
from .shapes import (
    CHASSIS,
    CONTROLS,
    HEAT_METER,
    POWER,
    THERMAL,
    UNIT,
    full,
    legacy,
    ref,
)


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
    assert len([one for one in bmc.seen if "Systems?$expand" in one.path]) == 1


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
    absent = system("3", PowerState=None, Status={"State": "Absent"})
    bmc = Bmc(resources=modern(system("1"), system("2", SystemType="DPU"), absent))
    bmc.resources[f"{ROOT}/Systems/4"] = {"Name": "nameless"}
    bmc.resources[f"{ROOT}/Systems"]["Members"].append(ref(f"{ROOT}/Systems/4"))
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.modules == 2
        await heater.apply(Command(on=False))
        reading = await heater.read()
    assert reading.is_on is False, "an empty slot is neither on nor unknown"
    assert [one.path.split("/")[4] for one in bmc.requests("POST", "Reset")] == ["1"]


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
