"""What holds for the repository as a whole."""

import json
import os
from pathlib import Path
import re
import struct
import tomllib
from typing import Any

import pytest
import yaml

from homeassistant import components

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "compute_heater"
MANIFEST = json.loads((INTEGRATION / "manifest.json").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

RULES_OF_THE_QUALITY_SCALE = 54


def test_modbus_pins_are_home_assistants() -> None:
    """The building is simulated with exactly the Modbus packages that core brings."""
    manifest = json.loads(
        (Path(components.__path__[0]) / "modbus" / "manifest.json").read_text()
    )
    run = {
        item for item in PROJECT["dependency-groups"]["run"] if isinstance(item, str)
    }
    assert set(manifest["requirements"]) <= run


def test_one_version() -> None:
    """Integration, project and agent are released together, with a note of it."""
    agent = tomllib.loads((ROOT / "agent" / "pyproject.toml").read_text())
    version = MANIFEST["version"]
    assert PROJECT["project"]["version"] == version
    assert agent["project"]["version"] == version
    assert f"\n## [{version}] - " in (ROOT / "CHANGELOG.md").read_text()


def test_one_home_assistant() -> None:
    """Offered to the versions that the tests run on."""
    oldest = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
    assert f"homeassistant=={oldest}" in PROJECT["dependency-groups"]["run"]


def test_manifest_order() -> None:
    """Hassfest wants domain and name first, the rest by the alphabet."""
    names = list(MANIFEST)
    assert names[:2] == ["domain", "name"]
    assert names[2:] == sorted(names[2:])
    assert MANIFEST["domain"] == INTEGRATION.name


def test_platforms_say_how_many_updates_run_at_a_time() -> None:
    for platform in (
        "binary_sensor",
        "climate",
        "number",
        "select",
        "sensor",
        "switch",
        "water_heater",
    ):
        source = (INTEGRATION / f"{platform}.py").read_text()
        assert re.search(r"^PARALLEL_UPDATES = [01]$", source, re.MULTILINE), platform


def test_quality_scale() -> None:
    """Every rule has a verdict, and a reason where it is not simply met."""
    rules: dict[str, Any] = yaml.safe_load(
        (INTEGRATION / "quality_scale.yaml").read_text()
    )["rules"]
    assert len(rules) == RULES_OF_THE_QUALITY_SCALE
    for rule, verdict in rules.items():
        if verdict == "done":
            continue
        assert verdict.keys() == {"status", "comment"}, rule
        assert verdict["status"] in ("exempt", "todo"), rule
        assert len(verdict["comment"]) > 20, rule


@pytest.mark.parametrize(
    ("name", "height", "square"),
    [
        ("icon", 256, True),
        ("icon@2x", 512, True),
        ("logo", 128, False),
        ("logo@2x", 256, False),
        ("dark_logo", 128, False),
        ("dark_logo@2x", 256, False),
    ],
)
def test_brand(name: str, height: int, square: bool) -> None:
    """The images have the sizes that Home Assistant asks for, and load fast."""
    image = (INTEGRATION / "brand" / f"{name}.png").read_bytes()
    assert image.startswith(b"\x89PNG")
    assert len(image) < 64_000
    width, real_height = struct.unpack(">II", image[16:24])
    assert real_height == height
    assert (width == height) is square


def test_icons_exist() -> None:
    """Each mdi name is one of those that the frontend brings."""
    import hass_frontend

    (names,) = Path(hass_frontend.__file__).parent.rglob("iconList.json")
    known = {icon["name"] for icon in json.loads(names.read_text())}
    text = (INTEGRATION / "icons.json").read_text()
    used = set(re.findall(r'"mdi:([^"]+)"', text))
    assert used
    assert used <= known


@pytest.mark.parametrize("script", ["setup", "demo", "test", "lint"])
def test_scripts_can_be_started(script: str) -> None:
    assert os.access(ROOT / "scripts" / script, os.X_OK)


def test_ci_runs_the_tests() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "./scripts/test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    ("workflow", "step"),
    [
        ("tests", "./scripts/test"),
        ("hassfest", "home-assistant/actions/hassfest@master"),
        ("hacs", "hacs/action@main"),
    ],
)
def test_workflows(workflow: str, step: str) -> None:
    path = ROOT / ".github" / "workflows" / f"{workflow}.yml"
    jobs = yaml.safe_load(path.read_text())["jobs"]
    steps = [each for job in jobs.values() for each in job["steps"]]
    assert step in [each.get("run") or each.get("uses") for each in steps]
