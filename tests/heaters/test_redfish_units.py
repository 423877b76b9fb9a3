"""Set points in percent, in steps, and within ranges by older names."""

from typing import Any

import pytest

from custom_components.compute_heater.heaters.model import (
    Capabilities,
    Command,
    HeaterRefusedError,
)
from custom_components.compute_heater.heaters.redfish_cap import Cap

from .bmc import METRICS, Bmc, Json, collection, modern, running_bmc, service, system
from .conftest import MakeHeater
from .shapes import CHASSIS, CONTROLS, ref

LIMIT = f"{CONTROLS}/PowerLimit_0"


def controlled(control: Json, **chassis: Any) -> dict[str, Json]:
    """Make a server whose cap is a control alone, as BlueField has it."""
    found = service([system("1")], {"Controls": ref(CONTROLS), **chassis})
    found[CONTROLS] = collection(CONTROLS, LIMIT)
    found[LIMIT] = {"@odata.id": LIMIT, "ControlType": "Power", **control}
    return found


PERCENT = {"SetPointUnits": "%", "SetPoint": 100, "AllowableMin": 20}


async def test_percent_of_the_rated_power(make_heater: MakeHeater) -> None:
    async with running_bmc(
        Bmc(resources=controlled(PERCENT, MaxPowerWatts=150))
    ) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (30, 150)
        assert capabilities.step_w == 1.5
        assert (await heater.read()).power_limit_w == 150
        await heater.apply(Command(on=True, power_limit_w=100))
        assert bmc.resources[LIMIT]["SetPoint"] == 66, "99 W, not above 100 W"
        assert (await heater.read()).power_limit_w == pytest.approx(99)
        await heater.apply(Command(on=True, power_limit_w=100))
        assert len(bmc.requests("PATCH")) == 1, "it holds as closely as it can"
        with pytest.raises(HeaterRefusedError, match="30 W to 150 W"):
            await heater.apply(Command(on=True, power_limit_w=29))
        await heater.apply(Command(on=False))
        assert bmc.resources[LIMIT]["SetPoint"] == 20
        await heater.apply(Command(on=True))
        assert bmc.resources[LIMIT]["SetPoint"] == 100


async def test_percent_of_what_the_supplies_give(make_heater: MakeHeater) -> None:
    supply = f"{CHASSIS}/PowerSubsystem"
    resources = controlled(PERCENT, PowerSubsystem=ref(supply))
    resources[supply] = {"CapacityWatts": 1000}
    async with running_bmc(Bmc(resources=resources)) as bmc:
        _, capabilities = await make_heater(bmc.url).connect()
        assert (capabilities.floor_w, capabilities.max_w) == (200, 1000)


async def test_percent_of_something_unknown_is_of_no_use(
    make_heater: MakeHeater,
) -> None:
    async with running_bmc(Bmc(resources=controlled(PERCENT))) as bmc:
        _, capabilities = await make_heater(bmc.url).connect()
        assert not capabilities.can_cap


async def test_watts_are_better_than_percent(make_heater: MakeHeater) -> None:
    resources = controlled(PERCENT, MaxPowerWatts=150)
    watts, part = f"{CONTROLS}/Chassis", f"{CONTROLS}/Gpu"
    resources[CONTROLS] = collection(CONTROLS, part, LIMIT, watts)
    resources[part] = {"@odata.id": part, "ControlType": "Power", **PERCENT}
    resources[watts] = {
        "@odata.id": watts,
        "ControlType": "Power",
        "PhysicalContext": "Chassis",
        "SetPoint": 120,
        "SettingRangeMin": 60,
        "SettingRangeMax": 140,
    }
    async with running_bmc(Bmc(resources=resources)) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (60, 140)
        del bmc.resources[watts]
        bmc.resources[CONTROLS]["Members"].pop()
        heater = make_heater(bmc.url)
        await heater.apply(Command(on=True, power_limit_w=75))
        assert bmc.resources[LIMIT]["SetPoint"] == 50, "that of the whole, by its name"
        assert bmc.resources[part]["SetPoint"] == 100


@pytest.mark.parametrize(
    ("watts", "becomes"), [(400, 400), (449, 400), (450, 450), (999, 950), (1000, 1000)]
)
async def test_steps_of_the_control_behind_the_excerpt(
    watts: float, becomes: float, make_heater: MakeHeater
) -> None:
    resources = modern()
    resources[CHASSIS]["Controls"] = ref(CONTROLS)
    resources[CONTROLS] = collection(CONTROLS, LIMIT)
    resources[METRICS]["PowerLimitWatts"]["DataSourceUri"] = LIMIT
    resources[LIMIT] = {
        "@odata.id": LIMIT,
        "ControlType": "Power",
        "SetPoint": 990,
        "AllowableMin": 300,
        "AllowableMax": 1000,
        "Increment": 50,
    }
    async with running_bmc(Bmc(resources=resources)) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.step_w == 50
        for _ in range(2):
            await heater.apply(Command(on=True, power_limit_w=watts))
        assert [
            one.body["PowerLimitWatts"]["SetPoint"] for one in bmc.requests("PATCH")
        ] == [becomes]


def test_steps_are_counted_from_the_floor() -> None:
    cap = Cap(
        set_point_w=None, mode=None, has_mode=False, floor_w=75, max_w=100, step_w=10
    )
    assert [cap.settable(w) for w in (75, 84, 85, 99)] == [75, 75, 85, 95]
    assert cap.settable(50) == 50, "what is too low is refused elsewhere"


def test_capabilities_stored_before_steps_were_known() -> None:
    old = {"can_switch": True, "floor_w": 1, "max_w": 2, "modules": 1}
    assert Capabilities(**old, has_coolant=False).step_w is None  # type: ignore[arg-type]
