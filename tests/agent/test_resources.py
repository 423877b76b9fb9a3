"""What the Redfish service shows."""

import re

import pytest

from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import ControlMode, Rack

from .client import CONTROL, METRICS, Client, open_heater

PRIMARY = "/redfish/v1/ThermalEquipment/ImmersionUnits/Tank/PrimaryCoolantConnectors/1"
SECONDARY = PRIMARY.replace("Primary", "Secondary")


def links(body: object) -> set[str]:
    match body:
        case dict():
            found = set().union(*(links(value) for value in body.values()))
            return found | ({body["@odata.id"]} if "@odata.id" in body else set())
        case list():
            return set().union(*(links(value) for value in body))
    return set()


async def walk(client: Client) -> dict[str, dict]:
    """Read everything that can be reached from the root."""
    seen: dict[str, dict] = {}
    waiting = {"/redfish/v1/"}
    while waiting:
        path = waiting.pop()
        answer = await client.get(path)
        assert answer.status == 200, path
        seen[path] = answer.body
        assert answer.body["@odata.etag"] == answer.headers["ETag"], path
        assert "GET" in answer.headers["Allow"]
        assert answer.headers["OData-Version"] == "4.0"
        waiting |= links(answer.body) - seen.keys()
    return seen


async def test_every_link_leads_to_a_resource(client: Client) -> None:
    async with client.stream():
        await client.log_in()
        seen = await walk(client)
    # Root, 4 modules, 6 sensors, a session, an event stream and what lies between.
    assert len(seen) > 45
    for path, body in seen.items():
        assert body["@odata.id"] == path
        assert body["Name"]
        kind = body["@odata.type"]
        if kind.endswith("Collection"):
            assert re.fullmatch(r"#(\w+)\.\1", kind)
            assert body["Members@odata.count"] == len(body["Members"])
        else:
            assert re.fullmatch(r"#(\w+)\.v\d+_\d+_\d+\.\1", kind)
            assert body["Id"] == path.rstrip("/").rpartition("/")[2] or path.endswith(
                "/v1/"
            )


async def test_no_reading_is_missing(client: Client) -> None:
    client.rack.step(10, 35, 8)
    for path, body in (await walk(client)).items():
        for name, value in body.items():
            if isinstance(value, dict) and "Reading" in value:
                assert isinstance(value["Reading"], (int, float)), (path, name)


async def test_public_documents(client: Client) -> None:
    version = await client.get("/redfish", auth=None)
    assert version.body == {"v1": "/redfish/v1/"}
    for path in ("/redfish/v1", "/redfish/v1/"):
        root = await client.get(path, auth=None)
        assert root.body["UUID"] == client.agent.uuid
    service = (await client.get("/redfish/v1/odata", auth=None)).body
    assert {"/redfish/v1/Systems", "/redfish/v1/"} <= {
        entry["url"] for entry in service["value"]
    }
    metadata = await client.get("/redfish/v1/$metadata", auth=None)
    assert metadata.headers["Content-Type"].startswith("application/xml")
    for path, body in (await walk(client)).items():
        schema = body["@odata.type"].lstrip("#").partition(".")[0]
        assert f'Include Namespace="{schema}' in metadata.body, path


async def test_metrics_show_the_rack() -> None:
    rack = Rack(RackSettings(), energy_j=3.6e6, heat_j=1.8e6)
    rack.set_cap(set_point_w=1500)
    rack.step(100, 40, 6)
    async with open_heater(stepped=rack) as client:
        body = (await client.get(METRICS)).body
        assert body["PowerWatts"]["Reading"] == pytest.approx(1500, abs=1)
        assert body["PowerLoadPercent"]["Reading"] == pytest.approx(50, abs=0.1)
        kwh = body["EnergykWh"]
        assert kwh["Reading"] == pytest.approx(rack.energy_j / 3.6e6, abs=1e-6)
        assert kwh["Reading"] > 1.03
        assert kwh["LifetimeReading"] == kwh["Reading"]
        assert body["TemperatureCelsius"]["Reading"] == pytest.approx(
            rack.oil_c, abs=1e-3
        )
        heat = (await client.get("/redfish/v1/Chassis/Rack/Sensors/HeatDelivered")).body
        assert heat["ReadingType"] == "EnergykWh"
        assert heat["Reading"] == pytest.approx(rack.heat_j / 3.6e6, abs=1e-6)
        # Excerpts lead to the sensors they are taken from.
        source = body["PowerWatts"]["DataSourceUri"]
        sensor = (await client.get(source)).body
        assert sensor["Reading"] == body["PowerWatts"]["Reading"]


