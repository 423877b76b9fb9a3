"""Work layers on a power layer without a cap: shares, errors, renewals."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from custom_components.compute_heater.heater_coordinator import _holds
from custom_components.compute_heater.heaters import layered, work_layer
from custom_components.compute_heater.heaters.layered import (
    LayeredHeater,
    NominalPower,
    layered_capabilities,
)
from custom_components.compute_heater.heaters.model import (
    Capabilities,
    Command,
    HeaterConnectionError,
    HeaterRefusedError,
    Identity,
    PowerDriver,
    Reading,
    WorkDriver,
)

from .work_pool import Plug, WorkPool

NOMINAL = NominalPower(paused_w=100, full_w=500)
FULL = Command(on=True)
STANDBY = Command(on=True, power_limit_w=100)
OFF = Command(on=False)


def heater_of(power: PowerDriver, *works: WorkDriver) -> LayeredHeater:
    return LayeredHeater(power, works, nominal=NOMINAL)


async def test_a_share_stands_for_a_cap() -> None:
    heater: PowerDriver = heater_of(Plug(), WorkPool())
    identity, capabilities = await heater.connect()
    assert identity.name == "Plug"
    assert capabilities.can_cap and capabilities.can_pause and capabilities.can_share
    assert (capabilities.floor_w, capabilities.max_w) == (100, 500)


async def test_capabilities_of_what_only_pauses() -> None:
    pool = WorkPool(can_share=False)
    _, capabilities = await heater_of(Plug(), WorkPool(), pool).connect()
    assert capabilities.can_pause
    assert not (capabilities.can_share or capabilities.can_cap)


async def test_capabilities_without_work() -> None:
    _, plug = await Plug().connect()
    assert layered_capabilities(plug, [], NOMINAL) == plug


@pytest.mark.parametrize(
    ("watts", "share"),
    [(100, 0), (50, 0), (100.4, 0), (120, 0.05), (300, 0.5), (500, 1), (None, 1)],
)
async def test_share_from_watts(watts: float | None, share: float) -> None:
    pool = WorkPool(share=0.3)
    heater = heater_of(Plug(), pool)
    _, capabilities = await heater.connect()
    command = Command(on=True, power_limit_w=watts)
    await heater.apply(command)
    assert pool.share == pytest.approx(share)
    reading = await heater.read()
    assert reading.work_share == pytest.approx(share)
    assert reading.power_limit_w == pytest.approx(100 + 400 * share)
    assert reading.utilisation_percent == pytest.approx(100 * share)
    if watts != 50:
        assert _holds(command, reading, capabilities)


@pytest.mark.parametrize(("watts", "share"), [(100, 0), (101, 1), (500, 1), (None, 1)])
async def test_what_only_pauses(watts: float | None, share: float) -> None:
    pool = WorkPool(share=0.3, can_share=False)
    await heater_of(Plug(), pool).apply(Command(on=True, power_limit_w=watts))
    assert pool.share == share


async def test_whole_workers_hold_what_they_can() -> None:
    pool = WorkPool(workers=3)
    heater = heater_of(Plug(), pool)
    _, capabilities = await heater.connect()
    command = Command(on=True, power_limit_w=250)
    await heater.apply(command)
    reading = await heater.read()
    assert reading.work_share == pytest.approx(1 / 3)
    assert _holds(command, reading, capabilities)
    assert [share for share, _ in pool.log] == [0.375]


@pytest.mark.parametrize("watts", [-1.0, float("nan"), float("inf")])
async def test_no_power_limit(watts: float) -> None:
    pool = WorkPool(share=1)
    plug = Plug()
    with pytest.raises(HeaterRefusedError):
        await heater_of(plug, pool).apply(Command(on=True, power_limit_w=watts))
    assert (pool.log, plug.writes) == ([], 0)


async def test_work_rests_before_the_plug_goes_and_starts_after_it() -> None:
    plug = Plug()
    pool = WorkPool(lambda: plug.on, share=1)
    heater = heater_of(plug, pool)
    await heater.read()
    await heater.apply(OFF)
    assert pool.log == [(0, True)]
    assert not plug.on
    assert (await heater.read()).problem is None

    await heater.apply(FULL)
    assert plug.on and len(pool.log) == 1, "it boots"
    await heater.read()
    assert pool.log[1:] == [(1, True)]


async def test_work_waits_for_the_end_of_booting() -> None:
    plug = Plug(on=False)
    pool = WorkPool()
    heater = heater_of(plug, pool)
    await heater.read()
    plug.changing = True
    await heater.apply(FULL)
    for _ in range(3):
        assert (await heater.read()).is_changing
    assert pool.log == []
    plug.changing = False
    await heater.read()
    assert [share for share, _ in pool.log] == [1]


async def test_work_waits_while_power_changes() -> None:
    plug, pool = Plug(), WorkPool()
    heater = heater_of(plug, pool)
    await heater.apply(STANDBY)
    plug.changing = True
    await heater.read()
    await heater.apply(FULL)
    await heater.read()
    assert pool.share == 0
    plug.changing = False
    await heater.read()
    assert pool.share == 1, "at once, for that is another command"


async def test_off_needs_no_answer_of_the_work() -> None:
    plug, pool = Plug(on=False), WorkPool()
    pool.dead = True
    reading = await heater_of(plug, pool).read()
    assert (reading.is_on, reading.problem, reading.work_share) == (False, None, None)


async def test_silence_is_booting_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    plug, pool = Plug(on=False), WorkPool()
    pool.dead = True
    heater = heater_of(plug, pool)
    await heater.read()
    await heater.apply(FULL)
    reading = await heater.read()
    assert (reading.is_changing, reading.problem) == (True, None)
    pool.dead = False
    reading = await heater.read()
    assert (reading.is_changing, reading.work_share) == (False, 1)
    pool.dead = True
    assert (await heater.read()).problem is True, "it had booted"

    monkeypatch.setattr(layered, "BOOT_S", 0)
    plug.on = False
    await heater.read()
    await heater.apply(FULL)
    reading = await heater.read()
    assert (reading.is_changing, reading.problem) == (False, True)


async def test_dead_work_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_layer, "RETRY_S", 0)
    plug, pool, other = Plug(), WorkPool(share=1), WorkPool(share=1)
    pool.dead = True
    heater = heater_of(plug, pool, other)
    reading = await heater.read()
    assert (reading.power_w, reading.is_on, reading.problem) == (100, True, True)
    assert (reading.work_share, reading.power_limit_w) == (None, None)
    assert isinstance(heater.work_errors[0], HeaterConnectionError)
    assert heater.work_errors[1] is None

    with pytest.raises(HeaterConnectionError, match="dead"):
        await heater.apply(STANDBY)
    assert other.share == 0, "the others rest all the same"
    pool.dead = False
    reading = await heater.read()
    assert pool.share == 0, "and this one as soon as it can"
    assert (reading.problem, reading.work_share) == (None, 0)
    assert heater.work_errors == (None, None)

    pool.dead = True
    await heater.apply(OFF)
    assert not plug.on


async def test_a_hanging_layer_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work_layer, "WORK_S", 0.1)
    plug, pool = Plug(), WorkPool(share=1)
    pool.hangs = True
    heater = heater_of(plug, pool)
    assert (await heater.read()).problem is True
    await heater.apply(OFF)
    assert not plug.on


async def test_refused_commands_are_not_repeated_at_every_read() -> None:
    pool = WorkPool(share=1)
    pool.deaf = True
    heater = heater_of(Plug(), pool)
    with pytest.raises(HeaterRefusedError):
        await heater.apply(STANDBY)
    for _ in range(5):
        assert (await heater.read()).problem is True
    assert len(pool.log) == 1


async def test_a_refusal_of_another_command_is_forgotten() -> None:
    pool = WorkPool(share=1)
    pool.deaf = True
    heater = heater_of(Plug(), pool)
    with pytest.raises(HeaterRefusedError):
        await heater.apply(STANDBY)
    pool.deaf = False
    await heater.apply(FULL)
    assert (await heater.read()).problem is None


async def test_a_refused_command_may_come_true_by_itself() -> None:
    pool = WorkPool(share=1)
    pool.deaf = True
    heater = heater_of(Plug(), pool)
    with pytest.raises(HeaterRefusedError):
        await heater.apply(STANDBY)
    pool.share = 0
    assert (await heater.read()).problem is None


async def test_reading_commands_nothing() -> None:
    pool = WorkPool(share=0.4)
    heater = heater_of(Plug(), pool)
    for _ in range(3):
        assert (await heater.read()).power_limit_w == pytest.approx(260)
    assert (pool.log, pool.kept, heater.writes) == ([], 0, 0)


async def test_what_others_set_is_shown_and_set_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = WorkPool()
    heater = heater_of(Plug(), pool)
    _, capabilities = await heater.connect()
    await heater.apply(FULL)
    pool.share = 0
    reading = await heater.read()
    assert reading.power_limit_w == 100
    assert not _holds(FULL, reading, capabilities)
    assert pool.share == 0, "not a struggle at every read"
    monkeypatch.setattr(work_layer, "RETRY_S", 0)
    assert (await heater.read()).power_limit_w == 500
    assert pool.share == 1


async def test_why_there_is_no_heat() -> None:
    pool = WorkPool(share=1)
    heater = heater_of(Plug(), pool)
    pool.suspended_reason = "cpu_busy"
    reading = await heater.read()
    assert reading.suspended_reason == "cpu_busy"
    assert reading.throttled is True
    assert reading.utilisation_percent == 0
    pool.suspended_reason = "user_request"
    pool.share = 0
    assert (await heater.read()).throttled is None, "that was asked for"


async def test_held_as_long_as_somebody_reads() -> None:
    pool = WorkPool(lease_s=0.3)
    heater = heater_of(Plug(), pool)
    await heater.apply(FULL)
    for _ in range(10):
        await asyncio.sleep(0.1)
        assert (await heater.read()).work_share == 1
    # A driver made after a restart of Home Assistant knows of no command.
    for heater in (heater, heater_of(Plug(), pool)):
        for _ in range(5):
            await asyncio.sleep(0.1)
            assert (await heater.read()).work_share == 1
    await asyncio.sleep(0.4)
    assert pool.share == 0


@pytest.mark.parametrize(
    ("leases_s", "falls_back_w"),
    [((60,), 100), ((60, 60), 100), ((None,), None), ((60, None), None), ((), None)],
)
async def test_falls_back_only_where_all_work_rests_alone(
    leases_s: tuple[float | None, ...], falls_back_w: float | None
) -> None:
    plug = Plug()
    pools = [WorkPool(share=0.0, lease_s=lease_s) for lease_s in leases_s]
    heater = heater_of(plug, *pools)
    # Nothing is known before the work was read.
    plug.on = False
    assert (await heater.read()).falls_back_w is None
    plug.on = True
    for command in (FULL, STANDBY, FULL):
        await heater.apply(command)
        assert (await heater.read()).falls_back_w == falls_back_w
    # What was so a moment ago is not unknown because it is off or does not answer.
    for pool in pools:
        pool.dead = True
    assert (await heater.read()).falls_back_w == falls_back_w
    plug.on = False
    assert (await heater.read()).falls_back_w == falls_back_w


async def test_nobody_who_cannot_see_the_power_holds_the_work() -> None:
    plug, pool = Plug(), WorkPool(lease_s=0.2)
    heater = heater_of(plug, pool)
    await heater.apply(FULL)
    plug.dead = True
    for _ in range(5):
        await asyncio.sleep(0.1)
        with pytest.raises(HeaterConnectionError):
            await heater.read()
    assert pool.share == 0


async def test_a_dead_power_layer_is_reported_after_the_work_rests() -> None:
    plug, pool = Plug(), WorkPool(share=1)
    heater = heater_of(plug, pool)
    await heater.connect()
    plug.dead = True
    with pytest.raises(HeaterConnectionError, match="plug"):
        await heater.apply(STANDBY)
    assert pool.share == 0
    pool.log.clear()
    with pytest.raises(HeaterConnectionError, match="plug"):
        await heater.apply(FULL)
    assert pool.log == [], "no work without power"


async def test_repeated_commands_and_reads_do_no_harm_together() -> None:
    pool = WorkPool()
    heater = heater_of(Plug(), pool)
    commands = [FULL, STANDBY, Command(on=True, power_limit_w=300)]
    await asyncio.gather(
        *(heater.apply(command) for command in commands * 3),
        *(heater.read() for _ in range(5)),
    )
    assert (await heater.read()).power_limit_w == 300


async def test_events_and_leaving() -> None:
    plug, pool = Plug(), WorkPool()
    heater = heater_of(plug, pool)
    events: list[None] = []
    await heater.follow(lambda: events.append(None))
    assert len(events) == 1
    await heater.close()
    assert plug.closed and pool.closed


def test_nominal_power_without_a_range() -> None:
    assert NominalPower(paused_w=100, full_w=100).share_at(100) == 1


@dataclass(slots=True)
class Moded(Plug):
    """A device with modes of its own, which are told by their power."""

    watts: float | None = None

    async def connect(self) -> tuple[Identity, Capabilities]:
        identity, capabilities = await Plug.connect(self)
        return identity, replace(capabilities, levels=("eco", "full"))

    async def read(self) -> Reading:
        return replace(await Plug.read(self), power_limit_w=self.watts)

    async def apply(self, command: Command) -> None:
        assert not command.keep_cap
        self.watts = command.power_limit_w


async def test_modes_of_the_power_layer_stay_in_use() -> None:
    power, pool = Moded(), WorkPool()
    heater = heater_of(power, pool)
    _, capabilities = await heater.connect()
    assert (capabilities.levels, capabilities.can_cap) == (("eco", "full"), False)
    assert capabilities.can_pause
    for watts, share in ((300, 1), (500, 1), (100, 0)):
        command = Command(on=True, power_limit_w=watts)
        await heater.apply(command)
        assert (power.watts, pool.share) == (watts, share)
        assert _holds(command, await heater.read(), capabilities)
