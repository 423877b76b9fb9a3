"""What the rack does by itself: over-temperature and the lease."""

from collections.abc import AsyncGenerator

import pytest

from compute_heater_agent.errors import TrippedError
from compute_heater_agent.modules import ModuleState, ResetType
from compute_heater_agent.notices import Happening, Notice
from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import ControlMode, Rack

from .client import METRICS, STREAM, Client, open_heater, until


def full(**settings: float) -> Rack:
    rack = Rack(RackSettings(**settings))
    rack.set_cap(control_mode=ControlMode.DISABLED)
    rack.step(20, 35, 8)
    return rack


def test_throttles_in_proportion_and_recovers() -> None:
    rack = full()
    told: list[Happening] = []
    rack.listen(lambda notice: told.append(notice.happening))
    # Water that is too warm for full power: the rack finds its own balance.
    rack.step(3600, 56.5, 8)
    assert rack.guard.throttled
    assert 62 < rack.oil_c < 65
    share = (65 - rack.oil_c) / 3
    assert rack.power_w == pytest.approx(300 + share * 2700, rel=0.02)
    assert rack.power_limit_w is None
    rack.step(3600, 40, 8)
    assert rack.power_w == pytest.approx(3000, rel=0.01)
    assert told == [Happening.THROTTLED, Happening.THROTTLE_ENDED]


def test_trip_without_flow() -> None:
    rack = full(drain_s=10)
    told: list[Notice] = []
    rack.listen(told.append)
    hottest = 0.0
    for _ in range(4 * 7200):
        rack.step(0.25, 35, 0)
        hottest = max(hottest, rack.oil_c)
        if rack.guard.tripped:
            break
    assert rack.guard.tripped
    assert rack.power_limit_w == 300
    assert rack.power_w < 310
    assert all(module.state is ModuleState.DRAINING for module in rack.modules)
    rack.step(15, 35, 0)
    assert all(module.state is ModuleState.OFF for module in rack.modules)
    assert rack.power_w == 6
    # Throttling before the trip keeps the overshoot small.
    assert max(hottest, rack.oil_c) < 65.1
    assert [notice.happening for notice in told][:3] == [
        Happening.THROTTLED,
        Happening.TRIPPED,
        Happening.POWER_LIMIT_CHANGED,
    ]


def tripped() -> Rack:
    rack = Rack(RackSettings(oil_c=65.0))
    rack.set_cap(set_point_w=2000)
    rack.step(1, 60, 0)
    assert rack.guard.tripped
    return rack


def test_trip_refuses_to_start_modules_until_cool() -> None:
    rack = tripped()
    rack.step(10, 60, 0)
    for command in (ResetType.ON, ResetType.GRACEFUL_RESTART, ResetType.FORCE_RESTART):
        with pytest.raises(TrippedError):
            rack.reset(0, command)
    rack.reset(0, ResetType.FORCE_OFF)
    rack.set_cap(set_point_w=3000)
    assert rack.effective_limit_w == 300
    while rack.oil_c >= 55:
        assert rack.guard.tripped
        rack.step(1, 40, 8)
    rack.step(10, 40, 8)
    assert not rack.guard.tripped
    # Nothing starts by itself.
    assert all(module.state is ModuleState.OFF for module in rack.modules)
    rack.reset(0, ResetType.ON)
    assert rack.modules[0].state is ModuleState.BOOTING


def test_trip_stops_a_restart_under_way() -> None:
    rack = Rack(RackSettings(oil_c=64.9, modules=1, drain_s=3, boot_s=3))
    rack.reset(0, ResetType.GRACEFUL_RESTART)
    rack.bath.oil_c = 65.0
    rack.step(20, 60, 0)
    assert rack.modules[0].state is ModuleState.OFF


def test_far_too_hot_cuts_off_at_once() -> None:
    rack = Rack(RackSettings(drain_s=600))
    rack.bath.oil_c = 67.5
    rack.step(0.5, 60, 0)
    assert all(module.state is ModuleState.OFF for module in rack.modules)


def test_lease_falls_back_to_the_default() -> None:
    rack = Rack(RackSettings(lease_s=60, default_w=450))
    told: list[Happening] = []
    rack.listen(lambda notice: told.append(notice.happening))
    rack.renew_lease()
    rack.set_cap(control_mode=ControlMode.DISABLED)
    for _ in range(3):
        rack.step(59, 35, 8)
        rack.renew_lease()
        assert rack.power_limit_w is None
    rack.step(61, 35, 8)
    assert rack.power_limit_w == 450
    assert rack.control_mode is ControlMode.AUTOMATIC
    rack.step(1000, 35, 8)
    rack.renew_lease()
    assert rack.power_limit_w == 450
    assert told == [
        Happening.LEASE_RENEWED,
        Happening.POWER_LIMIT_CHANGED,
        Happening.POWER_LIMIT_CHANGED,
        Happening.LEASE_EXPIRED,
        Happening.LEASE_RENEWED,
    ]