@pytest.mark.parametrize("path", [PRIMARY, SECONDARY])
async def test_connectors_are_consistent_with_physics(path: str) -> None:
    rack = Rack(RackSettings())
    rack.set_cap(control_mode=ControlMode.DISABLED)
    rack.step(900, 41, 6.5)
    async with open_heater(stepped=rack) as client:
        body = (await client.get(path)).body
    flow, cold, hot, delta, heat_kw = (
        body[name]["Reading"]
        for name in (
            "FlowLitersPerMinute",
            "SupplyTemperatureCelsius",
            "ReturnTemperatureCelsius",
            "DeltaTemperatureCelsius",
            "HeatRemovedkW",
        )
    )
    coolant = body["Coolant"]
    density = coolant["DensityKgPerCubicMeter"] / 1000
    expected = flow / 60 * density * coolant["SpecificHeatkJoulesPerKgK"] * delta
    assert heat_kw == pytest.approx(expected, abs=2e-3)
    assert delta == pytest.approx(hot - cold, abs=2e-3)
    assert heat_kw == pytest.approx(rack.heat_w / 1000, abs=1e-4)
    if path == PRIMARY:
        # Redfish's supply is what comes in cold: the return of the house.
        assert cold == 41
        assert flow == 6.5
        assert hot == pytest.approx(rack.supply_c, abs=1e-3)


async def test_modules_show_their_states(client: Client) -> None:
    shown = []
    for kind in ("On", "GracefulShutdown", "ForceOff", "ForceRestart"):
        module = len(shown) + 1
        assert (await client.reset(module, kind)).status == 204
        body = (await client.get(f"/redfish/v1/Systems/Module{module}")).body
        shown.append((body["PowerState"], body["BootProgress"]["LastState"]))
    assert shown == [
        ("On", "OSRunning"),
        ("PoweringOff", "OSRunning"),
        ("Off", "None"),
        ("PoweringOn", "PrimaryProcessorInitializationStarted"),
    ]
    client.rack.step(4, 35, 8)
    body = (await client.get("/redfish/v1/Systems/Module4")).body
    assert body["BootProgress"]["LastState"] == "OSBootStarted"
    assert body["Status"]["State"] == "Starting"


async def test_cap_is_the_same_at_both_places(client: Client) -> None:
    await client.patch(METRICS, {"PowerLimitWatts": {"SetPoint": 1234.5}})
    control = (await client.get(CONTROL)).body
    assert control["SetPoint"] == 1234.5
    changed = await client.patch(CONTROL, {"ControlMode": "Disabled"})
    assert changed.status == 200
    assert changed.body["ControlMode"] == "Disabled"
    limit = (await client.get(METRICS)).body["PowerLimitWatts"]
    assert limit == {
        "SetPoint": 1234.5,
        "AllowableMin": 300,
        "AllowableMax": 3000,
        "DefaultSetPoint": 300,
        "ControlMode": "Disabled",
        "DataSourceUri": CONTROL,
    }
    assert client.rack.power_limit_w is None


async def test_identity_is_stable() -> None:
    uuids = set()
    serials = set()
    for _ in range(2):
        async with open_heater(uuid="7b0dd27a-6f8c-4f3e-9c58-0a1b2c3d4e5f") as client:
            uuids.add((await client.get("/redfish/v1/")).body["UUID"])
            rack = (await client.get("/redfish/v1/Chassis/Rack")).body
            serials.add(rack["SerialNumber"])
    assert uuids == {"7b0dd27a-6f8c-4f3e-9c58-0a1b2c3d4e5f"}
    assert len(serials) == 1


async def test_two_agents_differ() -> None:
    async with open_heater() as one, open_heater() as two:
        assert one.agent.uuid != two.agent.uuid
