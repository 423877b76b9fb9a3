"""Outlets of a power distribution unit, shaped like DMTF's mockup of one."""

import asyncio

import aiohttp
from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import redfish_outlets
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterProtocolError,
    HeaterRefusedError,
    ModuleCondition,
)
from custom_components.compute_heater.heaters.redfish_client import RedfishClient
from custom_components.compute_heater.heaters.redfish_outlets import (
    OutletHeater,
    find_outlets,
)

from .bmc import PASSWORD, ROOT, USER, Bmc, Json, collection, running_bmc
from .shapes import ref

PDU = f"{ROOT}/PowerEquipment/RackPDUs/1"
OUTLETS = f"{PDU}/Outlets"
A1, A2, A3 = (f"{OUTLETS}/A{number}" for number in (1, 2, 3))
ON, OFF = Command(on=True), Command(on=False)


def outlet(path: str, power: str = "On", watts: float | None = 400) -> Json:
    target = f"{path}/Actions/Outlet.PowerControl"
    return {
        "@odata.id": path,
        "Name": f"Outlet {path[-2:]}",
        "PowerState": power,
        "Status": {"State": "Enabled", "Health": "OK"},
        "PowerWatts": {"Reading": watts},
        "EnergykWh": {"Reading": 12.5},
        "Actions": {"#Outlet.PowerControl": {"target": target}},
    }


def pdu() -> Bmc:
    """Make a unit with three outlets of which the last cannot be switched."""
    units = f"{ROOT}/PowerEquipment/RackPDUs"
    resources: dict[str, Json] = {
        f"{ROOT}/": {
            "RedfishVersion": "1.15.0",
            "UUID": "92384634-2938-2342-8820-489239905423",
            "Vendor": "Contoso",
            "Product": "Metered PDU",
            "PowerEquipment": ref(f"{ROOT}/PowerEquipment"),
        },
        f"{ROOT}/PowerEquipment": {"RackPDUs": ref(units)},
        units: collection(units, PDU),
        PDU: {"@odata.id": PDU, "Outlets": ref(OUTLETS)},
        OUTLETS: collection(OUTLETS, A1, A2, A3),
        A1: {**outlet(A1), "UserLabel": "Miner"},
        A2: outlet(A2, watts=350.5),
        A3: {**outlet(A3), "Actions": {}},
    }
    bmc = Bmc(resources=resources)

    def switched(path: str) -> None:
        async def switch(request: web.Request) -> web.StreamResponse:
            state = (await request.json())["PowerState"]
            watts = 0 if state == "Off" else 400
            bmc.merge(path, {"PowerState": state, "PowerWatts": {"Reading": watts}})
            return web.Response(status=204)

        bmc.front["POST", f"{path}/Actions/Outlet.PowerControl"] = switch

    switched(A1)
    switched(A2)
    return bmc


def heater_on(
    http: aiohttp.ClientSession, bmc: Bmc, *outlets: str, unload_s: float = 0.0
) -> OutletHeater:
    return OutletHeater(http, bmc.url, USER, PASSWORD, outlets, unload_s=unload_s)


def switches(bmc: Bmc) -> list[tuple[str, str]]:
    return [
        (one.path.split("/")[7], one.body["PowerState"])
        for one in bmc.requests("POST", "Outlet.PowerControl")
    ]


async def test_outlets_that_can_be_switched_are_found(
    http: aiohttp.ClientSession,
) -> None:
    async with running_bmc(pdu()) as bmc:
        client = RedfishClient(http, bmc.url, USER, PASSWORD)
        found = await find_outlets(client)
        assert [(one.path, one.name) for one in found] == [
            (A1, "Miner"),
            (A2, "Outlet A2"),
        ]
        await client.close()


async def test_two_outlets_are_one_heater(http: aiohttp.ClientSession) -> None:
    async with running_bmc(pdu()) as bmc:
        heater = heater_on(http, bmc, A1, A2)
        identity, capabilities = await heater.connect()
        assert identity.uuid == "92384634-2938-2342-8820-489239905423/1-A1/1-A2"
        assert identity.name == "Miner, Outlet A2"
        assert (capabilities.can_switch, capabilities.can_cap) == (True, False)
        reading = await heater.read()
        assert (reading.power_w, reading.energy_kwh) == (750.5, 25)
        assert (reading.is_on, reading.modules_on, reading.problem) == (True, 2, False)
        await heater.apply(OFF)
        await heater.apply(OFF)
        reading = await heater.read()
        assert (reading.is_on, reading.power_w) == (False, 0)
        assert reading.modules is not None
        assert {m.condition for m in reading.modules} == {ModuleCondition.OFF}
        await heater.apply(ON)
        await heater.apply(ON)
        assert switches(bmc) == [
            ("A1", "Off"),
            ("A2", "Off"),
            ("A1", "On"),
            ("A2", "On"),
        ]
        with pytest.raises(HeaterRefusedError, match="no power cap"):
            await heater.apply(Command(on=True, power_limit_w=500))
        await heater.close()
        assert not bmc.tokens


async def test_load_gets_time_to_go_away(http: aiohttp.ClientSession) -> None:
    async with running_bmc(pdu()) as bmc:
        heater = heater_on(http, bmc, A1, unload_s=0.3)
        await heater.apply(OFF)
        assert not switches(bmc)
        assert (await heater.read()).is_changing
        await heater.apply(ON)  # thought better of it
        assert not (await heater.read()).is_changing
        await heater.apply(OFF)
        await asyncio.sleep(0.35)
        await heater.apply(OFF)
        assert switches(bmc) == [("A1", "Off")]
        assert not (await heater.read()).is_changing


@pytest.mark.parametrize(("watts", "waits"), [(15, False), (300, True), (None, True)])
async def test_only_load_is_waited_for(
    watts: float | None, waits: bool, http: aiohttp.ClientSession
) -> None:
    async with running_bmc(pdu()) as bmc:
        bmc.merge(A1, {"PowerWatts": {"Reading": watts}})
        heater = heater_on(http, bmc, A1, unload_s=60)
        await heater.apply(OFF)
        assert bool(switches(bmc)) is not waits


async def test_outlet_that_stays_as_it_is(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    monkeypatch.setattr(redfish_outlets, "READ_BACK_S", (0.0, 0.02))
    async with running_bmc(pdu()) as bmc:
        bmc.front["POST", f"{A1}/Actions/Outlet.PowerControl"] = deaf
        heater = heater_on(http, bmc, A1)
        with pytest.raises(HeaterRefusedError, match="not all outlets are off"):
            await heater.apply(OFF)
        with pytest.raises(HeaterRefusedError, match="cannot be switched"):
            await heater_on(http, bmc, A3).apply(OFF)


async def test_what_is_unknown_stays_unknown(http: aiohttp.ClientSession) -> None:
    async with running_bmc(pdu()) as bmc:
        bmc.merge(A2, {"PowerWatts": {"Reading": None}, "PowerState": None})
        bmc.merge(A2, {"Status": {"Health": None}, "EnergykWh": None})
        reading = await heater_on(http, bmc, A1, A2).read()
        assert (reading.power_w, reading.energy_kwh) == (None, None)
        assert (reading.is_on, reading.modules_on) == (True, None)
        reading = await heater_on(http, bmc, A2).read()
        assert (reading.is_on, reading.problem) == (None, None)
        del bmc.resources[A1]
        with pytest.raises(HeaterProtocolError, match="404"):
            await heater_on(http, bmc, A1).connect()
