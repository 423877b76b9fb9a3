"""The Redfish driver with our agent, over real sockets."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
import json
from pathlib import Path
import sys
import time

import pytest

from compute_heater_agent.modules import ModuleState, ResetType
from compute_heater_agent.service import RunningAgent, running_agent
from compute_heater_agent.settings import AgentSettings, RackSettings
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterAuthError,
    HeaterConnectionError,
    HeaterError,
    HeaterRefusedError,
    PowerDriver,
    Reading,
)
from custom_components.compute_heater.heaters.redfish import RedfishHeater

from .bmc import PASSWORD, USER
from .conftest import MakeHeater

AGENT_PACKAGES = Path(__file__).parents[2] / "agent"


@asynccontextmanager
async def agent_with(port: int = 0, **rack: float) -> AsyncGenerator[RunningAgent]:
    """Run an agent whose rack boots and drains quickly."""
    quick = {"boot_s": 0.5, "drain_s": 0.5, "response_s": 0.3, "ramp_s": 0.3, **rack}
    settings = AgentSettings(
        user=USER,
        password=PASSWORD,
        port=port,
        name="Cellar",
        rack=RackSettings(**quick),  # type: ignore[arg-type]
    )
    async with running_agent(settings) as agent:
        yield agent


async def reading_that(
    heater: RedfishHeater, fits: Callable[[Reading], bool], within: float = 30
) -> Reading:
    """Poll until the reading fits; the limit only ends a test that has failed."""
    end = time.monotonic() + within
    while True:
        reading = await heater.read()
        if fits(reading):
            return reading
        assert time.monotonic() < end, reading
        await asyncio.sleep(0.1)


async def test_who_it_is_and_what_it_can(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater: PowerDriver = make_heater(agent.url)
        identity, capabilities = await heater.connect()
    assert identity.uuid == agent.uuid
    assert identity.name == "Cellar"
    assert identity.model
    assert identity.serial_number
    assert capabilities.can_switch
    assert capabilities.can_cap
    assert (capabilities.floor_w, capabilities.max_w) == (300, 3000)
    assert capabilities.modules == 4
    assert capabilities.has_coolant
    assert heater.writes == 0


async def test_reading_is_the_rack_in_heating_terms(make_heater: MakeHeater) -> None:
    async with agent_with(oil_c=50) as agent:
        heater = make_heater(agent.url)
        await heater.apply(Command(on=True, power_limit_w=1500))
        reading = await reading_that(heater, lambda r: (r.heat_kwh or 0) > 0.003)
        rack = agent.rack
        assert reading.power_limit_w == 1500
        assert reading.falls_back_w == 300
        assert reading.coolant_c == pytest.approx(rack.oil_c, abs=0.5)
        assert reading.supply_c == pytest.approx(rack.supply_c, abs=0.5)
        assert reading.return_c == pytest.approx(rack.return_c, abs=0.5)
        assert reading.flow_lpm == pytest.approx(rack.flow_lpm)
        assert reading.heat_w == pytest.approx(rack.heat_w, rel=0.05)
        assert reading.heat_kwh == pytest.approx(rack.heat_j / 3.6e6, rel=0.1)
        assert reading.energy_kwh == pytest.approx(rack.energy_j / 3.6e6, rel=0.2)
        assert reading.supply_c is not None
        assert reading.return_c is not None
        assert reading.supply_c > reading.return_c, "supply is the hot pipe"
    assert (reading.is_on, reading.modules_on, reading.is_changing) == (True, 4, False)
    assert (reading.problem, reading.overheating, reading.throttled) == (
        False,
        False,
        False,
    )


async def test_measured_power_follows_the_cap(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        await heater.apply(Command(on=True, power_limit_w=2000))
        await reading_that(heater, lambda r: abs((r.power_w or 0) - 2000) < 50)
        await heater.apply(Command(on=True, power_limit_w=600))
        await reading_that(heater, lambda r: abs((r.power_w or 0) - 600) < 50)
        await heater.apply(Command(on=True))
        reading = await reading_that(heater, lambda r: (r.power_w or 0) > 2900)
        assert reading.power_limit_w is None
        assert heater.writes == 3
        for _ in range(3):
            await heater.apply(Command(on=True))
        assert heater.writes == 3, "nothing is sent that already holds"


async def test_limits_of_the_agent(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        for watts in (299, 3001):
            with pytest.raises(HeaterRefusedError, match="300 W to 3000 W"):
                await heater.apply(Command(on=True, power_limit_w=watts))
        assert heater.writes == 0
        assert agent.rack.set_point_w == 300


async def test_down_and_up_again(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        await heater.apply(Command(on=True, power_limit_w=2500))
        await heater.apply(Command(on=False))
        assert agent.rack.set_point_w == 300, "the cap falls first"
        reading = await heater.read()
        assert reading.is_changing or reading.is_on is False
        await heater.apply(Command(on=False))
        assert heater.writes == 6, "cap, floor and one shutdown per module"
        reading = await reading_that(heater, lambda r: not r.is_changing)
        assert (reading.is_on, reading.modules_on) == (False, 0)
        assert {module.state for module in agent.rack.modules} == {ModuleState.OFF}

        await heater.apply(Command(on=True, power_limit_w=1200))
        reading = await heater.read()
        assert reading.is_on is True
        reading = await reading_that(heater, lambda r: r.modules_on == 4)
        assert not reading.is_changing
        assert reading.power_limit_w == 1200
        assert heater.writes == 11


async def test_started_again_while_draining(make_heater: MakeHeater) -> None:
    async with agent_with(drain_s=2) as agent:
        heater = make_heater(agent.url)
        await heater.apply(Command(on=False))
        assert (await heater.read()).is_changing
        end = time.monotonic() + 30
        while (await heater.read()).modules_on != 4 or agent.rack.set_point_w != 900:
            await heater.apply(Command(on=True, power_limit_w=900))
            assert time.monotonic() < end
            await asyncio.sleep(0.1)


async def test_shutdown_that_takes_too_long(make_heater: MakeHeater) -> None:
    async with agent_with(drain_s=3600) as agent:
        heater = make_heater(agent.url, shutdown_s=0.5)
        await heater.apply(Command(on=False))
        assert {module.state for module in agent.rack.modules} == {ModuleState.DRAINING}
        await asyncio.sleep(0.6)
        await heater.apply(Command(on=False))
        assert {module.state for module in agent.rack.modules} == {ModuleState.OFF}


async def test_polling_holds_the_lease_and_silence_ends_it(
    make_heater: MakeHeater,
) -> None:
    async with agent_with(lease_s=3) as agent:
        heater = make_heater(agent.url)
        await heater.apply(Command(on=True, power_limit_w=2000))
        for _ in range(16):
            await asyncio.sleep(0.25)
            assert (await heater.read()).power_limit_w == 2000
        await asyncio.sleep(3.5)
        assert agent.rack.set_point_w == 300
        assert (await heater.read()).power_limit_w == 300
        await heater.apply(Command(on=True, power_limit_w=2000))
        assert agent.rack.set_point_w == 2000


async def test_hot_rack_says_why_it_holds_back(make_heater: MakeHeater) -> None:
    async with agent_with(oil_c=64.5) as agent:
        heater = make_heater(agent.url)
        reading = await reading_that(heater, lambda r: r.throttled is True)
        assert (reading.overheating, reading.problem) == (False, True)
        agent.rack.bath.oil_c = 55
        reading = await reading_that(heater, lambda r: r.throttled is False)
        assert reading.problem is False


async def test_tripped_rack_refuses_to_start(make_heater: MakeHeater) -> None:
    async with agent_with(oil_c=69) as agent:
        heater = make_heater(agent.url)
        reading = await reading_that(heater, lambda r: r.is_on is False)
        assert (reading.overheating, reading.problem) == (True, True)
        with pytest.raises(HeaterRefusedError, match=r"Module 1: .+"):
            await heater.apply(Command(on=True, power_limit_w=1000))


async def test_agent_restarts(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        await heater.apply(Command(on=True, power_limit_w=2000))
        port = int(agent.url.rsplit(":", 1)[1])
    with pytest.raises(HeaterConnectionError):
        await heater.read()
    with pytest.raises(HeaterConnectionError):
        await heater.apply(Command(on=True, power_limit_w=2000))
    async with agent_with(port, modules=2):
        reading = await heater.read()  # a new session
        assert reading.power_limit_w == 300
        await heater.apply(Command(on=True, power_limit_w=2000))
        reading = await reading_that(heater, lambda r: r.modules_on == 2)
        assert reading.power_limit_w == 2000


async def test_driver_made_while_the_agent_is_away(
    make_heater: MakeHeater, unused_tcp_port: int
) -> None:
    heater = make_heater(f"http://127.0.0.1:{unused_tcp_port}")
    for _ in range(2):
        with pytest.raises(HeaterConnectionError):
            await heater.read()
    async with agent_with(unused_tcp_port):
        assert (await heater.read()).modules_on == 4


async def test_other_clients_hold_all_sessions(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        others = [make_heater(agent.url) for _ in range(16)]
        for other in others:
            await other.read()
        late = make_heater(agent.url)
        assert (await late.read()).modules_on == 4
        await late.apply(Command(on=True, power_limit_w=700))
        assert agent.rack.set_point_w == 700


async def test_wrong_password(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        with pytest.raises(HeaterAuthError):
            await make_heater(agent.url, password="wrong").connect()


async def test_two_drivers_do_not_fight_over_etags(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        one, two = make_heater(agent.url), make_heater(agent.url)
        for watts in range(400, 1400, 100):
            results = await asyncio.gather(
                one.apply(Command(on=True, power_limit_w=watts)),
                two.apply(Command(on=True, power_limit_w=watts + 50)),
                return_exceptions=True,
            )
            # One may find the other's value in force, and then says so.
            assert all(r is None or isinstance(r, HeaterRefusedError) for r in results)
            assert agent.rack.set_point_w in (watts, watts + 50)


async def test_events_hasten_a_poll(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        happened = asyncio.Event()
        task = asyncio.create_task(heater.follow(happened.set))
        try:
            async with asyncio.timeout(20):
                await happened.wait()  # the stream is open
                for command in (ResetType.GRACEFUL_SHUTDOWN, ResetType.FORCE_OFF):
                    happened.clear()
                    agent.rack.reset(0, command)
                    await happened.wait()
            assert (await heater.read()).modules_on == 3
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_command_line_agent(make_heater: MakeHeater) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "compute_heater_agent", "--simulated", "--port", "0"),
        *("--user", USER, "--password", PASSWORD),
        cwd=AGENT_PACKAGES,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            greeting = json.loads(await process.stdout.readline())
        heater = make_heater(greeting["redfish"])
        identity, _ = await heater.connect()
        assert identity.uuid == greeting["uuid"]
        await heater.apply(Command(on=True, power_limit_w=1234))
        assert (await heater.read()).power_limit_w == 1234
        process.kill()
        await process.wait()
        with pytest.raises(HeaterError):
            await heater.read()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
