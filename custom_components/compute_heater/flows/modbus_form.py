"""The forms that say where a Modbus controller is, and what it has."""

from collections.abc import Iterable, Mapping
from typing import Any

import probatio

from homeassistant.const import CONF_DEVICE, CONF_HOST, CONF_PORT
from homeassistant.data_entry_flow import Optional, Required
from homeassistant.helpers.field_visibility import ConditionOperator, FieldCondition
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    SerialPortSelector,
    TextSelector,
)

from ..building.modbus_link import LinkSettings, Parity, Transport
from ..building.modbus_point import DataType, ModbusPoint, WordOrder
from ..building.modbus_preview import PreviewRow
from ..building.points import LinkAddressError, PointConfigError, Value
from ..building.profile import Profile
from ..const import CONF_PROFILE, CONF_UNIT_ID
from .candidate import object_text, value_text
from .link_errors import FormError
from .link_texts import LinkTexts
from .point_form import whole

CONF_TRANSPORT = "transport"
CONF_UNREADABLE = "unreadable"
CONF_WORD_ORDER = "word_order"
AS_LISTED = "as_listed"
DEFAULT_UNIT_ID = 1
KEEP = "keep"
LEAVE_OUT = "leave_out"
MOST_ROWS = 100
"""That a preview shows."""


def _only(*transports: Transport) -> FieldCondition:
    return FieldCondition(
        field=CONF_TRANSPORT,
        operator=ConditionOperator.IN,
        value=[transport.value for transport in transports],
    )


_NETWORK = _only(Transport.TCP, Transport.RTU_OVER_TCP, Transport.UDP, Transport.TLS)
_SERIAL = _only(Transport.SERIAL)
_TLS = _only(Transport.TLS)

CONNECTION = probatio.Schema(
    {
        probatio.Required(CONF_TRANSPORT, default=Transport.TCP.value): SelectSelector(
            SelectSelectorConfig(
                options=[transport.value for transport in Transport],
                translation_key="modbus_transport",
                mode=SelectSelectorMode.DROPDOWN,
            )
        ),
        Required(CONF_HOST, visible=_NETWORK): TextSelector(),
        Optional(CONF_PORT, visible=_NETWORK): whole(1, 65535),
        Required(CONF_DEVICE, visible=_SERIAL): SerialPortSelector(),
        Required("baudrate", default=9600, visible=_SERIAL): whole(300, 4_000_000),
        Required("parity", default=Parity.NONE.value, visible=_SERIAL): SelectSelector(
            SelectSelectorConfig(
                options=[parity.value for parity in Parity],
                translation_key="modbus_parity",
                mode=SelectSelectorMode.DROPDOWN,
            )
        ),
        Required("bytesize", default=8, visible=_SERIAL): whole(7, 8),
        Required("stopbits", default=1, visible=_SERIAL): whole(1, 2),
        Required("verify", default=True, visible=_TLS): BooleanSelector(),
        Required("check_hostname", default=True, visible=_TLS): BooleanSelector(),
        Optional("ca_file", visible=_TLS): TextSelector(),
        Optional("client_cert", visible=_TLS): TextSelector(),
        Optional("client_key", visible=_TLS): TextSelector(),
        probatio.Required(CONF_UNIT_ID, default=DEFAULT_UNIT_ID): whole(0, 255),
    }
)


def link_settings(values: Mapping[str, Any]) -> LinkSettings:
    """Return what was typed as settings; raises FormError."""
    typed = {
        key: value.strip() if isinstance(value, str) else value
        for key, value in values.items()
        if value != ""
    }
    try:
        return LinkSettings.from_dict(typed)
    except PointConfigError as err:
        raise FormError({err.field: "invalid_setting"}, err.problem) from err
    except LinkAddressError as err:
        raise FormError({CONF_HOST: "invalid_host"}, str(err)) from err


