"""The computer systems of a Redfish heater: what state they are in, switching them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from .model import HeaterRefusedError, ModuleCondition, ModuleReading
from .redfish_client import RedfishClient
from .redfish_json import JsonObject, link, obj, objects, text, texts

TASK_S = 3.0
START_S = 60.0
"""A module that has not left Off so long after On is told again, and reported."""
BOOT_S = 600.0
"""Many BMCs never report a running system: beyond this a booting one counts as on."""

_BOOT_STEPS = {
    "PrimaryProcessorInitializationStarted",
    "BusInitializationStarted",
    "MemoryInitializationStarted",
    "SecondaryProcessorInitializationStarted",
    "PCIResourceConfigStarted",
    "SystemHardwareInitializationComplete",
    "SetupEntered",
    "OSBootStarted",
}
_REACHED = {True: ("On", "PoweringOn"), False: ("Off",)}
_NOT_MODULES = {"Virtual", "VirtuallyPartitioned", "OS", "DPU"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One computer system and its reset action; only types it says it takes are sent."""

    path: str
    name: str
    reset_target: str | None = None
    reset_types: frozenset[str] = frozenset()

    @property
    def can_switch(self) -> bool:
        """It can be powered down and up again."""
        return self.on_type is not None and self.off_type is not None

    @property
    def on_type(self) -> str | None:
        """How it is started."""
        return self._first("On", "ForceOn")

    @property
    def off_type(self) -> str | None:
        """How it is shut down, gracefully if it can be."""
        return self._first("GracefulShutdown", "ForceOff")

    @property
    def force_type(self) -> str | None:
        """How it is cut off."""
        return self._first("ForceOff")

    def _first(self, *types: str) -> str | None:
        if self.reset_target is None:
            return None
        return next((t for t in types if t in self.reset_types), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleState:
    """One module as it was just read. ``power`` as in Redfish, None if unknown."""

    path: str
    power: str | None
    is_ready: bool
    """On and done with booting."""
    is_starting: bool
    """Powering on, or told to."""
    is_changing: bool
    is_leaving: bool
    """Shutting down, or told to."""
    health: str | None

    @property
    def is_on(self) -> bool | None:
        """On or starting; None if unknown."""
        if self.power is None:
            return None
        return self.is_starting or self.power in ("On", "Paused")

    @property
    def condition(self) -> ModuleCondition | None:
        """Where it is between off and working."""
        if self.power == "Off" and not self.is_starting:
            return ModuleCondition.OFF
        if self.is_leaving:
            return ModuleCondition.SHUTTING_DOWN
        if self.is_starting or (self.power == "On" and not self.is_ready):
            return ModuleCondition.STARTING
        return ModuleCondition.ON if self.is_ready else None


@dataclass(slots=True, kw_only=True)
class _Order:
    """A reset that was sent and has not been seen to work yet."""

    on: bool
    since: float
    forced: bool = False


def stays_on(state: ModuleState) -> bool:
    """Tell whether it is on or starting, and shall not be shut down."""
    return state.is_on is True and not state.is_leaving


async def find_modules(
    client: RedfishClient, systems: Sequence[JsonObject]
) -> list[Module]:
    """Choose the systems that are machines of their own, with what their reset takes."""
    found = []
    for body in systems:
        path = link(body)
        if path is None or text(body, "SystemType") in _NOT_MODULES:
            continue
        action = obj(body, "Actions", "#ComputerSystem.Reset")
        types = texts(action, "ResetType@Redfish.AllowableValues")
        info = text(action, "@Redfish.ActionInfo")
        if not types and info:
            parameters = objects((await client.get(info)).body, "Parameters")
            for parameter in parameters:
                if text(parameter, "Name") == "ResetType":
                    types = texts(parameter, "AllowableValues")
        found.append(
            Module(
                path=path,
                name=text(body, "Name") or text(body, "Id") or path,
                reset_target=text(action, "target"),
                reset_types=frozenset(types),
            )
        )
    return found


class Modules:
    """All modules of one heater, with the memory of what they were told."""

    def __init__(self, client: RedfishClient, shutdown_s: float, rest_s: float) -> None:
        """``shutdown_s``: time for a graceful shutdown before power is cut.

        ``rest_s``: a module that was switched off for a low limit stays off so long.
        """
        self._client = client
        self._rest_s = rest_s
        self._shutdown_s = shutdown_s
        self._modules: dict[str, Module] = {}
        self._systems_path: str | None = None
        self._orders: dict[str, _Order] = {}
        self._booting_since: dict[str, float] = {}
        self._rested_since: dict[str, float] = {}
        """When modules were switched off for a low limit."""

    def use(self, systems_path: str | None, modules: Sequence[Module]) -> None:
        """Work with these modules from now on; what they were told stays known."""
        self._systems_path = systems_path
        self._modules = {module.path: module for module in modules}

    async def read(self) -> list[ModuleState]:
        """State of every module that is there; raises HeaterError if one has none."""
        if self._systems_path is None or not self._modules:
            return []
        bodies = await self._client.members(self._systems_path, list(self._modules))
        return [
            self._state(path, body)
            for body in bodies
            if (path := link(body)) is not None
            and path in self._modules
            and text(body, "Status", "State") != "Absent"
        ]

    def readings(self, states: Sequence[ModuleState]) -> tuple[ModuleReading, ...]:
        """Return what is shown of modules."""
        return tuple(
            ModuleReading(
                key=state.path.rstrip("/").rsplit("/", 1)[-1],
                name=self._modules[state.path].name,
                condition=state.condition,
            )
            for state in states
        )

    async def switch(self, on: bool, states: Sequence[ModuleState]) -> None:
        """Start or shut down every module that needs it; waits for none of them.

        Modules that do not react in time are told again, or cut off, by a later call.
        Raises HeaterRefusedError after all have been told.
        """
        refusals = []
        for state in states:
            try:
                await (self._start(state) if on else self._shut_down(state))
            except HeaterRefusedError as err:
                refusals.append(f"{self._modules[state.path].name}: {err}")
        if refusals:
            raise HeaterRefusedError("; ".join(refusals))

    def startable(self, states: Sequence[ModuleState]) -> list[ModuleState]:
        """Modules that are off or leaving, and have been off long enough."""
        now = _now()
        return [
            state
            for state in states
            if not stays_on(state)
            and now - self._rested_since.get(state.path, -self._rest_s) >= self._rest_s
        ]

    async def keep(self, count: int, states: Sequence[ModuleState]) -> None:
        """Have ``count`` modules on, as many as rested long enough; waits for none.

        What is on stays on where it can, so that nothing goes back and forth. Raises
        HeaterRefusedError after all have been told.
        """
        startable = self.startable(states)
        ranked = sorted(
            (state for state in states if stays_on(state) or state in startable),
            key=lambda state: (not stays_on(state), state.health not in (None, "OK")),
        )
        # One is always on: a heater that stands by is not off.
        chosen = (ranked or list(states))[:count]
        others = [state for state in states if state not in chosen and stays_on(state)]
        for state in others:
            self._rested_since[state.path] = _now()
        late = [s for s in states if s not in chosen and s.is_leaving]
        refusals = []
        for on, group in ((True, chosen), (False, [*others, *late])):
            try:
                await self.switch(on, group)
            except HeaterRefusedError as err:
                refusals.append(str(err))
        if refusals:
            raise HeaterRefusedError("; ".join(refusals))

    async def _start(self, state: ModuleState) -> None:
        module, order, now = (
            self._modules[state.path],
            self._orders.get(state.path),
            _now(),
        )
        if state.power != "Off":
            if order is not None and not self._is_awaited(order):
                del self._orders[state.path]  # an old shutdown that never happened
            return
        told = order is not None and order.on
        if told and order is not None and self._is_awaited(order):
            return
        await self._send(module, module.on_type, _Order(on=True, since=now))
        if told:
            raise HeaterRefusedError("has not started")

    async def _shut_down(self, state: ModuleState) -> None:
        if state.power == "Off":
            return
        module, order, now = (
            self._modules[state.path],
            self._orders.get(state.path),
            _now(),
        )
        if order is None or order.on:
            if state.power == "PoweringOff":
                self._orders[state.path] = _Order(on=False, since=now)
                return
            await self._send(module, module.off_type, _Order(on=False, since=now))
        elif not self._is_awaited(order):
            late = order.forced
            await self._send(
                module, module.force_type, _Order(on=False, since=now, forced=True)
            )
            if late:
                raise HeaterRefusedError("does not power off")

    async def _send(
        self, module: Module, reset_type: str | None, order: _Order
    ) -> None:
        if module.reset_target is None or reset_type is None:
            raise HeaterRefusedError("cannot be switched this way")
        await self._client.act(module.reset_target, {"ResetType": reset_type}, TASK_S)
        self._orders[module.path] = order

    def _is_awaited(self, order: _Order) -> bool:
        """There is still time for it to be carried out."""
        allowed = START_S if order.on else self._shutdown_s
        return _now() - order.since < allowed

    def _state(self, path: str, body: JsonObject) -> ModuleState:
        power = text(body, "PowerState")
        step = text(body, "BootProgress", "LastState")
        booting = power == "PoweringOn" or (power == "On" and step in _BOOT_STEPS)
        if booting:
            since = self._booting_since.setdefault(path, _now())
            booting = _now() - since < BOOT_S
        else:
            self._booting_since.pop(path, None)
        order = self._orders.get(path)
        if order is not None and (power in _REACHED[order.on]):
            order = None
            del self._orders[path]
        awaited = order is not None and self._is_awaited(order)
        return ModuleState(
            path=path,
            power=power,
            is_starting=power == "PoweringOn"
            or (awaited and order is not None and order.on),
            is_changing=booting or awaited or power == "PoweringOff",
            is_leaving=power == "PoweringOff" or (order is not None and not order.on),
            is_ready=power == "On" and not booting,
            health=text(body, "Status", "HealthRollup")
            or text(body, "Status", "Health"),
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
