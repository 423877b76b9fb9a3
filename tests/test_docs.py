"""The documentation's links lead somewhere, and its examples work."""

from collections.abc import Collection, Iterator
from pathlib import Path
import re

import pytest

from custom_components.compute_heater.building.modbus_point import Space, parse_points
from homeassistant.components.automation.config import (
    ValidationStatus,
    async_validate_config_item,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
from homeassistant.util.yaml import parse_yaml
from simulator.demo.installation import MODBUS_POINTS
from simulator.modbus_map import (
    COILS,
    DISCRETE_INPUTS,
    HOLDING_REGISTERS,
    INPUT_REGISTERS,
)

from .site.conftest import agent, house, plant
from .site.plant import Plant

__all__ = ["agent", "house", "plant"]

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
ACTIONS_AND_OTHERS = {
    "number.set_value",
    "switch.turn_on",
    "switch.turn_off",
    "sensor.grid_power",
}
BY_SPACE: dict[Space, Collection[int]] = {
    Space.COIL: COILS,
    Space.DISCRETE: DISCRETE_INPUTS,
    Space.HOLDING: HOLDING_REGISTERS,
    Space.INPUT: INPUT_REGISTERS,
}


def without_code(text: str) -> str:
    """Drop fenced blocks, in which a # is no heading."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def links(page: Path) -> Iterator[str]:
    """Targets of links and images."""
    text = without_code(page.read_text())
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|href)="([^"]+)"', text)


def blocks(name: str) -> list[str]:
    """Return the YAML examples of a page."""
    text = (ROOT / "docs" / f"{name}.md").read_text()
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links(page: Path) -> None:
    """Files and headings that are linked to exist."""
    for link in links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}
    assert {page for page in PAGES if page.name != "README.md"} <= linked


def test_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "./scripts/demo" in text
    assert "./scripts/test" in text


@pytest.mark.parametrize("block", blocks("configuration"))
def test_modbus_examples(block: str) -> None:
    """They are lists as the dialogue takes them, of points that the demo house has."""
    points = parse_points(parse_yaml(block))
    for point in points:
        assert point.address in BY_SPACE[point.space], point.name


def test_there_are_modbus_examples() -> None:
    assert len(blocks("configuration")) >= 2


@pytest.mark.parametrize(
    "block", [block for block in blocks("composed") if block.startswith("template:")]
)
async def test_examples_of_entities(
    hass: HomeAssistant, block: str, caplog: pytest.LogCaptureFixture
) -> None:
    """They become the entities that the page names, unavailable as all else is."""
    config = parse_yaml(block)
    assert isinstance(config, dict)
    assert await async_setup_component(hass, "template", config)
    await hass.async_block_till_done()
    (entity_id,) = hass.states.async_entity_ids()
    assert f"`{entity_id}`" in (ROOT / "docs" / "composed.md").read_text()
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.state == "unavailable"
    assert "rror" not in caplog.text


def test_there_are_examples_of_entities() -> None:
    assert len(blocks("composed")) >= 3


@pytest.mark.parametrize("block", blocks("automations"))
async def test_automation_examples(hass: HomeAssistant, block: str) -> None:
    """Home Assistant takes them as they are."""
    assert await async_setup_component(hass, "automation", {})
    config = parse_yaml(block)
    validated = await async_validate_config_item(hass, "example", config)  # type: ignore[arg-type]
    assert validated is not None
    assert validated.validation_status is ValidationStatus.OK, (
        validated.validation_error
    )


def test_there_are_automation_examples() -> None:
    assert len(blocks("automations")) >= 3


async def test_entity_ids(plant: Plant) -> None:
    """Where a page names an entity of the demo, it has just this id.

    The plant is called as in the demo, but has fewer registers.
    """
    named = {
        entity_id
        for page in ("automations", "energy")
        for entity_id in re.findall(
            r"\b(?:sensor|binary_sensor|switch|number)\.[a-z]\w+",
            (ROOT / "docs" / f"{page}.md").read_text(),
        )
    } - ACTIONS_AND_OTHERS
    registers = {
        f"sensor.{slugify(f'Modbus 127.0.0.1 {point["name"]}')}"
        for point in MODBUS_POINTS
    }
    known = set(plant.hass.states.async_entity_ids()) | registers
    assert named
    assert named <= known
