"""The Slurm driver on a real cluster with real jobs; skipped where there can be none."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
import hashlib
import hmac
import json
from pathlib import Path
import time

import aiohttp
import pytest

from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterAuthError,
    HeaterRefusedError,
    ModuleCondition,
    Reading,
)
from custom_components.compute_heater.heaters.slurm import SlurmHeater, SlurmSettings
from custom_components.compute_heater.heaters.slurm_client import (
    SlurmClient,
    fixed_token,
)
from custom_components.compute_heater.heaters.slurm_settings import Leaving

from .slurm_cluster import NODES, SlurmCluster, SlurmJobs, needs_slurm, running_slurm

# A cluster is a dozen processes that start and end with every test.
pytestmark = pytest.mark.long

IDLE_W, FULL_W = 40.0, 100.0
FULL = Command(on=True)
STANDBY = Command(on=True, power_limit_w=4 * IDLE_W)
OFF = Command(on=False)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncGenerator[SlurmCluster]:
    needs_slurm()
    async with running_slurm(tmp_path / "slurm") as running:
        yield running


@pytest.fixture
def client(cluster: SlurmCluster, http: aiohttp.ClientSession) -> SlurmClient:
    return SlurmClient(http, cluster.url, cluster.token)


@pytest.fixture
def jobs(cluster: SlurmCluster, client: SlurmClient) -> SlurmJobs:
    return SlurmJobs(client, cluster.folder)


def heater_of(client: SlurmClient, **more: object) -> SlurmHeater:
    values = {
        "name": "House",
        "idle_w": IDLE_W,
        "full_w": FULL_W,
        **({} if "nodes" in more else {"partition": "heat"}),
        **more,
    }
    return SlurmHeater(client, SlurmSettings(**values))  # type: ignore[arg-type]


async def until(
    heater: SlurmHeater, holds: Callable[[Reading], bool], limit_s: float = 40
) -> Reading:
    """Read until something holds, as a coordinator does."""
    reading = await heater.read()
    try:
        async with asyncio.timeout(limit_s):
            while not holds(reading):
                await asyncio.sleep(0.2)
                reading = await heater.read()
    except TimeoutError:
        pytest.fail(f"still {reading}, {heater.failure}")
    return reading


async def states(cluster: SlurmCluster) -> dict[str, str]:
    printed = await cluster.run("sinfo", "-h", "-N", "-o", "%N %T %E")
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in printed.splitlines()}


async def test_it_tells_what_it_is(client: SlurmClient) -> None:
    heater = heater_of(client)
    identity, capabilities = await heater.connect()
    assert identity.uuid == "slurm:heat:partition heat"
    assert identity.firmware and identity.firmware.startswith("24.11")
    assert heater.api is not None and heater.api.name == "v0.0.42"
    assert capabilities.modules == 4
    assert (capabilities.floor_w, capabilities.max_w) == (160, 400)
    assert (capabilities.step_w, capabilities.can_switch) == (60, False)

    reading = await heater.read()
    # Nothing measures these nodes: Slurm says 0 W.
    assert reading.power_w is None and reading.energy_kwh is None
    assert reading.utilisation_percent == 0
    assert (reading.is_on, reading.problem) == (True, False)
    assert (reading.work_share, reading.has_work) == (1, False)
    assert reading.modules_on == 4 and heater.writes == 0


async def test_a_limit_is_a_number_of_nodes(
    cluster: SlurmCluster, client: SlurmClient
) -> None:
    heater = heater_of(client)
    await heater.connect()
    for watts, resting, held in (
        (300.0, 2, 280.0),
        (160.0, 4, 160.0),
        (220.0, 3, 220.0),
        (None, 0, None),
    ):
        command = Command(on=True, power_limit_w=watts)
        await heater.apply(command)
        shown = await states(cluster)
        assert sum("drained compute-heater" in s for s in shown.values()) == resting
        reading = await heater.read()
        assert reading.power_limit_w == held
        assert reading.fulfils == command and not reading.is_changing
        writes = heater.writes
        await heater.apply(command)
        await heater.read()
        assert heater.writes == writes


async def test_nodes_that_others_drained_are_left_alone(
    cluster: SlurmCluster, client: SlurmClient
) -> None:
    heater = heater_of(client)
    await cluster.run(
        "scontrol", "update", "nodename=arm1", "state=drain", "reason=new memory"
    )
    await heater.apply(STANDBY)
    await heater.apply(FULL)
    shown = await states(cluster)
    assert "drained new memory" in shown["arm1"]
    assert all("idle" in shown[name] for name in NODES if name != "arm1")
    reading = await heater.read()
    assert reading.fulfils == FULL and reading.work_share == 0.75
    two = Command(on=True, power_limit_w=280)
    await heater.apply(two)
    reading = await heater.read()
    assert (reading.power_limit_w, reading.work_share) == (280, 0.5)


async def test_jobs_finish_on_a_node_that_shall_rest(
    jobs: SlurmJobs, client: SlurmClient
) -> None:
    heater = heater_of(client, leaving=Leaving.FINISH)
    ids = [await jobs.submit("until [ -e /srv/end ]; do sleep 0.1; done")]
    await jobs.until(ids, "RUNNING")
    assert (await heater.read()).has_work
    await heater.apply(STANDBY)
    reading = await heater.read()
    assert reading.is_changing and reading.fulfils is None
    assert reading.utilisation_percent == 25
    (jobs.folder / "end").touch()
    reading = await until(heater, lambda r: r.fulfils == STANDBY)
    assert not reading.is_changing
    assert await jobs.states() == {ids[0]: ("COMPLETED", 0)}


async def test_standby_requeues_what_may_be_and_loses_nothing(
    jobs: SlurmJobs, client: SlurmClient
) -> None:
    heater = heater_of(client, leaving=Leaving.REQUEUE)
    # The first run would take long, a second one leaves its mark.
    script = '[ "$SLURM_RESTART_COUNT" ] && echo >>/srv/done.$SLURM_JOB_ID || sleep 600'
    moves = [await jobs.submit(script) for _ in range(3)]
    stays = await jobs.submit("sleep 600", requeue=False)
    await jobs.until([*moves, stays], "RUNNING")
    await heater.apply(STANDBY)
    expected = dict.fromkeys(moves, ("PENDING", 1)) | {stays: ("RUNNING", 0)}
    assert await jobs.states() == expected
    reading = await heater.read()
    assert reading.utilisation_percent == 25 and reading.problem is False
    assert reading.is_changing
    # It is not told again and again.
    writes = heater.writes
    await heater.read()
    assert heater.writes == writes and await jobs.states() == expected

    # Only the job that could not move is where it was, once heat is wanted again.
    await heater.apply(FULL)
    await jobs.release(moves)
    await jobs.until(moves, "COMPLETED")
    assert all((jobs.folder / f"done.{job}").exists() for job in moves)
    assert (await jobs.states())[stays] == ("RUNNING", 0)


async def test_off_powers_nodes_down_once_their_jobs_have_left(
    jobs: SlurmJobs, client: SlurmClient
) -> None:
    heater = heater_of(client, leaving=Leaving.REQUEUE, can_power_down=True)
    await _off_under_load(heater, jobs)


async def test_powers_down_without_losing_a_job_and_up_again(
    cluster: SlurmCluster, jobs: SlurmJobs, client: SlurmClient
) -> None:
    heater = heater_of(client, leaving=Leaving.REQUEUE, can_power_down=True)
    moves, stays = await _off_under_load(heater, jobs)
    # Slurm takes 20 s to call the program that switches nodes off.
    reading = await until(heater, lambda r: r.fulfils == OFF)
    assert reading.is_on is False and not reading.is_changing
    assert {m.condition for m in reading.modules or ()} == {ModuleCondition.OFF}
    assert not list(cluster.folder.glob("slurmd.*.pid"))

    # Waiting jobs do not wake what shall be off.
    await jobs.release(moves)
    for _ in range(4):
        await asyncio.sleep(0.5)
        reading = await heater.read()
        assert reading.is_on is False and reading.fulfils == OFF

    await heater.apply(FULL)
    await until(heater, lambda r: r.fulfils == FULL and r.modules_on == 4)
    # They have nodes again; on nodes that have just booted Slurm lets them begin later.
    await jobs.until(moves, "RUNNING")
    assert await jobs.states() == dict.fromkeys(moves, ("RUNNING", 1)) | {
        stays: ("COMPLETED", 0)
    }


async def _off_under_load(
    heater: SlurmHeater, jobs: SlurmJobs
) -> tuple[list[int], int]:
    """Switch off a cluster at work; return the jobs that left, and one that stayed."""
    _, capabilities = await heater.connect()
    assert capabilities.can_switch
    moves = [await jobs.submit("sleep 600") for _ in range(3)]
    stays = await jobs.submit(
        "until [ -e /srv/end ]; do sleep 0.1; done", requeue=False
    )
    await jobs.until([*moves, stays], "RUNNING")
    await heater.apply(OFF)
    reading = await until(heater, lambda r: r.modules_on == 1)
    assert reading.is_on and reading.is_changing and reading.fulfils is None
    assert await jobs.states() == dict.fromkeys(moves, ("PENDING", 1)) | {
        stays: ("RUNNING", 0)
    }
    (jobs.folder / "end").touch()
    reading = await until(heater, lambda r: r.modules_on == 0)
    assert reading.is_changing and (await jobs.states())[stays] == ("COMPLETED", 0)
    return moves, stays


async def test_without_power_saving_it_only_rests(
    cluster: SlurmCluster, client: SlurmClient
) -> None:
    heater = heater_of(client)
    with pytest.raises(HeaterRefusedError, match="only be drained"):
        await heater.apply(OFF)
    assert all("drained" in state for state in (await states(cluster)).values())


async def test_nodes_come_back_when_nobody_renews_that_they_rest(
    jobs: SlurmJobs, client: SlurmClient
) -> None:
    # Slurm looks at it every 30 s.
    heater = heater_of(client, leaving=Leaving.REQUEUE, lease_s=20)
    ids = [await jobs.submit("sleep 600") for _ in range(2)]
    await jobs.until(ids, "RUNNING")
    await heater.apply(STANDBY)
    began = time.monotonic()
    # As long as it is read, they rest for longer than that.
    while time.monotonic() < began + 60:
        await asyncio.sleep(0.5)
        reading = await heater.read()
        assert reading.work_share == 0 and reading.problem is False
    await heater.close()
    other = heater_of(client, returns_without_us=False)
    await until(other, lambda r: r.work_share == 1, limit_s=60)


async def test_powered_down_nodes_come_back_for_waiting_jobs_too(
    jobs: SlurmJobs, client: SlurmClient
) -> None:
    heater = heater_of(client, can_power_down=True, lease_s=15)
    await heater.apply(OFF)
    await until(heater, lambda r: r.fulfils == OFF)
    waits = [await jobs.submit("sleep 600")]
    await heater.read()
    await heater.close()
    other = heater_of(client, returns_without_us=False)
    reading = await until(other, lambda r: bool(r.work_share), limit_s=60)
    assert reading.problem is False
    await jobs.until(waits, "RUNNING")


async def test_that_nodes_rest_is_renewed(
    cluster: SlurmCluster, jobs: SlurmJobs, client: SlurmClient
) -> None:
    heater = heater_of(client, leaving=Leaving.REQUEUE, lease_s=4)
    ids = [await jobs.submit("sleep 600")]
    await jobs.until(ids, "RUNNING")
    await heater.apply(STANDBY)
    first = await _returns(cluster)
    assert len(first) == 4
    writes = heater.writes
    while heater.writes == writes:
        await asyncio.sleep(0.1)
        assert (await heater.read()).work_share == 0
    assert all(
        later >= before + 2
        for before, later in zip(first, await _returns(cluster), strict=True)
    )


async def _returns(cluster: SlurmCluster) -> list[int]:
    """Return when the nodes come back by themselves."""
    shown = await cluster.run("scontrol", "show", "nodes", "--json")
    times = [node["resume_after"]["number"] for node in json.loads(shown)["nodes"]]
    return [time for time in times if time]


async def test_nodes_stay_at_rest_where_that_is_wanted(
    cluster: SlurmCluster, client: SlurmClient
) -> None:
    heater = heater_of(client, lease_s=1, returns_without_us=False)
    await heater.apply(STANDBY)
    shown = await cluster.run("scontrol", "show", "nodes")
    assert "DRAIN" in shown and "ResumeAfterTime=None" in shown


async def test_an_expired_token_is_renewed(
    cluster: SlurmCluster, http: aiohttp.ClientSession
) -> None:
    expired = _signed(cluster, {"exp": 1, "iat": 0, "sun": "root"})
    tokens = [expired, await cluster.token()]

    async def source() -> str:
        return tokens.pop(0)

    heater = heater_of(SlurmClient(http, cluster.url, source))
    await heater.apply(STANDBY)
    assert not tokens and (await heater.read()).fulfils == STANDBY

    lost = heater_of(SlurmClient(http, cluster.url, fixed_token(expired)))
    with pytest.raises(HeaterAuthError, match="authentication"):
        await lost.connect()


async def test_a_user_without_rights_is_told(
    cluster: SlurmCluster, http: aiohttp.ClientSession
) -> None:
    async def source() -> str:
        return await cluster.token(user="nobody")

    heater = heater_of(SlurmClient(http, cluster.url, source))
    await heater.connect()
    with pytest.raises(HeaterRefusedError):
        await heater.apply(STANDBY)
    assert all("idle" in state for state in (await states(cluster)).values())


async def test_jobs_move_to_the_house_that_wants_heat(
    jobs: SlurmJobs, client: SlurmClient
) -> None:
    north = heater_of(client, name="North", nodes="arm[0-1]", leaving=Leaving.REQUEUE)
    south = heater_of(client, name="South", nodes="arm[2-3]", leaving=Leaving.REQUEUE)
    standby = Command(on=True, power_limit_w=2 * IDLE_W)
    await south.apply(standby)
    ids = [await jobs.submit("sleep 600") for _ in range(2)]
    await jobs.until(ids, "RUNNING")
    assert await jobs.where(ids) == {"arm0", "arm1"}
    assert (await north.read()).utilisation_percent == 100
    assert (await south.read()).utilisation_percent == 0

    await south.apply(FULL)
    await north.apply(standby)
    await jobs.release(ids)
    await jobs.until(ids, "RUNNING")
    assert await jobs.where(ids) == {"arm2", "arm3"}
    assert (await north.read()).utilisation_percent == 0
    assert (await south.read()).utilisation_percent == 100
    assert await jobs.states() == dict.fromkeys(ids, ("RUNNING", 1))

    # Each leaves the other's nodes alone.
    assert (await north.read()).fulfils == standby
    assert (await south.read()).fulfils == FULL


def _signed(cluster: SlurmCluster, claims: dict[str, object]) -> str:
    """Sign a token as the controller does."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    text = f"{head}.{part(json.dumps(claims).encode())}"
    key = (cluster.folder / "jwt.key").read_bytes()
    return f"{text}.{part(hmac.digest(key, text.encode(), hashlib.sha256))}"


async def test_an_old_slurm_can_only_be_read(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    needs_slurm("bookworm")
    async with running_slurm(tmp_path / "slurm", "bookworm") as old:
        heater = heater_of(SlurmClient(http, old.url, old.token, user="root"))
        identity, capabilities = await heater.connect()
        assert identity.firmware and identity.firmware.startswith("22.05")
        assert heater.api is not None and heater.api.name == "v0.0.38"
        assert not capabilities.can_switch and not capabilities.can_cap
        await old.run(
            "scontrol", "update", "nodename=arm3", "state=drain", "reason=disk"
        )
        reading = await heater.read()
        assert reading.work_share == 0.75 and reading.modules_on == 4
        assert reading.utilisation_percent == 0 and reading.power_w is None
        with pytest.raises(HeaterRefusedError, match="only be read"):
            await heater.apply(STANDBY)
        assert heater.writes == 0
