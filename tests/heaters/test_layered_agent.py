"""Work layers on our agent, which takes a cap; with Debian's BOINC as one of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
import time

import pytest

from compute_heater_agent.modules import ModuleState
from custom_components.compute_heater.heater_coordinator import _holds
from custom_components.compute_heater.heaters.layered import LayeredHeater, NominalPower
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterAuthError,
    HeaterConnectionError,
    Reading,
)

from .boinc_client import CPUS, needs_boinc, prepare, running_boinc
from .conftest import MakeHeater
from .test_redfish_agent import agent_with
from .work_pool import Plug, WorkPool

NOMINAL = NominalPower(paused_w=300, full_w=3000)
STANDBY = Command(on=True, power_limit_w=300)
FULL = Command(on=True)


async def reading_that(
    heater: LayeredHeater, fits: Callable[[Reading], bool], within: float = 30
) -> Reading:
    """Poll until the reading fits; the limit only ends a test that has failed."""
    end = time.monotonic() + within
    while True:
        reading = await heater.read()
        if fits(reading):
            return reading
        assert time.monotonic() < end, reading
        await asyncio.sleep(0.1)


async def test_the_cap_stays_the_caps(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        pool = WorkPool()
        heater = LayeredHeater(make_heater(agent.url), [pool], nominal=NOMINAL)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (300, 3000)
        assert capabilities.can_pause
        command = Command(on=True, power_limit_w=1000)
        await heater.apply(command)
        assert (agent.rack.set_point_w, pool.share) == (1000, 1)
        reading = await heater.read()
        assert reading.power_limit_w == 1000
        assert _holds(command, reading, capabilities)
        assert reading.coolant_c is not None


async def test_order(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        rack = agent.rack

        def look() -> tuple[float | None, bool]:
            on = all(module.state is ModuleState.ON for module in rack.modules)
            return rack.set_point_w, on

        pool = WorkPool(look, share=0)
        heater = LayeredHeater(make_heater(agent.url), [pool], nominal=NOMINAL)
        await heater.read()
        await heater.apply(Command(on=True, power_limit_w=2000))
        assert pool.log.pop() == (1, (2000, True)), "the cap rises before work starts"
        await heater.apply(STANDBY)
        assert pool.log.pop() == (0, (2000, True)), "work rests before the cap falls"
        assert rack.set_point_w == 300
        await heater.apply(Command(on=True, power_limit_w=1500))
        pool.log.clear()
        await heater.apply(Command(on=False))
        assert pool.log == [(0, (1500, True))], "and before the power goes"
        await reading_that(heater, lambda r: r.is_on is False and not r.is_changing)

        pool.log.clear()
        await heater.apply(Command(on=True, power_limit_w=1200))
        assert pool.log == []
        reading = await reading_that(heater, lambda r: r.work_share == 1)
        assert pool.log == [(1, (1200, True))], "no work before it has booted"
        assert reading.power_limit_w == 1200


async def test_paused_work_is_seen_in_the_limit(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        pool = WorkPool(share=1)
        heater = LayeredHeater(make_heater(agent.url), [pool], nominal=NOMINAL)
        _, capabilities = await heater.connect()
        await heater.apply(FULL)
        assert (await heater.read()).power_limit_w is None
        pool.share = 0
        reading = await heater.read()
        assert reading.power_limit_w == 300
        assert not _holds(FULL, reading, capabilities)


async def test_power_falls_though_the_work_is_dead(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        pool = WorkPool(share=1)
        heater = LayeredHeater(make_heater(agent.url), [pool], nominal=NOMINAL)
        await heater.apply(Command(on=True, power_limit_w=2000))
        pool.dead = True
        with pytest.raises(HeaterConnectionError, match="pool"):
            await heater.apply(STANDBY)
        assert agent.rack.set_point_w == 300
        reading = await heater.read()
        assert (reading.power_limit_w, reading.problem) == (300, True)
        await heater.apply(Command(on=False))
        await reading_that(heater, lambda r: r.is_on is False)


@needs_boinc
async def test_boinc_on_the_agent(make_heater: MakeHeater, tmp_path: Path) -> None:
    prepare(tmp_path)
    async with agent_with() as agent:
        async with running_boinc(tmp_path) as client:
            work = client.work(pauses_without_us=True)
            heater = LayeredHeater(make_heater(agent.url), [work], nominal=NOMINAL)
            await heater.apply(STANDBY)
            reading = await reading_that(heater, lambda r: bool(r.suspended_reason))
            assert (reading.work_share, reading.has_work) == (0, True)
            assert reading.throttled is False
            await heater.apply(FULL)
            await reading_that(
                heater,
                lambda r: (
                    r.work_share == 1
                    and not r.suspended_reason
                    and len(client.tasks()) == CPUS
                ),
            )
            assert heater.work_readings[0] is not None
            assert heater.work_readings[0].running
            # Its power falls back by the lease, and its work rests by itself.
            reading = await heater.read()
            assert reading.falls_back_w == NOMINAL.paused_w
        # BOINC has gone: the heater has a problem, and still obeys.
        reading = await heater.read()
        assert (reading.problem, reading.is_on) == (True, True)
        with pytest.raises(HeaterConnectionError):
            await heater.apply(STANDBY)
        assert agent.rack.set_point_w == 300


@needs_boinc
async def test_boinc_alone_takes_watts(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with running_boinc(tmp_path) as client:
        work = client.work(pauses_without_us=True)
        nominal = NominalPower(paused_w=60, full_w=260)
        heater = LayeredHeater(Plug(), [work], nominal=nominal)
        _, capabilities = await heater.connect()
        for watts in (260, 110, 97, 160, 60, 150):
            command = Command(on=True, power_limit_w=watts)
            await heater.apply(command)
            reading = await heater.read()
            assert reading.power_limit_w == pytest.approx(watts, abs=0.1)
            assert _holds(command, reading, capabilities)
            assert reading.work_share == pytest.approx((watts - 60) / 200, abs=1e-4)


@needs_boinc
async def test_boinc_holds_as_long_as_we_read(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with running_boinc(tmp_path) as client:
        work = client.work(pauses_without_us=True, lease_s=3)
        heater = LayeredHeater(Plug(), [work], nominal=NOMINAL)
        await heater.apply(FULL)
        for _ in range(14):
            await asyncio.sleep(0.4)
            assert (await heater.read()).work_share == 1
        assert 4 < work.writes < 12, "renewed at half of the time, not at every read"
        # Home Assistant dies.
        witness = client.work()
        end = time.monotonic() + 30
        while (await witness.read()).share != 0:
            assert time.monotonic() < end
            await asyncio.sleep(0.1)


@needs_boinc
async def test_wrong_password_of_the_work(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with running_boinc(tmp_path) as client:
        work = client.work()
        work._password = "changed"
        heater = LayeredHeater(Plug(), [work], nominal=NOMINAL)
        reading = await heater.read()
        assert (reading.is_on, reading.problem) == (True, True)
        assert isinstance(heater.work_errors[0], HeaterAuthError)
