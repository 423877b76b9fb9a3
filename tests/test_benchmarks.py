"""Benchmarks measure what they say, and report it; how fast is not tested."""

import asyncio
import gc
from itertools import pairwise
import json
from pathlib import Path
import time

import pytest

from benchmarks import heaters, house, links, reaction
from benchmarks.__main__ import main
from benchmarks.loop_watch import LoopWatch, WatchedSelector
from benchmarks.rows import Row, at_least, at_most, fact, table, write_json
from benchmarks.tick import PERIOD_S, TICK_S, Site
from custom_components.compute_heater.heaters.model import PowerState


def test_rows(tmp_path: Path) -> None:
    rows = [
        at_most("low is good", 5, "ms", 10),
        at_most("too high", 11, "ms", 10),
        at_least("high is good", 1500, "×", 1000),
        at_least("too low", 0.5, "×", 1),
        fact("as it is", 7, "ms", {"min": 6, "requests": 1500}),
    ]
    assert [row.ok for row in rows] == [True, False, True, False, None]
    lines = table(rows).splitlines()
    verdicts = [line.split()[-1] for line in lines[1:5]]
    assert verdicts == ["ok", "MISSED", "ok", "MISSED"]
    assert lines[5].split() == [
        "as",
        "it",
        "is",
        "7",
        "ms",
        "min",
        "6,",
        "requests",
        "1,500",
    ]
    assert "1,500 ×" in lines[3]
    file = tmp_path / "rows.json"
    write_json(rows, file)
    assert json.loads(file.read_text())["rows"][1] == {
        "name": "too high",
        "value": 11,
        "unit": "ms",
        "target": 10,
        "ok": False,
        "details": {},
    }


@pytest.mark.parametrize("heaters", [1, 10])
def test_control_is_at_work(heaters: int) -> None:
    """The site that is measured goes up and down, so each part of control runs."""
    site = Site(heaters)
    seen = set()
    for _ in range(round(2 * PERIOD_S / TICK_S)):
        site.tick()
        assert len(site.decisions) == heaters
        seen |= {decision.state for decision in site.decisions}
    assert PowerState.STANDBY in seen
    assert seen & {PowerState.ECO, PowerState.FULL}


def test_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(house, "STEPS", 20)
    file = tmp_path / "house.json"
    assert main(["house", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())["rows"]
    assert {row["name"] for row in rows} == {"physics of 'demo'", "physics of 'house'"}
    assert all(row["value"] > 0 for row in rows)
    assert "× real time" in capsys.readouterr().out


@pytest.fixture
def few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "BACNET_POINTS", (5, 120))
    monkeypatch.setattr(links, "MODBUS_POINTS", 20)
    monkeypatch.setattr(links, "DELAYS_MS", (0, 1))
    monkeypatch.setattr(links, "LEAST_ROUNDS", 2)
    monkeypatch.setattr(links, "ENOUGH_S", 0)
    monkeypatch.setattr(links, "TARGETS", {("Modbus", 20, 1): 1e9})


@pytest.mark.usefixtures("few_points")
def test_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every scenario is there, with the requests that a block saves."""
    file = tmp_path / "links.json"
    assert main(["links", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())["rows"]
    scenarios = {
        f"{bus}, {points} points, {delay} ms": (points, blocks)
        for delay in (0, 1)
        for bus, points, blocks in (
            ("BACnet", 5, 1),
            ("BACnet", 120, 4),
            ("Modbus", 20, 2),
        )
    }
    assert len(rows) == 3 * len(scenarios)
    by_name = {row["name"]: row for row in rows}
    for scenario, (points, blocks) in scenarios.items():
        ours, singles, ratio = (
            by_name[f"{scenario}: {what}"]
            for what in ("our update", "one read per point", "times faster")
        )
        assert 0 < ours["details"]["requests"] <= blocks
        assert singles["details"]["requests"] == points
        assert ours["details"]["rounds"] == 2
        assert 0 < ours["details"]["min"] <= ours["value"]
        assert ratio["value"] == pytest.approx(singles["value"] / ours["value"])
    missed = by_name["Modbus, 20 points, 1 ms: times faster"]
    assert (missed["target"], missed["ok"]) == (1e9, False)
    assert "present-value only" in capsys.readouterr().out


async def test_links_do_not_measure_what_fails() -> None:
    async def whole() -> links.Update:
        return links.Update({"one": 1.0, "two": 2.0}, 1)

    async def half() -> links.Update:
        return links.Update({"one": 1.0, "two": None}, 1)

    with pytest.raises(RuntimeError, match="one read per point .* all 2 points"):
        await links.compare("BACnet", 2, 0, whole, half)


@pytest.mark.usefixtures("few_points")
async def test_both_ways_read_the_same() -> None:
    seen: list[links.Values] = []

    async def note(
        _bus: str, _points: int, _delay: int, ours: links.Way, rival: links.Way
    ) -> list[Row]:
        seen.extend([(await ours()).values, (await rival()).values])
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(links, "compare", note)
        async with links.running_house(0) as addresses:
            await links.bacnet_rows(addresses, 0)
            await links.modbus_rows(addresses, 0)
    assert [len(values) for values in seen] == [5, 5, 120, 120, 20, 20]
    for ours, rival in zip(seen[::2], seen[1::2], strict=True):
        # It may get a tenth colder between them.
        assert ours == pytest.approx(rival, abs=0.11)
        assert len(set(ours.values())) == len(ours)


def test_heaters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real Home Assistant sets few heaters up, polls and commands them."""
    monkeypatch.setattr(heaters, "HEATERS", 3)
    monkeypatch.setattr(heaters, "STEADY_S", 7.0)
    monkeypatch.setattr(heaters, "COMMANDS", 6)
    file = tmp_path / "heaters.json"
    assert main(["heaters", "--json", str(file)]) == 0
    rows = {row["name"]: row for row in json.loads(file.read_text())["rows"]}
    assert {name for name, row in rows.items() if row["target"]} == {
        "3 heaters: set-up",
        "3 heaters: CPU, all threads",
        *(f"3 heaters: longest stall, {when}" for when in heaters.STALLS),
    }
    assert rows["3 heaters: CPU time of set-up"]["details"]["entities"] > 3 * 10
    # Every five seconds, give or take a second.
    assert 0 < rows["3 heaters: polls of a heater"]["value"] < 30
    accepted = rows["command, action to PATCH accepted"]
    read_back = rows["command, action to read back"]
    assert accepted["details"]["number"] == 6
    assert 0 < accepted["value"] < read_back["value"]
    alone = rows["garbage collection of Home Assistant alone"]
    assert alone["value"] > 0
    assert "leaves the collections out" in capsys.readouterr().out


