"""One backup of a site: what its heat costs, what it gives, and how it is asked.

It runs by its own controller. What we change there we put back when we no longer look
after the house: a request ends, a lowered set point is raised, and what its owner let us
switch off is on again.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_TEMPERATURE,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import HomeAssistant, State, callback, split_entity_id
from homeassistant.exceptions import HomeAssistantError

from .const import (
    CONF_CONSUMERS,
    CONF_COP,
    CONF_COP_PER_K,
    CONF_EFFICIENCY,
    CONF_FUEL_PRICE,
    CONF_HEAT_ENTITY,
    CONF_KIND,
    CONF_MAX_HEAT_POWER,
    CONF_MAX_TEMPERATURE,
    CONF_MAY_SWITCH_OFF,
    CONF_REQUEST,
    CONF_REST_TEMPERATURE,
    CONF_SETPOINT_ENTITY,
    CONF_SWITCH_ENTITY,
    CONF_WANTED_TEMPERATURE,
    LOGGER,
)
from .control.description import BackupDescription
from .sources import Source, number, power, switched

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

# Compressors and burners shall not be started for minutes.
_LEAST_REQUEST_S = 600.0
# Sensors come back, and while Home Assistant starts none is there yet.
_PATIENCE_S = 600.0
_RETRY_S = 30.0
_TIMEOUT_S = 5.0
_SAME_K = 0.05


class BackupKind(StrEnum):
    """Usual sources of heat, by what their heat costs."""

    HEAT_PUMP = "heat_pump"
    BOILER = "boiler"
    IMMERSION_HEATER = "immersion_heater"


def backup_description(subentry: ConfigSubentry) -> BackupDescription:
    """Return what control must know, from a backup's subentry."""
    data = subentry.data
    fuel = data.get(CONF_FUEL_PRICE)
    return BackupDescription(
        backup_id=subentry.subentry_id,
        sinks=tuple(data[CONF_CONSUMERS]),
        max_heat_w=data[CONF_MAX_HEAT_POWER] * 1000,
        max_c=data[CONF_MAX_TEMPERATURE],
        cop=data.get(CONF_COP, 1.0) if fuel is None else None,
        cop_per_k=data.get(CONF_COP_PER_K, 0.0),
        fuel_per_kwh=0.0 if fuel is None else fuel / (data[CONF_EFFICIENCY] / 100),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSettings:
    """How a backup is asked for heat."""

    switch_id: str | None
    may_switch_off: bool
    """The switch is the backup itself, and its owner lets us switch it off."""
    setpoint_id: str | None
    wanted_c: float
    rest_c: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what the owner entered."""
        return cls(
            switch_id=data.get(CONF_SWITCH_ENTITY),
            may_switch_off=data[CONF_MAY_SWITCH_OFF],
            setpoint_id=data.get(CONF_SETPOINT_ENTITY),
            wanted_c=data[CONF_WANTED_TEMPERATURE],
            rest_c=data[CONF_REST_TEMPERATURE],
        )


class SiteBackup:
    """Asks one backup for heat, and reads what it gives."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        subentry: ConfigSubentry,
    ) -> None:
        """Take the entities from the subentry."""
        self.subentry = subentry
        self.backup_id = subentry.subentry_id
        self.kind = BackupKind(subentry.data[CONF_KIND])
        self.description = backup_description(subentry)
        self.settings = RequestSettings.from_dict(subentry.data[CONF_REQUEST])
        self._hass = hass
        self._entry = entry
        heat = subentry.data.get(CONF_HEAT_ENTITY)
        self._heat = Source(hass, heat, power) if heat else None
        self._asked_w: Mapping[str, float] = {}
        self._requested: bool | None = None
        """True: heat is wanted of it; False: none; None: it is left to itself."""
        self._requested_at: float | None = None
        self._unknown_since: float | None = None
        self._held: set[str] = set()
        """Entities that are not as its owner left them."""
        self._task: asyncio.Task[None] | None = None
        self._tried_at: float | None = None
        self._failing = False

    @property
    def sources(self) -> list[Source]:
        """Every entity that is read."""
        return [] if self._heat is None else [self._heat]

    @property
    def entity_ids(self) -> list[str]:
        """Every entity that is read or driven."""
        driven = (self.settings.switch_id, self.settings.setpoint_id)
        return [
            *(source.entity_id for source in self.sources),
            *(entity_id for entity_id in driven if entity_id),
        ]

    @callback
    def take(self, entity_id: str, state: State | None) -> None:
        """Note a report of one of the sources."""
        for source in self.sources:
            if source.entity_id == entity_id:
                source.take(state)

    @property
    def heat_w(self) -> float | None:
        """Heat that it gives now; None while that is not measured."""
        return None if self._heat is None else self._heat.number

    @callback
    def read(self) -> dict[str, float | None]:
        """Return the heat that its consumers get from it, by their ids, if it is measured.

        None where nobody knows which of them gets it.
        """
        if self._heat is None:
            return {}
        sinks = self.description.sinks
        heat_w = self._heat.number
        if heat_w is not None and (len(sinks) == 1 or heat_w <= 0):
            return dict.fromkeys(sinks, heat_w)
        asked_w = sum(self._asked_w.values())
        if heat_w is None or asked_w <= 0:
            return dict.fromkeys(sinks)
        return {sink: heat_w * self._asked_w.get(sink, 0.0) / asked_w for sink in sinks}

    @property
    def requested(self) -> bool | None:
        """Whether heat is wanted of it; None: it is left to itself."""
        return self._requested

    @callback
    def carry_out(
        self, heat_w: Mapping[str, float] | None, *, known: bool = True
    ) -> None:
        """Ask for heat for its consumers; nothing: for none; None: leave it to itself.

        Without ``known`` it is not known what they need. Soon it is left to itself then.
        """
        now = self._hass.loop.time()
        if known or heat_w is None or any(heat_w.values()):
            self._unknown_since = None
        else:
            since = self._unknown_since = self._unknown_since or now
            if self._requested is None or now - since >= _PATIENCE_S:
                heat_w = None
            elif self._requested:
                heat_w = self._asked_w
        self._asked_w = heat_w or {}
        wanted = None if heat_w is None else any(watts > 0 for watts in heat_w.values())
        if wanted:
            self._requested_at = now
        elif (
            wanted is False
            and self._requested
            and self._requested_at is not None
            and now - self._requested_at < _LEAST_REQUEST_S
        ):
            wanted = True
        if wanted != self._requested:
            self._requested, self._tried_at = wanted, None
        self._forget_ended_request()
        calls = _calls(self._hass, self.settings, self._requested, self._held)
        if not calls:
            if self._requested is None:
                self._held.clear()
            return
        waits = self._tried_at is not None and now - self._tried_at < _RETRY_S
        if self._task is not None or waits:
            return
        self._tried_at = now
        self._task = self._hass.async_create_background_task(
            self._async_call(calls), f"compute_heater {self.subentry.title}"
        )
        self._task.add_done_callback(self._done)

    def _forget_ended_request(self) -> None:
        """Let its owner switch on what we switched on and off again."""
        switch_id = self.settings.switch_id
        if self._requested or self.settings.may_switch_off or switch_id is None:
            return
        state = self._hass.states.get(switch_id)
        if state is not None and switched(state) is False:
            self._held.discard(switch_id)

    @callback
    def _done(self, _task: asyncio.Task[None]) -> None:
        self._task = None

    async def _async_call(self, calls: Sequence[_Call]) -> None:
        # Known for good before it is done: a crash must not leave the house cold.
        self._held.update(call.entity_id for call in calls)
        await self._entry.runtime_data.async_save()
        error = await _async_make(self._hass, calls)
        if error and not self._failing:
            LOGGER.warning("%s was not asked: %s", self.subentry.title, error)
        self._failing = bool(error)
        if not error and self._requested is None:
            self._held.clear()
        self._forget_ended_request()

    async def async_release(self) -> None:
        """Leave it to itself; call it when nobody looks after the house any more."""
        if self._task is not None:
            self._task.cancel()
        self._requested = None
        if await async_release_backup(self._hass, self.subentry, self.memory):
            self._held.clear()

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {"held": sorted(self._held), "requested": self._requested}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored."""
        self._held = _held(memory)
        if isinstance(requested := memory.get("requested"), bool):
            self._requested = requested
            self._requested_at = self._hass.loop.time()


async def async_release_backup(
    hass: HomeAssistant, subentry: ConfigSubentry, memory: Mapping[str, Any]
) -> bool:
    """Put back what we changed at a backup, whether its site runs or not.

    Return whether that worked.
    """
    settings = RequestSettings.from_dict(subentry.data[CONF_REQUEST])
    error = await _async_make(hass, _calls(hass, settings, None, _held(memory)))
    if error:
        LOGGER.warning("%s could not be released: %s", subentry.title, error)
    return not error


@dataclass(frozen=True, slots=True)
class _Call:
    entity_id: str
    service: str
    data: Mapping[str, Any]


def _held(memory: Mapping[str, Any]) -> set[str]:
    stored = memory.get("held")
    if not isinstance(stored, list):
        return set()
    return {each for each in stored if isinstance(each, str)}


def _calls(
    hass: HomeAssistant,
    settings: RequestSettings,
    requested: bool | None,
    held: Collection[str],
) -> list[_Call]:
    """Return what is to be called so that a backup is as it should be."""
    found: list[_Call] = []
    switch_id, setpoint_id = settings.switch_id, settings.setpoint_id
    if switch_id and (state := _there(hass, switch_id)):
        # Without us a request ends, but what we may switch off is on.
        position = settings.may_switch_off if requested is None else requested
        # What its owner has switched on stays on.
        may = switch_id in held or (
            requested is not None and (position or settings.may_switch_off)
        )
        if may and switched(state) is not position:
            service = SERVICE_TURN_ON if position else SERVICE_TURN_OFF
            found.append(_Call(switch_id, service, {}))
    if (
        setpoint_id
        and (requested is not None or setpoint_id in held)
        and (state := _there(hass, setpoint_id))
    ):
        target_c = settings.rest_c if requested is False else settings.wanted_c
        now_c = _setpoint_c(state)
        if now_c is None or abs(now_c - target_c) > _SAME_K:
            found.append(_set(setpoint_id, target_c))
    return found


def _there(hass: HomeAssistant, entity_id: str) -> State | None:
    state = hass.states.get(entity_id)
    return None if state is None or state.state == STATE_UNAVAILABLE else state


def _setpoint_c(state: State) -> float | None:
    if state.domain in ("climate", "water_heater"):
        value = state.attributes.get(ATTR_TEMPERATURE)
        return float(value) if isinstance(value, int | float) else None
    return number(state)


def _set(entity_id: str, target_c: float) -> _Call:
    if split_entity_id(entity_id)[0] in ("climate", "water_heater"):
        return _Call(entity_id, "set_temperature", {ATTR_TEMPERATURE: target_c})
    return _Call(entity_id, "set_value", {"value": target_c})


async def _async_make(hass: HomeAssistant, calls: Sequence[_Call]) -> str:
    """Make the calls; return what went wrong."""
    errors: list[str] = []
    for call in calls:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await hass.services.async_call(
                    split_entity_id(call.entity_id)[0],
                    call.service,
                    {ATTR_ENTITY_ID: call.entity_id, **call.data},
                    blocking=True,
                )
        except TimeoutError:
            errors.append(f"{call.entity_id}: no answer")
        except HomeAssistantError as err:
            errors.append(f"{call.entity_id}: {err}")
    return "; ".join(errors)
