"""Every blueprint is what Home Assistant takes as one."""

from pathlib import Path

import pytest

from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.util import yaml as yaml_util

from .conftest import FOLDER, ROOT

FILES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_blueprints() -> None:
    assert len(FILES) >= 2


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_blueprint(file: Path) -> None:
    """It loads, runs on this Home Assistant, and leads to itself."""
    blueprint = Blueprint(
        yaml_util.load_yaml_dict(str(file)),
        expected_domain="automation",
        path=file.name,
        schema=AUTOMATION_BLUEPRINT_SCHEMA,
    )
    assert blueprint.validate() is None
    metadata = blueprint.metadata
    assert metadata["homeassistant"]["min_version"] == "2026.11.0"
    assert metadata["source_url"].endswith(
        f"/blob/main/{file.relative_to(ROOT).as_posix()}"
    )
    assert all(field.get("name") for field in blueprint.inputs.values())
    used = yaml_util.extract_inputs(
        {key: value for key, value in blueprint.data.items() if key != "blueprint"}
    )
    assert used == set(blueprint.inputs)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_blueprint_is_documented(file: Path) -> None:
    """The documentation offers its import."""
    text = (ROOT / "docs" / "automations.md").read_text()
    source = f"https://github.com/compute-heater/compute-heater/blob/main/{file.relative_to(ROOT).as_posix()}"
    encoded = source.replace(":", "%3A").replace("/", "%2F")
    assert f"/redirect/blueprint_import/?blueprint_url={encoded}" in text
