"""The BOINC driver with Debian's boinc-client, which computes real tasks."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from math import ceil
from pathlib import Path
import time
from xml.etree import ElementTree as ET

import pytest

from custom_components.compute_heater.heaters.boinc import BoincWork, RunMode
from custom_components.compute_heater.heaters.model import (
    HeaterAuthError,
    HeaterProtocolError,
    HeaterRefusedError,
    WorkReading,
)

from .boinc_client import (
    CPUS,
    OVERRIDE,
    BoincClient,
    needs_boinc,
    prepare,
    running_boinc,
)

pytestmark = needs_boinc


@pytest.fixture
async def boinc(tmp_path: Path) -> AsyncGenerator[BoincClient]:
    prepare(tmp_path)
    async with running_boinc(tmp_path) as client:
        yield client


async def reading_that(
    work: BoincWork, fits: Callable[[WorkReading], bool], within: float = 30
) -> WorkReading:
    """Poll until the reading fits; the limit only ends a test that has failed."""
    end = time.monotonic() + within
    while True:
        reading = await work.read()
        if fits(reading):
            return reading
        assert time.monotonic() < end, reading
        await asyncio.sleep(0.1)


async def uses_cpu(client: BoincClient) -> None:
    """Wait until the tasks have used more CPU time."""
    async with asyncio.timeout(30):
        while await ticks_in(client, 0.3) < 5:
            pass


async def ticks_in(client: BoincClient, seconds: float) -> int:
    before = client.cpu_ticks()
    await asyncio.sleep(seconds)
    return client.cpu_ticks() - before


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 (our own file)


async def test_identity(boinc: BoincClient) -> None:
    identity = await boinc.work().connect()
    assert identity.cpus == CPUS
    assert identity.version and identity.version.count(".") == 2
    assert identity.name


async def test_reading_changes_nothing(boinc: BoincClient) -> None:
    work = boinc.work()
    reading = await reading_that(work, lambda r: r.running is True)
    assert reading == WorkReading(
        share=0.75,
        busy_share=0.75,
        running=True,
        suspended_reason=None,
        has_work=True,
        expires_in_s=None,
        lapses_to=0.75,
    )
    assert work.writes == 0
    assert boinc.override == OVERRIDE


@pytest.mark.parametrize("pauses_without_us", [True, False])
async def test_no_cpu_time_on_standby_and_back(
    boinc: BoincClient, pauses_without_us: bool
) -> None:
    work = boinc.work(pauses_without_us=pauses_without_us)
    await work.apply(1)
    await uses_cpu(boinc)

    await work.apply(0)
    reading = await work.read()
    assert (reading.share, reading.busy_share, reading.running) == (0, 0, False)
    reading = await reading_that(work, lambda r: r.suspended_reason is not None)
    assert reading.suspended_reason == "user_request"
    assert reading.has_work
    async with asyncio.timeout(30):
        # It looks once a second whether to compute.
        while await ticks_in(boinc, 0.5) > 1:
            pass
    # 2 s of four tasks would be 200 ticks of each processor.
    assert await ticks_in(boinc, 2) <= 4

    await work.apply(1)
    await uses_cpu(boinc)
    assert (await work.read()).share == 1


async def test_without_us_it_stops(boinc: BoincClient) -> None:
    work = boinc.work(pauses_without_us=True, lease_s=3)
    await work.apply(1)
    reading = await work.read()
    assert reading.share == 1
    assert reading.lapses_to == 0
    assert reading.expires_in_s is not None and 0 < reading.expires_in_s <= 3
    assert not (await reading_that(work, lambda r: r.share == 0)).running
    # And it stays so, however often it is asked to be kept.
    await work.keep()
    assert (await work.read()).share == 0


async def test_without_us_it_is_the_owners_again(boinc: BoincClient) -> None:
    work = boinc.work(lease_s=3)
    await work.apply(0)
    reading = await work.read()
    assert (reading.share, reading.lapses_to) == (0, 0.75)
    assert reading.expires_in_s is not None
    reading = await reading_that(work, lambda r: r.share == 0.75)
    assert reading.expires_in_s is None


async def test_kept_in_force_by_a_new_driver_too(boinc: BoincClient) -> None:
    await boinc.work(pauses_without_us=True, lease_s=100).apply(1)
    before = (await boinc.work().read()).expires_in_s
    # After a restart of ours nobody knows what was commanded.
    patient = boinc.work(lease_s=150)
    await patient.keep()
    assert patient.writes == 0
    hasty = boinc.work(lease_s=1000)
    await hasty.keep()
    reading = await hasty.read()
    assert hasty.writes == 1
    assert reading.share == 1
    assert before is not None and before <= 100
    assert reading.expires_in_s is not None and reading.expires_in_s > 900


async def test_a_restart_of_boinc_is_safe(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with running_boinc(tmp_path) as client:
        await client.work(pauses_without_us=True).apply(0.5)
        assert (await client.work().read()).share == 0.5
        async with asyncio.timeout(30):
            while "<user_run_request>3<" not in client.state:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    async with running_boinc(tmp_path) as client:
        reading = await client.work().read()
        assert (reading.share, reading.expires_in_s) == (0, None)
        await client.work(pauses_without_us=True).apply(0.5)
        assert (await client.work().read()).share == 0.5


async def test_sends_nothing_that_already_holds(boinc: BoincClient) -> None:
    work = boinc.work(pauses_without_us=True)
    await work.apply(0.5)
    sent, override = work.writes, boinc.override
    again = boinc.work(pauses_without_us=True)
    await work.apply(0.5)
    await again.apply(0.5)
    assert (work.writes, again.writes) == (sent, 0)
    assert boinc.override == override
    await work.apply(0)
    sent = work.writes
    await work.apply(0)
    assert work.writes == sent
    # Nothing is written into the preferences for a pause.
    assert boinc.override == override


@pytest.mark.parametrize("share", [1, 0.75, 0.5, 0.3, 0.25, 0.1])
async def test_share(boinc: BoincClient, share: float) -> None:
    work = boinc.work()
    await work.apply(share)
    assert (await work.read()).share == pytest.approx(share, abs=1e-5)
    # Whole processors: as many tasks as the share needs, rounded up.
    async with asyncio.timeout(30):
        while len(await scheduled(boinc)) != ceil(share * CPUS):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    reading = await work.read()
    assert reading.running
    assert reading.busy_share == pytest.approx(share, abs=1e-5)


async def scheduled(client: BoincClient) -> list[str]:
    """Return the tasks that BOINC lets run, as its own tool shows them."""
    process = await asyncio.create_subprocess_exec(
        "boinccmd",
        *("--host", f"127.0.0.1:{client.port}", "--passwd", "open sesame"),
        "--get_tasks",
        stdout=asyncio.subprocess.PIPE,
        cwd=client.folder,
    )
    said, _ = await process.communicate()
    lines = (line.strip() for line in said.decode().splitlines())
    return [line for line in lines if line == "scheduler state: scheduled"]


async def test_preferences_are_merged(boinc: BoincClient) -> None:
    await boinc.work().apply(0.5)
    text = boinc.override
    before = parsed(OVERRIDE.partition("\n")[2])
    after = parsed(text.partition("\n")[2])
    ours = {"max_ncpus_pct", "cpu_usage_limit"}
    ours |= {f"niu_{name}" for name in ours}
    for element in before:
        if element.tag not in ours:
            kept = after.find(element.tag)
            assert kept is not None
            assert ET.tostring(kept).strip() == ET.tostring(element).strip()
    assert {element.tag for element in after} - {e.tag for e in before} == {*ours} - {
        "max_ncpus_pct"
    }
    assert "written by the owner" in text and "quiet at night" in text


@pytest.mark.parametrize("override", [None, "", "<global_preferences/>"])
async def test_preferences_that_were_never_set(
    tmp_path: Path, override: str | None
) -> None:
    prepare(tmp_path, override=override)
    async with running_boinc(tmp_path) as client:
        await client.work().apply(0.5)
        assert (await client.work().read()).share == 0.5
        preferences = parsed(client.override)
        assert len(preferences) == 4


@pytest.mark.parametrize(
    "override",
    ["<global_preferences><max_ncpus_pct>75</global_preferences>", "<other/>"],
)
async def test_preferences_not_understood_are_left_alone(
    tmp_path: Path, override: str
) -> None:
    prepare(tmp_path, override=override)
    async with running_boinc(tmp_path) as client:
        work = client.work()
        with pytest.raises(HeaterProtocolError):
            await work.apply(0.5)
        assert client.override == override
        assert work.writes == 0
        # To pause it needs none.
        await work.apply(0)
        assert (await work.read()).share == 0


async def test_owners_reasons_are_shown(tmp_path: Path) -> None:
    # An hour of the week in which it may not compute: all but one minute at 3 am.
    hours = time.localtime()
    start = (hours.tm_hour + 12) % 24
    prepare(
        tmp_path,
        override="<global_preferences>"
        f"<start_hour>{start}</start_hour><end_hour>{start + 0.1}</end_hour>"
        "<suspend_cpu_usage>0</suspend_cpu_usage></global_preferences>",
    )
    async with running_boinc(tmp_path) as client:
        polite = client.work()
        await polite.apply(1)
        reading = await reading_that(polite, lambda r: r.suspended_reason is not None)
        assert reading.suspended_reason == "time_of_day"
        assert (reading.share, reading.running, reading.has_work) == (1, False, True)
        # An owner who wants heat first.
        await client.work(works=RunMode.ALWAYS).apply(1)
        await reading_that(polite, lambda r: r.running is True)


async def test_nothing_to_compute(tmp_path: Path) -> None:
    prepare(tmp_path, tasks=0)
    async with running_boinc(tmp_path) as client:
        reading = await client.work().read()
        assert (reading.has_work, reading.running, reading.busy_share) == (
            False,
            False,
            0,
        )


@pytest.mark.parametrize("share", [-0.1, 1.01, float("nan"), float("inf")])
async def test_shares_that_are_none(boinc: BoincClient, share: float) -> None:
    work = boinc.work()
    with pytest.raises(HeaterRefusedError):
        await work.apply(share)
    assert work.writes == 0
    assert boinc.override == OVERRIDE


async def test_wrong_password(boinc: BoincClient) -> None:
    work = BoincWork("127.0.0.1", boinc.port, "guessed")
    for call in (work.connect, work.read, work.keep):
        with pytest.raises(HeaterAuthError):
            await call()
    with pytest.raises(HeaterAuthError):
        await work.apply(0)
    assert (await boinc.work().read()).share == 0.75


async def test_many_at_once(boinc: BoincClient) -> None:
    work, other = boinc.work(), boinc.work()
    await asyncio.gather(
        *(driver.apply(share) for driver in (work, other) for share in (0.5, 0.5)),
        *(driver.read() for driver in (work, other) for _ in range(5)),
    )
    assert (await work.read()).share == 0.5
