"""Leak detectors, pumps and flow faults of a Redfish heater."""

import asyncio
from typing import Any

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters.redfish_coolant import (
    pumps_fail,
    shows_leak,
)

from .bmc import Bmc, Json, collection, running_bmc
from .conftest import MakeHeater
from .shapes import CHASSIS, UNIT, full, ref
from .test_redfish_agent import agent_with

DETECTION = f"{UNIT}/LeakDetection"
DETECTORS = f"{DETECTION}/LeakDetectors"
PUMPS = f"{UNIT}/Pumps"


def leaky(*states: str | None, groups: bool = False) -> dict[str, Json]:
    """Make a cooling unit with detectors, as DMTF's mockup of one has them."""
    found = full()
    found[UNIT]["LeakDetection"] = ref(DETECTION)
    paths = [f"{DETECTORS}/{number}" for number in range(len(states))]
    detection: Json = {"LeakDetectors": ref(DETECTORS)}
    if groups:
        excerpts = [{"DetectorState": state} for state in states]
        detection = {"LeakDetectorGroups": [{"Detectors": excerpts}]}
    found[DETECTION] = {"@odata.id": DETECTION, **detection}
    found[DETECTORS] = collection(DETECTORS, *paths)
    for path, state in zip(paths, states, strict=True):
        found[path] = {"@odata.id": path, "DetectorState": state}
    return found


def pumped(*healths: str | None, **status: Any) -> dict[str, Json]:
    """Make a cooling unit with pumps."""
    found = full()
    found[UNIT]["Pumps"] = ref(PUMPS)
    paths = [f"{PUMPS}/{number}" for number in range(len(healths))]
    found[PUMPS] = collection(PUMPS, *paths)
    for path, health in zip(paths, healths, strict=True):
        state = {"State": "Enabled", "Health": health, **status}
        found[path] = {"@odata.id": path, "Status": state}
    return found


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize(
    ("states", "leak"),
    [
        (("OK", "OK"), False),
        (("OK", "Critical"), True),
        (("Warning", None), True),
        (("OK", "Unavailable"), None),
    ],
)
async def test_detectors_of_the_cooling_unit(
    states: tuple[str | None, ...],
    leak: bool | None,
    groups: bool,
    make_heater: MakeHeater,
) -> None:
    if groups and None in states:
        leak, states = True, ("Warning",)
    async with running_bmc(Bmc(resources=leaky(*states, groups=groups))) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.has_leak_detector
        bmc.seen.clear()
        assert (await heater.read()).leak is leak
        detectors = [one for one in bmc.seen if "LeakDetection" in one.path]
        assert len(detectors) == (1 if groups else len(states))


async def test_detection_of_the_chassis_that_only_tells_its_health(
    make_heater: MakeHeater,
) -> None:
    found = full()
    thermal = f"{CHASSIS}/ThermalSubsystem"
    found[CHASSIS]["ThermalSubsystem"] = ref(thermal)
    found[thermal] = {"LeakDetection": ref(f"{thermal}/LeakDetection")}
    found[f"{thermal}/LeakDetection"] = {"Status": {"Health": "OK"}}
    async with running_bmc(Bmc(resources=found)) as bmc:
        heater = make_heater(bmc.url)
        assert (await heater.read()).leak is False
        bmc.merge(f"{thermal}/LeakDetection", {"Status": {"Health": "Critical"}})
        reading = await heater.read()
        assert (reading.leak, reading.problem) == (True, True)


async def test_no_detector_and_one_that_cannot_be_read(make_heater: MakeHeater) -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert not capabilities.has_leak_detector
        assert (await heater.read()).leak is None
    async with running_bmc(Bmc(resources=leaky("OK", "OK"))) as bmc:
        heater = make_heater(bmc.url)
        assert (await heater.read()).leak is False
        bmc.front["GET", f"{DETECTORS}/1"] = fail
        reading = await heater.read()
        assert (reading.leak, reading.power_w) == (None, 812.5)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("LeakDetectedCritical", {"leak": True}),
        ("LeakDetectedNormal", {"leak": None}),
        ("FlowRateBelowLowerCriticalThreshold", {"flow_fault": True}),
        ("FlowRateNormal", {"flow_fault": None}),
    ],
)
async def test_what_the_chassis_complains_about(
    name: str, fields: dict[str, bool | None], make_heater: MakeHeater
) -> None:
    conditions = [{"MessageId": f"Environmental.1.4.{name}"}]
    bmc = Bmc(resources=full())
    bmc.resources[CHASSIS]["Status"] = {"Health": "OK", "Conditions": conditions}
    async with running_bmc(bmc):
        reading = await make_heater(bmc.url).read()
    assert {field: getattr(reading, field) for field in fields} == fields


@pytest.mark.parametrize(
    ("healths", "status", "fault", "problem"),
    [
        (("OK", "OK"), {}, False, False),
        (("OK", "Critical"), {}, False, True),
        (("Critical", "Critical"), {}, True, True),
        (("Critical", None), {}, None, True),
        (("Critical",), {"State": "StandbySpare"}, None, True),
    ],
)
async def test_pumps(
    healths: tuple[str | None, ...],
    status: Json,
    fault: bool | None,
    problem: bool,
    make_heater: MakeHeater,
) -> None:
    async with running_bmc(Bmc(resources=pumped(*healths, **status))) as bmc:
        reading = await make_heater(bmc.url).read()
    assert (reading.flow_fault, reading.problem) == (fault, problem)


def test_nothing_is_unknown() -> None:
    assert shows_leak([]) is None
    assert shows_leak([{}]) is None
    assert pumps_fail([]) is None


async def test_leak_of_our_agent_comes_as_an_event(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        _, capabilities = await heater.connect()
        assert capabilities.has_leak_detector
        assert (await heater.read()).leak is False
        happened = asyncio.Event()
        task = asyncio.create_task(heater.follow(happened.set))
        try:
            async with asyncio.timeout(20):
                await happened.wait()  # the stream is open
                happened.clear()
                agent.rack.tell_leak(leaking=True)
                await happened.wait()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        reading = await heater.read()
        assert (reading.leak, reading.problem) == (True, True)
        assert reading.overheating is False
