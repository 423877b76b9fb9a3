"""The form that changes one point."""

from collections.abc import Mapping
from typing import Any

import probatio

from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from ..building.bacnet_point import PRIORITY_HIGHEST, PRIORITY_LOWEST, BacnetPoint
from ..building.point_fields import SHORTEST_LIFETIME_S
from ..building.points import PointKind, PollGroup, Role
from .candidate import AnyPoint

BY_ROLE = "by_role"
_ROLE = SelectSelector(
    SelectSelectorConfig(
        options=[role.value for role in Role],
        translation_key="point_role",
        mode=SelectSelectorMode.DROPDOWN,
    )
)
_GROUP = SelectSelector(
    SelectSelectorConfig(
        options=[BY_ROLE, *(group.value for group in PollGroup)],
        translation_key="poll_group",
        mode=SelectSelectorMode.DROPDOWN,
    )
)
_FIELDS = (
    "role",
    "minimum",
    "maximum",
    "step",
    "dead_band",
    "min_interval_s",
    "lifetime_s",
    "priority",
)


def whole(minimum: int, maximum: int) -> Any:
    """Return a field for a whole number."""
    return probatio.All(
        NumberSelector(
            NumberSelectorConfig(
                min=minimum, max=maximum, step=1, mode=NumberSelectorMode.BOX
            )
        ),
        probatio.Coerce(int),
    )


def _number(unit: str | None, minimum: float | None = None) -> NumberSelector:
    config = NumberSelectorConfig(step="any", mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    if minimum is not None:
        config["min"] = minimum
    return NumberSelector(config)


def point_schema(point: AnyPoint) -> probatio.Schema:
    """Return the fields that make sense for this point."""
    fields: dict[Any, Any] = {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Optional("role"): _ROLE,
        probatio.Required("group"): _GROUP,
    }
    if point.writable:
        if point.kind is PointKind.ANALOG or (
            point.kind is PointKind.MULTISTATE and not point.states
        ):
            fields[probatio.Required("minimum")] = _number(point.unit)
            fields[probatio.Required("maximum")] = _number(point.unit)
        if point.kind is PointKind.ANALOG:
            fields[probatio.Optional("step")] = _number(point.unit, 0)
            fields[probatio.Required("dead_band")] = _number(point.unit, 0)
        fields[probatio.Required("min_interval_s")] = _number("s", 0)
        if point.holds_command:
            fields[probatio.Optional("lifetime_s")] = _number("s", SHORTEST_LIFETIME_S)
        if isinstance(point, BacnetPoint) and point.commandable:
            fields[probatio.Required("priority")] = whole(
                PRIORITY_HIGHEST, PRIORITY_LOWEST
            )
    return probatio.Schema(fields)


def point_values(point: AnyPoint) -> dict[str, Any]:
    """Return what the form shows of a point."""
    values: dict[str, Any] = {
        CONF_NAME: point.name,
        "group": BY_ROLE if point.group is None else point.group.value,
    }
    for field in _FIELDS:
        value = getattr(point, field, None)
        if value is not None:
            values[field] = value.value if isinstance(value, Role) else value
    return values


def changed_row(point: AnyPoint, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the point's row with what was typed; what was emptied is left out."""
    asked = {str(key) for key in point_schema(point).schema}
    row = {
        key: value
        for key, value in point.to_dict().items()
        if key not in asked and key != CONF_NAME
    }
    row |= {key: value for key, value in values.items() if key in asked}
    if row.get("group") == BY_ROLE:
        del row["group"]
    row[CONF_NAME] = values[CONF_NAME].strip() or point.name
    return row
