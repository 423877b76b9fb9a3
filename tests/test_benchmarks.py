"""Benchmarks measure what they say, and report it; how fast is not tested."""

import json
from pathlib import Path

import pytest

from benchmarks import house
from benchmarks.__main__ import main
from benchmarks.control import PERIOD_S, TICK_S, Site
from benchmarks.rows import at_least, at_most, table, write_json
from custom_components.compute_heater.heaters.model import PowerState


def test_rows(tmp_path: Path) -> None:
    rows = [
        at_most("low is good", 5, "ms", 10),
        at_most("too high", 11, "ms", 10),
        at_least("high is good", 1500, "×", 1000),
        at_least("too low", 0.5, "×", 1),
    ]
    assert [row.ok for row in rows] == [True, False, True, False]
    lines = table(rows).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["ok", "MISSED", "ok", "MISSED"]
    assert "1,500 ×" in lines[3]
    file = tmp_path / "rows.json"
    write_json(rows, file)
    assert json.loads(file.read_text())["rows"][1] == {
        "name": "too high",
        "value": 11,
        "unit": "ms",
        "target": 10,
        "ok": False,
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


def test_unknown_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "control" in capsys.readouterr().err
