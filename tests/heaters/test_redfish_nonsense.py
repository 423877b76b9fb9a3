"""Whatever a service says, the driver raises HeaterError or copes."""

import copy
import json
import random
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.compute_heater.heaters import redfish_cap
from custom_components.compute_heater.heaters.model import (
    Capabilities,
    Command,
    HeaterError,
    Identity,
    Reading,
)
from custom_components.compute_heater.heaters.redfish_cap import CapPlace, CapPoint
from custom_components.compute_heater.heaters.redfish_coolant import Coolant
from custom_components.compute_heater.heaters.redfish_layout import Layout
from custom_components.compute_heater.heaters.redfish_reading import Part, reading

from .bmc import ROOT, Bmc, running_bmc
from .conftest import MakeHeater
from .shapes import full

NONSENSE: list[Any] = [
    None,
    True,
    -1,
    0,
    1e400,
    10**400,
    "",
    "nonsense",
    "\u0000",
    "//elsewhere/x",
    [],
    [None],
    [[]],
    {},
    {"@odata.id": None},
    {"@odata.id": ""},
    {"@odata.id": "not a path"},
    {"Reading": []},
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "PowerWatts",
                    "PowerLimitWatts",
                    "SetPoint",
                    "ControlMode",
                    "Reading",
                    "PowerControl",
                    "PowerLimit",
                    "LimitInWatts",
                    "PowerConsumedWatts",
                    "TemperatureCelsius",
                    "Status",
                    "Health",
                    "Conditions",
                    "MessageId",
                    "HeatRemovedkW",
                    "ReturnTemperatureCelsius",
                    "LifetimeReading",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
BODY = st.dictionaries(st.text(max_size=3), JSON, max_size=3) | JSON.filter(
    lambda value: isinstance(value, dict)
)
LAYOUT = Layout(
    service_uuid=None,
    identity=Identity(uuid="u", name="n"),
    capabilities=Capabilities(
        can_switch=False, floor_w=None, max_w=None, modules=0, has_coolant=True
    ),
    systems=None,
    modules=(),
    chassis=None,
    environment=None,
    legacy_power=None,
    caps=(),
    coolant=Coolant(house="h", inside="i"),
    leaks=("l",),
    hot_c=60.0,
    heat_meter=None,
    events=None,
)


@given(
    parts=st.dictionaries(st.sampled_from(Part), BODY),
    place=st.none() | st.sampled_from(CapPlace),
)
@settings(max_examples=200, deadline=None)
def test_readings_are_numbers_or_unknown(
    parts: dict[Part, Any], place: CapPlace | None
) -> None:
    point = None if place is None else CapPoint(place=place, path="p")
    result = reading(LAYOUT, point, parts, None)
    for name in Reading.__slots__:
        value = getattr(result, name)
        assert value is None or isinstance(value, bool | float)
        if isinstance(value, float):
            json.dumps(value, allow_nan=False)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths to all values inside a JSON value."""
    inner: list[tuple[Any, ...]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in items:
        inner.append((*path, key))
        if isinstance(child, dict | list):
            inner += spots(child, (*path, key))
    return inner


async def test_one_wrong_value_anywhere(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redfish_cap, "READ_BACK_S", (0.0,))
    features = {"ExpandQuery": {"NoLinks": True}}
    good = full()
    good[f"{ROOT}/"]["ProtocolFeaturesSupported"] = features
    chance = random.Random(4)
    survived = 0
    bmc = Bmc(resources={})
    async with running_bmc(bmc):
        for *path, last in chance.sample(spots(good), 60):
            bmc.resources = copy.deepcopy(good)
            spot: Any = bmc.resources
            for key in path:
                spot = spot[key]
            spot[last] = chance.choice(NONSENSE)
            heater = make_heater(bmc.url)
            try:
                await heater.connect()
                await heater.read()
                await heater.apply(Command(on=True, power_limit_w=500))
                survived += 1
            except HeaterError:
                pass
            await heater.close()
    assert survived > 30, "most of it is not needed"
