"""What a bridge would do with what its entities show now, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant

from ..bridge_output import as_written, heater_value
from ..bridge_settings import BridgeKind, BridgeSettings, bridge_settings
from ..const import CONF_KIND, CONF_TARGET_ENTITY
from ..control.bridge import NOTHING, Asked, Signal, chosen
from ..entity_port import HassEntityPort
from ..site import SiteCoordinator
from .link_texts import LinkTexts


def preview(
    hass: HomeAssistant,
    site: SiteCoordinator,
    data: Mapping[str, Any],
    texts: LinkTexts,
) -> str:
    """Return lines about the present values, and what they lead to."""
    if BridgeKind(data[CONF_KIND]) is BridgeKind.OUTPUT:
        lines = _output_lines(hass, site, data, texts)
    else:
        lines = _input_lines(hass, site, data, texts)
    return "\n".join(f"- {line}" for line in lines)


def _input_lines(
    hass: HomeAssistant,
    site: SiteCoordinator,
    data: Mapping[str, Any],
    texts: LinkTexts,
) -> Iterator[str]:
    settings = bridge_settings(data)
    inputs = settings.inputs(hass)
    for entity_id, value in zip(settings.sources, inputs, strict=True):
        yield (
            texts.common("shows_nothing", entity=_name(hass, entity_id))
            if value is None
            else texts.common(
                "shows", entity=_name(hass, entity_id), value=_shown(hass, entity_id)
            )
        )
    asked = settings.binding.asked(inputs, None)
    signal = getattr(settings.binding, "signal", None)
    if isinstance(signal, Signal):
        fraction = signal.fraction(inputs)
        if fraction is not None:
            yield texts.common("means_demand", percent=f"{fraction * 100:.1f}")
    if asked is None:
        yield texts.common("counts_as_silent", minutes=f"{settings.hold_s / 60:g}")
    else:
        yield from _asked_lines(site, settings, asked, texts)
    if not site.strategy.heeds_building:
        yield texts.common("not_heeded")


def _asked_lines(
    site: SiteCoordinator, settings: BridgeSettings, asked: Asked, texts: LinkTexts
) -> Iterator[str]:
    """Return what is asked of each heater."""
    if asked == NOTHING:
        yield texts.common("asks_nothing")
        return
    if asked.heat_w is not None:
        yield texts.common("asks_heat", power=f"{asked.heat_w:.0f}")
        return
    for heater in chosen(site.heaters, settings.heaters).values():
        name = heater.coordinator.subentry.title
        power_w = asked.power_of(heater.settings)
        if not asked.allowed or power_w is None:
            yield texts.common("asks_lock", heater=name)
            continue
        state = asked.state or heater.settings.state_of(power_w)
        yield texts.common(
            "asks_power",
            heater=name,
            state=texts.option("asked_state", state),
            power=f"{power_w:.0f}",
        )


def _output_lines(
    hass: HomeAssistant,
    site: SiteCoordinator,
    data: Mapping[str, Any],
    texts: LinkTexts,
) -> Iterator[str]:
    target = data[CONF_TARGET_ENTITY]
    state = HassEntityPort(hass).state(target)
    shown = _shown(hass, target) if state is not None else ""
    yield (
        texts.common("shows", entity=_name(hass, target), value=shown)
        if shown
        else texts.common("shows_nothing", entity=_name(hass, target))
    )
    if state is None:
        return
    written = as_written(data, heater_value(site, data), state)
    if written is None:
        yield texts.common("writes_nothing")
        return
    text = (
        texts.common("on" if written else "off")
        if isinstance(written, bool)
        else f"{written:g} {state.unit or ''}".strip()
        if isinstance(written, float)
        else written
    )
    yield texts.common("writes", value=text)


def _name(hass: HomeAssistant, entity_id: str) -> str:
    """Return how people call an entity."""
    state = hass.states.get(entity_id)
    return entity_id if state is None else state.name


def _shown(hass: HomeAssistant, entity_id: str) -> str:
    """Return what an entity shows, with its unit."""
    if (state := hass.states.get(entity_id)) is None:
        return ""
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    return f"{state.state} {unit}" if unit else state.state