def test_lease_ends_inside_a_long_step() -> None:
    rack = Rack(RackSettings(lease_s=100))
    rack.renew_lease()
    rack.set_cap(control_mode=ControlMode.DISABLED)
    rack.step(3600, 35, 8)
    # 100 s at full power, the rest at the floor.
    assert rack.energy_j == pytest.approx(100 * 3000 + 3500 * 300, rel=0.01)


class Hot:
    """A house that sends hardly any water."""

    def inflow(self, rack: Rack) -> tuple[float, float]:
        return 60.0, 0.0


async def test_trip_while_nobody_asks() -> None:
    """The running service protects itself with no client at all."""
    rack = RackSettings(oil_c=40.8, trip_c=41.0, drain_s=0.2)
    async with open_heater(rack, load=Hot(), speed=50) as client:
        await until(lambda: client.rack.power_w <= 6)
        assert client.rack.guard.tripped
        chassis = (await client.get("/redfish/v1/Chassis/Rack")).body
        assert chassis["Status"]["Health"] == "Critical"
        condition = chassis["Status"]["Conditions"][0]["MessageId"]
        assert condition == "Environmental.1.4.TemperatureAboveUpperCriticalThreshold"
        refused = await client.reset(1, "On")
        assert (refused.status, refused.faults) == (409, ["OverTemperatureTripActive"])
        assert (await client.get(METRICS)).body["PowerLimitWatts"]["SetPoint"] == 300


async def test_throttling_is_reported(client: Client) -> None:
    client.rack.bath.oil_c = 63.0
    client.rack.step(0.1, 60, 0)
    status = (await client.get("/redfish/v1/Chassis/Rack")).body["Status"]
    assert status["Health"] == "Warning"
    assert status["Conditions"][0]["MessageId"].endswith("UpperCautionThreshold")
    sensor = (await client.get("/redfish/v1/Chassis/Rack/Sensors/Coolant")).body
    assert sensor["Thresholds"]["UpperCaution"]["Reading"] == 62
    assert sensor["Status"]["Health"] == "Warning"


@pytest.fixture
async def leased() -> AsyncGenerator[Client]:
    """Set a cap of 2 kW as a client would; the lease lasts 60 s."""
    rack = Rack(RackSettings(lease_s=60))
    async with open_heater(stepped=rack) as opened:
        body = {"PowerLimitWatts": {"SetPoint": 2000, "ControlMode": "Automatic"}}
        assert (await opened.patch(METRICS, body)).status == 200
        yield opened


async def test_polling_keeps_the_lease(leased: Client) -> None:
    for _ in range(3):
        leased.rack.step(50, 35, 8)
        assert (await leased.get("/redfish/v1/Systems")).status == 200
    assert leased.rack.power_limit_w == 2000
    leased.rack.step(61, 35, 8)
    assert (await leased.get(METRICS)).body["PowerLimitWatts"]["SetPoint"] == 300


async def test_session_login_and_requests_keep_the_lease(leased: Client) -> None:
    leased.rack.step(50, 35, 8)
    token = (await leased.log_in()).headers["X-Auth-Token"]
    leased.rack.step(50, 35, 8)
    headers = {"X-Auth-Token": token}
    assert (await leased.get(METRICS, auth=None, headers=headers)).status == 200
    leased.rack.step(50, 35, 8)
    assert leased.rack.power_limit_w == 2000


async def test_only_the_right_client_keeps_the_lease(leased: Client) -> None:
    leased.rack.step(50, 35, 8)
    assert (await leased.get(METRICS, auth=None)).status == 401
    assert (await leased.log_in("wrong")).status == 401
    assert (await leased.get("/redfish/v1/", auth=None)).status == 200
    headers = {"X-Auth-Token": "0" * 64}
    assert (await leased.get(METRICS, auth=None, headers=headers)).status == 401
    assert (await leased.get(STREAM, auth=None)).status == 401
    leased.rack.step(11, 35, 8)
    assert leased.rack.power_limit_w == 300


async def test_an_open_event_stream_does_not_keep_the_lease(leased: Client) -> None:
    leased.rack.step(50, 35, 8)
    async with leased.stream():
        leased.rack.step(11, 35, 8)
        assert leased.rack.power_limit_w == 300


async def test_lease_runs_out_in_real_time() -> None:
    async with open_heater(RackSettings(lease_s=0.5)) as client:
        await client.patch(METRICS, {"PowerLimitWatts": {"SetPoint": 2000}})
        assert client.rack.power_limit_w == 2000
        await until(lambda: client.rack.power_limit_w == 300)
        assert client.rack.power_w > 300
