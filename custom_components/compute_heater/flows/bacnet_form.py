"""The forms that say where a BACnet controller is."""

from collections.abc import Mapping
from typing import Any

import probatio

from homeassistant.const import CONF_ADDRESS
from homeassistant.data_entry_flow import Optional, section
from homeassistant.helpers.field_visibility import ConditionOperator, FieldCondition
from homeassistant.helpers.selector import (
    FileSelector,
    FileSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)

from ..building.bacnet_address import address_text, device_address
from ..building.bacnet_discovery import HIGHEST_INSTANCE
from ..building.points import LinkAddressError
from ..const import CONF_DEVICE_INSTANCE
from .bacnet_side import BBMD_FIELDS, local_fields
from .link_errors import FormError

SECTION_LOCAL = "local"
SECTION_ADVANCED = "advanced"
CONF_FILE = "file"
CONF_HIGH = "high"
CONF_LOW = "low"
CONF_SCOPE = "scope"
CONF_STATE_TEXTS = "state_texts"
CONF_TARGET = "target"
CONF_TEXT = "text"

SCOPE_LOCAL = "local"
SCOPE_DIRECTED = "directed"
SCOPE_NETWORK = "network"
SCOPE_ALL = "all"

INSTANCE = probatio.All(
    NumberSelector(
        NumberSelectorConfig(
            min=0, max=HIGHEST_INSTANCE, step=1, mode=NumberSelectorMode.BOX
        )
    ),
    probatio.Coerce(int),
)


def address_schema(
    interfaces: list[SelectOptionDict], *, ask_instance: bool, ask_list: bool
) -> probatio.Schema:
    """Return the form of a controller whose address is known."""
    fields: dict[Any, Any] = {probatio.Required(CONF_ADDRESS): TextSelector()}
    if ask_instance:
        fields[probatio.Optional(CONF_DEVICE_INSTANCE)] = INSTANCE
    if ask_list:
        file = FileSelector(FileSelectorConfig(accept=".csv,.txt,text/csv,text/plain"))
        fields |= {
            probatio.Optional(CONF_FILE): file,
            probatio.Optional(CONF_TEXT): TextSelector(
                TextSelectorConfig(multiline=True)
            ),
            probatio.Optional(CONF_STATE_TEXTS): file,
        }
    fields[probatio.Required(SECTION_LOCAL)] = section(
        probatio.Schema(local_fields(interfaces) | BBMD_FIELDS), {"collapsed": True}
    )
    return probatio.Schema(fields)


def search_schema(interfaces: list[SelectOptionDict]) -> probatio.Schema:
    """Return the form of a search."""
    scope = SelectSelector(
        SelectSelectorConfig(
            options=[SCOPE_LOCAL, SCOPE_DIRECTED, SCOPE_NETWORK, SCOPE_ALL],
            translation_key="bacnet_scope",
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
    return probatio.Schema(
        local_fields(interfaces)
        | {
            probatio.Required(SECTION_ADVANCED): section(
                probatio.Schema(
                    {
                        probatio.Required(CONF_SCOPE, default=SCOPE_LOCAL): scope,
                        Optional(
                            CONF_TARGET,
                            visible=FieldCondition(
                                field=CONF_SCOPE,
                                operator=ConditionOperator.IN,
                                value=[SCOPE_DIRECTED, SCOPE_NETWORK],
                            ),
                        ): TextSelector(),
                    }
                    | BBMD_FIELDS
                    | {
                        probatio.Required(CONF_LOW, default=0): INSTANCE,
                        probatio.Required(
                            CONF_HIGH, default=HIGHEST_INSTANCE
                        ): INSTANCE,
                    }
                ),
                {"collapsed": True},
            )
        }
    )


def full_address(typed: str) -> str:
    """Return an address as it is stored; raises FormError."""
    try:
        return address_text(device_address(typed))
    except LinkAddressError as err:
        raise FormError({CONF_ADDRESS: "invalid_address"}, str(err)) from err


def search_target(values: Mapping[str, Any]) -> str | None:
    """Return where to search, as the stack takes it."""
    scope = values[CONF_SCOPE]
    if scope == SCOPE_LOCAL:
        return None
    return "*" if scope == SCOPE_ALL else str(values.get(CONF_TARGET, "")).strip()