def test_latency_of_a_command_that_did_not_arrive() -> None:
    commands = [{"watts": 1500.0, "began": 10.0, "ended": 11.0}]
    found = heaters.latencies_ms(commands, [{"watts": 1500.0, "at": 10.5}])
    assert found == [pytest.approx(500)]
    for other in ({"watts": 1500.0, "at": 9.5}, {"watts": 1400.0, "at": 10.5}):
        with pytest.raises(RuntimeError, match="1500 W did not arrive"):
            heaters.latencies_ms(commands, [other])


def test_reaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real Home Assistant carries few demands from foreign controllers to heaters."""
    monkeypatch.setattr(reaction, "CHANGES", 3)
    monkeypatch.setattr(reaction, "POLLED_CHANGES", 1)
    monkeypatch.setattr(reaction, "POLL_GROUP", "fast")
    monkeypatch.setattr(reaction, "POLL_S", 10.0)
    file = tmp_path / "reaction.json"
    assert main(["reaction", "--json", str(file)]) == 0
    rows = {row["name"]: row for row in json.loads(file.read_text())["rows"]}
    at_once = (
        "BACnet value, COV, bridge",
        "BACnet write, gateway",
        "Modbus write, gateway",
    )
    assert {name: row["target"] for name, row in rows.items()} == {
        **{f"{chain}: median": 50 for chain in at_once},
        **{f"{chain}: p95": 150 for chain in at_once},
        "Modbus value, polled every 10 s, bridge: median": None,
    }
    for row in rows.values():
        if details := row["details"]:
            assert details["number"] == (3 if row["target"] else 1)
            assert 0 < details["min"] <= row["value"] <= details["max"]
    assert "spread evenly between two polls" in capsys.readouterr().out


async def test_reaction_counts_until_the_limit_that_was_asked_for() -> None:
    async def demand(percent: float) -> None:
        for watts, at in ((1380.0, 0.1), (percent * 27 + 300, 0.2)):
            chain.limits.put_nowait({"watts": watts, "at": began + at})

    chain = reaction.Chain(name="", demand=demand, floor_w=300)
    began = time.monotonic()
    await chain.change(80)
    assert chain.limits.empty()
    assert 0 < chain.took_ms[0] <= 200


def test_each_change_of_demand_is_one() -> None:
    demands = [reaction.percent_of(number) for number in range(-1, 200)]
    assert all(abs(after - before) >= 38 for before, after in pairwise(demands))
    # Ten changes back the limit is another one, so none is taken for a later one.
    assert all(len({*demands[n : n + 20]}) == 20 for n in range(180))


def test_loop_watch() -> None:
    """Turns are told apart from the collections in them and in other threads."""
    watch = LoopWatch()

    def loop() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(WatchedSelector(watch))

    async def collect() -> dict[str, float]:
        await asyncio.sleep(0)
        watch.take()
        gc.collect()
        await asyncio.sleep(0)
        return watch.take()

    async def collect_elsewhere() -> dict[str, float]:
        await asyncio.sleep(0)
        watch.take()
        await asyncio.to_thread(gc.collect)
        await asyncio.sleep(0)
        return watch.take()

    with asyncio.Runner(loop_factory=loop) as runner:
        seen = runner.run(collect())
        assert 0 < seen["longest_collecting_ms"] <= seen["longest_ms"]
        assert seen["longest_collection_ms"] == seen["longest_collecting_ms"]
        assert seen["turns"] == 1
        seen = runner.run(collect_elsewhere())
        assert 0 < seen["longest_collection_ms"] <= seen["longest_ms"]
    watch.close()


def test_unknown_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "control" in capsys.readouterr().err
