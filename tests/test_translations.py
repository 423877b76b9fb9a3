"""Every text has its key in the code, its German counterpart, and its icon."""

from collections.abc import Iterable, Iterator
import json
import string
from typing import Any

import pytest

from custom_components.compute_heater.building.modbus_link import Parity, Transport
from custom_components.compute_heater.building.modbus_point import WordOrder, WriteClass
from custom_components.compute_heater.building.points import PollGroup, Role
from custom_components.compute_heater.building.profile import load_profiles
from custom_components.compute_heater.climate import HeaterClimate
from custom_components.compute_heater.const import DOMAIN, PLATFORMS
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.site import Strategy
from custom_components.compute_heater.flows.modbus_form import AS_LISTED
from custom_components.compute_heater.flows.point_form import BY_ROLE
from custom_components.compute_heater.heaters.boinc_status import SUSPENDED_REASONS
from custom_components.compute_heater.heaters.model import ModuleCondition, PowerState
from custom_components.compute_heater.heaters.slurm_settings import Leaving
from custom_components.compute_heater.water_heater import Tank

from .translation_keys import (
    INTEGRATION,
    abort_keys,
    common_keys,
    entity_keys,
    error_keys,
    exception_keys,
    selector_keys,
    untranslated_entities,
)

PLATFORM_NAMES = [platform.value for platform in PLATFORMS]
PARTS = ("heater", "sink", "backup", "bacnet", "gateway", "modbus", "bridge")
HEATER_STEPS = ("flows/heater_steps.py", "flows/heater_form.py")
"""What the dialogues of a heater share."""
REAUTH = ("flows/heater_reauth.py", "flows/slurm_form.py", "flows/work_form.py")
"""What asks for new credentials, and how they are tried."""
STEPS = {
    "heater": (
        *HEATER_STEPS,
        "flows/composed_form.py",
        "flows/slurm_form.py",
        "flows/slurm_nodes_form.py",
        "flows/slurm_steps.py",
        "flows/work_form.py",
        "flows/work_steps.py",
    ),
    "bacnet": (
        "flows/link_steps.py",
        "flows/bacnet_form.py",
        "flows/bacnet_side.py",
    ),
    "gateway": ("flows/gateway_form.py", "flows/bacnet_side.py"),
    "modbus": ("flows/link_steps.py", "flows/modbus_form.py", "flows/modbus_try.py"),
    "sink": ("flows/sink_form.py",),
    "bridge": ("flows/bridge_form.py",),
}
"""Further files of a dialogue."""

type Texts = dict[str, Any]


def load(name: str) -> Texts:
    """Return one of the integration's JSON files."""
    texts: Texts = json.loads((INTEGRATION / name).read_text("utf-8"))
    return texts


EN = load("translations/en.json")
ICONS = load("icons.json")
LANGUAGES = sorted(path.stem for path in (INTEGRATION / "translations").glob("*.json"))


