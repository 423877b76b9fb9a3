"""Shares as preferences, and the owner's preferences around them."""

from xml.etree import ElementTree as ET

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.heaters.boinc_prefs import (
    MAX_PREFERENCES,
    allowed_share,
    merged,
    preferences_for,
)
from custom_components.compute_heater.heaters.model import HeaterProtocolError

CPUS = st.integers(1, 512)
TOLERANCE = 1.1e-4
"""BOINC takes 99.99 % of the time for all of it."""


def reply(text: str) -> ET.Element:
    builder = ET.TreeBuilder(insert_comments=True)
    parser = ET.XMLParser(target=builder)  # noqa: S314 (our own text)
    return ET.fromstring(f"<reply>{text}</reply>", parser=parser)  # noqa: S314


@given(share=st.floats(0.02, 1), cpus=CPUS)
def test_share_comes_back(share: float, cpus: int) -> None:
    assert allowed_share(preferences_for(share, cpus), cpus) == pytest.approx(
        share, abs=TOLERANCE
    )


@given(share=st.floats(0, 1, exclude_min=True), cpus=CPUS)
def test_little_is_not_without_limit(share: float, cpus: int) -> None:
    allowed = allowed_share(preferences_for(share, cpus), cpus)
    most = max(share, 0.01 / cpus)
    assert share - TOLERANCE <= allowed <= most + TOLERANCE


@given(cpus=CPUS, data=st.data())
def test_whole_processors_are_not_throttled(cpus: int, data: st.DataObject) -> None:
    used = data.draw(st.integers(1, cpus))
    changes = preferences_for(used / cpus, cpus)
    assert float(changes["cpu_usage_limit"]) == pytest.approx(100)
    # BOINC cuts, and newer ones may round.
    percent = float(changes["max_ncpus_pct"])
    assert int(cpus * percent / 100) == round(cpus * percent / 100) == used


def test_two_processors() -> None:
    assert preferences_for(0.25, 2)["cpu_usage_limit"] == "50.000000"
    assert int(2 * float(preferences_for(0.25, 2)["max_ncpus_pct"]) / 100) == 1


@pytest.mark.parametrize(
    ("preferences", "share"),
    [
        ({}, 1),
        ({"max_ncpus_pct": "0", "cpu_usage_limit": "0"}, 1),
        ({"max_ncpus_pct": "1"}, 0.25),
        ({"max_ncpus_pct": "74.9"}, 0.5),
        ({"max_ncpus_pct": "50", "cpu_usage_limit": "50"}, 0.25),
        ({"max_ncpus_pct": "50", "niu_max_ncpus_pct": "100"}, 1),
        ({"max_ncpus_pct": "50", "niu_cpu_usage_limit": "20"}, 0.5),
    ],
)
def test_allowed_share(preferences: dict[str, str], share: float) -> None:
    assert allowed_share(preferences, 4) == share


def test_everything_else_stays() -> None:
    before = (
        "<!-- mine -->\n<global_preferences>\n<a b='1'>x &lt; y</a><max_ncpus_pct>9"
        "</max_ncpus_pct><day_prefs><day_of_week>1</day_of_week></day_prefs>"
        "</global_preferences>\n<!-- end -->"
    )
    after = merged(reply(before), {"max_ncpus_pct": "50", "cpu_usage_limit": "80"})
    expected = (
        '<!-- mine -->\n<global_preferences>\n<a b="1">x &lt; y</a><max_ncpus_pct>50'
        "</max_ncpus_pct><day_prefs><day_of_week>1</day_of_week></day_prefs>"
        "<cpu_usage_limit>80</cpu_usage_limit>\n</global_preferences>\n<!-- end -->"
    )
    assert after.split() == expected.split()


@pytest.mark.parametrize(
    "text", ["", "<error>no prefs override file</error>", "<!-- only words -->"]
)
def test_none_so_far(text: str) -> None:
    assert merged(reply(text), {"x": "1"}).split() == [
        "<global_preferences><x>1</x>",
        "</global_preferences>",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<other/>",
        "<global_preferences/><other/>",
        "<global_preferences/><global_preferences/>",
        f"<global_preferences><a>{'x' * MAX_PREFERENCES}</a></global_preferences>",
    ],
)
def test_not_understood(text: str) -> None:
    with pytest.raises(HeaterProtocolError):
        merged(reply(text), {"x": "1"})