def profile_schema(profiles: Iterable[Profile]) -> probatio.Schema:
    """Return the form that chooses a profile."""
    return probatio.Schema(
        {
            probatio.Required(CONF_PROFILE): SelectSelector(
                SelectSelectorConfig(
                    options=[
                        SelectOptionDict(
                            value=profile.id,
                            label=f"{profile.title} ({profile.confidence})",
                        )
                        for profile in profiles
                    ],
                    mode=SelectSelectorMode.DROPDOWN,
                )
            )
        }
    )


def profile_lines(profiles: Iterable[Profile], texts: LinkTexts) -> str:
    """Return which devices each profile is for, and where they usually answer."""
    return "\n".join(
        f"- **{profile.title}** ({profile.confidence}): {', '.join(profile.models)}. "
        + texts.common("usual_link", port=str(profile.port), unit=str(profile.unit_id))
        for profile in profiles
    )


def parameters_schema(profile: Profile) -> probatio.Schema:
    """Return the form that asks what only the owner knows of a device."""
    return probatio.Schema(
        {
            probatio.Optional(parameter.name): whole(
                parameter.minimum, parameter.maximum
            )
            for parameter in profile.parameters
        }
    )


def preview_schema(rows: Iterable[PreviewRow]) -> probatio.Schema:
    """Return the form under the preview: only what is open is asked."""
    every = list(rows)
    fields: dict[Any, Any] = {}
    if any(row.point.data_type.words == 2 for row in every):
        fields[probatio.Required(CONF_WORD_ORDER, default=AS_LISTED)] = SelectSelector(
            SelectSelectorConfig(
                options=[AS_LISTED, *(order.value for order in WordOrder)],
                translation_key="word_order",
                mode=SelectSelectorMode.DROPDOWN,
            )
        )
    if any(row.raw is None for row in every):
        fields[probatio.Optional(CONF_UNREADABLE)] = SelectSelector(
            SelectSelectorConfig(
                options=[LEAVE_OUT, KEEP], translation_key="unreadable_points"
            )
        )
    return probatio.Schema(fields)


def preview_table(
    rows: Iterable[PreviewRow], order: WordOrder | None, texts: LinkTexts
) -> str:
    """Return what the registers hold, and what each order of bytes makes of it.

    What will be read is bold: by ``order``, or as each point's own says.
    """
    every = list(rows)
    has_pairs = any(row.point.data_type.words == 2 for row in every)
    orders = list(WordOrder) if has_pairs else []
    heads = [
        texts.common("head_point"),
        texts.common("head_register"),
        texts.common("head_raw"),
        texts.common("head_value"),
        *orders,
    ]
    lines = [_line(heads), _line(["---"] * len(heads))]
    lines += [_line(_cells(row, orders, order, texts)) for row in every[:MOST_ROWS]]
    if len(every) > MOST_ROWS:
        lines += ["", texts.common("more_rows", count=str(len(every) - MOST_ROWS))]
    return "\n".join(lines)


def in_order(point: ModbusPoint, order: WordOrder | None) -> WordOrder:
    """Return how the bytes of a point are to be put together."""
    return point.word_order if order is None else order


def _cells(
    row: PreviewRow,
    orders: list[WordOrder],
    order: WordOrder | None,
    texts: LinkTexts,
) -> list[str]:
    point = row.point
    head = [point.name, object_text(point)]
    if row.raw is None:
        return [*head, texts.common("no_answer"), "–", *[""] * len(orders)]
    if point.data_type.words == 2:
        used = in_order(point, order)
        shown = [
            _bold(_short(row.values.get(each)), when=each is used) for each in orders
        ]
    else:
        # A bit has no order at all.
        used = point.word_order if point.word_order in row.values else WordOrder.ABCD
        shown = [""] * len(orders)
    raw = " ".join(
        str(int(word)) if point.data_type is DataType.BOOL else f"{word:04X}"
        for word in row.raw
    )
    value = value_text(point, row.values.get(used), texts)
    return [*head, raw, _bold(value), *shown]


def _short(value: Value | None) -> str:
    """Return enough of a number to tell sense from nonsense."""
    return "–" if value is None else f"{value:.4g}"


def _bold(text: str, *, when: bool = True) -> str:
    return f"**{text}**" if when else text


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
