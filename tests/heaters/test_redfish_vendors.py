"""What each maker's services are found to be, and how their cap is set and lifted."""

from collections.abc import Callable

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import redfish_cap
from custom_components.compute_heater.heaters.model import Command, HeaterRefusedError
from custom_components.compute_heater.heaters.redfish_vendors import vendor_of

from .bmc import METRICS, Bmc, Json, error, running_bmc
from .conftest import MakeHeater
from .vendors import (
    CONTROLS,
    POWER,
    ZONE_ACTION,
    ZONE_LIMIT,
    dell,
    hpe,
    hpe_apollo,
    hpe_cray,
    lenovo,
    openbmc,
    supermicro,
)

type Shape = Callable[[], dict[str, Json]]


@pytest.mark.parametrize(
    ("shape", "floor_w", "max_w", "power_w", "limit_w"),
    [
        (openbmc, 2700, 3584, 812.5, None),
        (dell, 501, 836, 278, None),
        (hpe, 159, 1600, 165, None),
        (hpe_apollo, 3250, 3750, 3300, 3500),
        (hpe_cray, 350, 925, None, None),
        (lenovo, 250, 1100, 310, None),
        (supermicro, None, 1200, 210, None),
    ],
)
async def test_what_is_found(
    shape: Shape,
    floor_w: float | None,
    max_w: float,
    power_w: float | None,
    limit_w: float | None,
    make_heater: MakeHeater,
) -> None:
    async with running_bmc(Bmc(resources=shape())) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        reading = await heater.read()
    assert (capabilities.floor_w, capabilities.max_w) == (floor_w, max_w)
    assert (reading.power_w, reading.power_limit_w) == (power_w, limit_w)
    # A default set point alone is no promise that it holds without us.
    assert reading.falls_back_w is None
    assert capabilities.can_switch
    assert capabilities.can_cap is (floor_w is not None)


LEGACY = [{"PowerLimit": {"LimitInWatts": 700}}]
LIFTED = [{"PowerLimit": {"LimitInWatts": None}}]


@pytest.mark.parametrize(
    ("shape", "place", "watts", "capped", "lifted"),
    [
        (
            openbmc,
            METRICS,
            3000,
            {"PowerLimitWatts": {"SetPoint": 3000, "ControlMode": "Automatic"}},
            {"PowerLimitWatts": {"SetPoint": 3584, "ControlMode": "Disabled"}},
        ),
        (dell, POWER, 700.3, {"PowerControl": LEGACY}, {"PowerControl": LIFTED}),
        (hpe, POWER, 700, {"PowerControl": LEGACY}, {"PowerControl": LIFTED}),
        (
            hpe_cray,
            f"{CONTROLS}/NodePowerLimit",
            700,
            {"SetPoint": 700, "ControlMode": "Automatic"},
            {"SetPoint": 925, "ControlMode": "Disabled"},
        ),
        (
            lenovo,
            f"{CONTROLS}/PowerLimit",
            700,
            {"SetPoint": 700},
            {"SetPoint": None},
        ),
    ],
)
async def test_cap_set_and_lifted(
    shape: Shape,
    place: str,
    watts: float,
    capped: Json,
    lifted: Json,
    make_heater: MakeHeater,
) -> None:
    # Lenovo insists on If-Match; the others do not mind it.
    async with running_bmc(Bmc(resources=shape(), needs_match=True)) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        await heater.apply(Command(on=True, power_limit_w=watts))
        assert (await heater.read()).power_limit_w == round(watts)
        await heater.apply(Command(on=True))
        assert (await heater.read()).power_limit_w is None
        await heater.apply(Command(on=True))
    patches = [(one.path, one.body) for one in bmc.requests("PATCH")]
    assert patches == [(place, capped), (place, lifted)]


async def test_chassis_of_one_zone(make_heater: MakeHeater) -> None:
    async def configure(request: web.Request) -> web.StreamResponse:
        limits = (await request.json())["PowerLimits"]
        bmc.resources[ZONE_LIMIT]["PowerLimits"] = limits
        return web.Response(status=200)

    async with running_bmc(Bmc(resources=hpe_apollo())) as bmc:
        bmc.front["POST", ZONE_ACTION] = configure
        heater = make_heater(bmc.url)
        with pytest.raises(HeaterRefusedError, match="3250 W to 3750 W"):
            await heater.apply(Command(on=True, power_limit_w=3000))
        await heater.apply(Command(on=True, power_limit_w=3300))
        assert (await heater.read()).power_limit_w == 3300
        await heater.apply(Command(on=True))
        assert bmc.requests("POST", ZONE_ACTION)[-1].body == {
            "PowerLimits": [{"PowerLimitInWatts": 3750, "ZoneNumber": 0}]
        }
        assert not bmc.requests("PATCH")


async def test_chassis_of_several_zones_is_not_capped_in_part(
    make_heater: MakeHeater,
) -> None:
    resources = hpe_apollo()
    zone = {"ZoneNumber": 1, "PowerLimitInWatts": 3500}
    resources[ZONE_LIMIT]["PowerLimits"].append(zone)
    async with running_bmc(Bmc(resources=resources)) as bmc:
        _, capabilities = await make_heater(bmc.url).connect()
    assert not capabilities.can_cap


@pytest.mark.parametrize("shape", [dell, hpe, supermicro])
async def test_missing_licence_is_told_in_the_makers_words(
    shape: Shape, make_heater: MakeHeater
) -> None:
    async def unlicensed(_: web.Request) -> web.StreamResponse:
        return error(403, "LicenseKeyRequired", "A license key is required.")

    async with running_bmc(Bmc(resources=shape())) as bmc:
        bmc.front["PATCH", POWER] = unlicensed
        heater = make_heater(bmc.url)
        with pytest.raises(HeaterRefusedError, match="license key is required"):
            await heater.apply(Command(on=True, power_limit_w=700))


async def test_limit_that_is_taken_and_not_set(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As iDRAC does without its licence: 200, and nothing happens."""

    async def silent(_: web.Request) -> web.StreamResponse:
        return web.json_response({})

    monkeypatch.setattr(redfish_cap, "READ_BACK_S", (0.0, 0.02))
    async with running_bmc(Bmc(resources=dell())) as bmc:
        bmc.front["PATCH", POWER] = silent
        with pytest.raises(HeaterRefusedError, match="the heater has none"):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=700))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"Vendor": "Dell"}, "Dell"),
        ({"Manufacturer": "Dell Inc."}, "Dell"),
        ({"Vendor": "HPE"}, "HPE"),
        ({"Manufacturer": "Hewlett Packard Enterprise"}, "HPE"),
        ({"Oem": {"Hpe": {}}}, "HPE"),
        ({"Manufacturer": "LENOVO"}, "Lenovo"),
        ({"Manufacturer": "Super Micro Computer, Inc."}, "Supermicro"),
        ({"Vendor": None, "Product": "OpenBMC"}, "OpenBMC"),
        ({"Vendor": "Compute Heater"}, "our agent"),
        ({"Vendor": "Philodell"}, "standard"),
        ({}, "standard"),
    ],
)
def test_makers_are_known_by_name(body: Json, name: str) -> None:
    assert vendor_of(body).name == name
    assert vendor_of({}, body).name == name