def leaves(texts: Texts, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the path of its keys."""
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def placeholders(text: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages() -> None:
    assert LANGUAGES == ["de", "en"]


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_language_is_complete(language: str) -> None:
    """The same keys and placeholders as in English, and other words."""
    english, other = (
        dict(leaves(EN)),
        dict(leaves(load(f"translations/{language}.json"))),
    )
    assert other.keys() == english.keys()
    for key, text in english.items():
        assert placeholders(other[key]) == placeholders(text), key
        assert other[key].strip(), key
    sentences = {key for key, text in english.items() if text.count(" ") > 2}
    untranslated = {key for key in sentences if other[key] == english[key]}
    assert not untranslated


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_entities(platform: str) -> None:
    """Entities and their texts are the same."""
    assert entity_keys(platform).keys() == EN["entity"].get(platform, {}).keys()
    # "reason" and the like; what has no text is named by its class.
    assert not untranslated_entities(platform)


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_icons(platform: str) -> None:
    """An entity has an icon of ours or its class's, and no icon is left over."""
    keys = entity_keys(platform)
    icons = ICONS["entity"].get(platform, {})
    assert icons.keys() <= keys.keys()
    assert {key for key, has_class in keys.items() if not has_class} <= icons.keys()


def test_no_icons_or_texts_of_other_platforms() -> None:
    assert EN["entity"].keys() <= set(PLATFORM_NAMES)
    assert ICONS["entity"].keys() <= set(PLATFORM_NAMES)


def test_states() -> None:
    """Every state that an entity can have is named, and no other."""
    entity = EN["entity"]

    def named(platform: str, key: str) -> set[str]:
        return set(entity[platform][key]["state"])

    assert named("sensor", "reason") == set(Reason)
    assert named("sensor", "power_state") == set(PowerState)
    assert named("sensor", "module_power_state") == set(ModuleCondition)
    assert named("sensor", "suspended_reason") == {"none", *SUSPENDED_REASONS}
    assert named("select", "power_state") == set(PowerState)
    assert named("select", "strategy") == set(Strategy)
    # No plant is needed to ask a class for what it can be.
    assert named("water_heater", "tank") == set(Tank.__new__(Tank).operation_list or ())
    presets = HeaterClimate.__new__(HeaterClimate).preset_modes
    heater = entity["climate"]["heater"]["state_attributes"]
    assert set(heater["preset_mode"]["state"]) == set(presets or ())


def test_icons_of_states_are_of_states() -> None:
    for platform, entities in ICONS["entity"].items():
        for key, icons in entities.items():
            known = EN["entity"][platform][key].get("state", {})
            if platform in ("binary_sensor", "switch"):
                known = {"on", "off"}
            assert set(icons.get("state", {})) <= set(known), (platform, key)


def test_exceptions() -> None:
    assert exception_keys() == EN["exceptions"].keys()


def test_selectors() -> None:
    assert selector_keys() == EN["selector"].keys()


def test_options_of_the_points() -> None:
    """Every choice that a form of a building link offers is named."""
    choices: dict[str, Iterable[str]] = {
        "point_role": Role,
        "poll_group": (BY_ROLE, *PollGroup),
        "modbus_transport": Transport,
        "modbus_parity": Parity,
        "word_order": (AS_LISTED, *WordOrder),
        "running_jobs": Leaving,
    }
    for key, options in choices.items():
        assert EN["selector"][key]["options"].keys() == set(options), key


def test_parameters_of_profiles() -> None:
    """What a profile asks its owner has a text."""
    step = EN["config_subentries"]["modbus"]["step"]["parameters"]
    asked = {
        parameter.name
        for profile in load_profiles().values()
        for parameter in profile.parameters
    }
    assert step["data"].keys() == step["data_description"].keys() == asked


def test_words_of_the_links() -> None:
    """Texts that are put together are all used, and all there."""
    kinds = {f"write_class_{kind}" for kind in WriteClass}
    assert EN["common"].keys() == common_keys() | kinds


def test_texts_of_the_site_dialogue() -> None:
    config = EN["config"]
    files = ("config_flow.py", "flows/discovery.py", *HEATER_STEPS, *REAUTH)
    assert set().union(*map(error_keys, files)) == config["error"].keys()
    assert set().union(*map(abort_keys, files)) == config["abort"].keys()


def test_texts_of_the_options() -> None:
    assert error_keys("flows/site_options.py") == EN["options"]["error"].keys()


@pytest.mark.parametrize("step", ["certificate", "settings"])
def test_a_found_heater_is_asked_the_same(step: str) -> None:
    """Both dialogues of a heater show these steps, in the same words."""
    for language in LANGUAGES:
        texts = load(f"translations/{language}.json")
        of_part = texts["config_subentries"]["heater"]
        assert texts["config"]["step"][step] == of_part["step"][step]
        for error in error_keys("flows/heater_form.py") - {"certificate_changed"}:
            assert texts["config"]["error"][error] == of_part["error"][error]


@pytest.mark.parametrize("part", PARTS)
def test_texts_of_a_dialogue(part: str) -> None:
    """Errors and ends have a text, and every text has its error or end."""
    texts = EN["config_subentries"][part]
    files = [f"flows/{part}.py", *STEPS.get(part, ())]
    assert set().union(*map(error_keys, files)) == texts["error"].keys()
    assert set().union(*map(abort_keys, files)) == texts["abort"].keys()
    assert texts["initiate_flow"].keys() == {"user", "reconfigure"}


def test_every_part_has_texts() -> None:
    assert EN["config_subentries"].keys() == set(PARTS)


def test_domain_is_not_a_text() -> None:
    """People read names, not keys."""
    assert not [key for key, text in leaves(EN) if DOMAIN in text]
