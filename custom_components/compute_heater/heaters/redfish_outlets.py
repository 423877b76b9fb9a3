"""Power driver for outlets of a rack's power distribution unit: switched and metered.

There is no cap and no shutdown: what hangs on the outlet just loses its power. So an
outlet that still carries load is opened only after a while, in which others may unload it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from .model import (
    Capabilities,
    Command,
    HeaterProtocolError,
    HeaterRefusedError,
    Identity,
    ModuleCondition,
    ModuleReading,
    Reading,
)
from .redfish_client import RedfishClient
from .redfish_json import JsonObject, link, number, obj, text, texts
from .redfish_lookup import optional, optional_links

UNLOAD_S = 120.0
IDLE_W = 20.0
"""An outlet that carries less is opened at once."""
TASK_S = 5.0
READ_BACK_S = (0.0, 0.5, 1.5, 3.0)
MAX_OUTLETS = 256

_UNITS = ("RackPDUs", "FloorPDUs", "PowerShelves")
_ACTION = "#Outlet.PowerControl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One outlet that can be switched."""

    path: str
    name: str


async def find_outlets(client: RedfishClient) -> list[Outlet]:
    """Return the outlets of all distribution units; raises HeaterError."""
    equipment = await optional(client, link(await client.root(), "PowerEquipment"))
    found: list[Outlet] = []
    for kind in _UNITS:
        for unit_uri in await optional_links(client, link(equipment, kind)):
            unit = await optional(client, unit_uri)
            for uri in await optional_links(client, link(unit, "Outlets")):
                body = await optional(client, uri)
                if _target(body) is not None and len(found) < MAX_OUTLETS:
                    name = text(body, "UserLabel") or text(body, "Name") or uri
                    found.append(Outlet(path=link(body) or uri, name=name))
    return found


def _target(body: JsonObject) -> str | None:
    """Where an outlet takes its commands; None where it takes none."""
    action = obj(body, "Actions", _ACTION)
    allowed = texts(action, "PowerState@Redfish.AllowableValues")
    return text(action, "target") if not allowed or "Off" in allowed else None


class OutletHeater:
    """Outlets of one service as a compute heater (a PowerDriver)."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        username: str,
        password: str,
        outlets: Sequence[str],
        fingerprint: str | None = None,
        *,
        unload_s: float = UNLOAD_S,
    ) -> None:
        """``outlets`` are paths as ``find_outlets`` gives them; nothing is sent yet."""
        self._client = RedfishClient(session, url, username, password, fingerprint)
        self._paths = tuple(outlets)
        self._unload_s = unload_s
        self._unloading_since: float | None = None
        self._applying = asyncio.Lock()

    @property
    def writes(self) -> int:
        """Commands sent to the device so far."""
        return self._client.writes

    async def connect(self) -> tuple[Identity, Capabilities]:
        """Find out whose outlets these are, and that they can be switched."""
        root = await self._client.root()
        bodies = await self._bodies()
        uuid = text(root, "UUID")
        if uuid is None:
            raise HeaterProtocolError("the service tells no UUID")
        names = [text(body, "UserLabel") or text(body, "Name") for body in bodies]
        identity = Identity(
            uuid="/".join([uuid.lower(), *(_key(path) for path in self._paths)]),
            name=", ".join(name for name in names if name) or "Outlets",
            manufacturer=text(root, "Vendor"),
            model=text(root, "Product"),
        )
        capabilities = Capabilities(
            can_switch=bool(bodies) and all(_target(body) for body in bodies),
            floor_w=None,
            max_w=None,
            modules=len(bodies),
            has_coolant=False,
        )
        return identity, capabilities

    async def read(self) -> Reading:
        """Read all outlets; sums are unknown if one of them is."""
        bodies = await self._bodies()
        states = [_is_on(body) for body in bodies]
        is_on = True if True in states else None if None in states else False
        if is_on is not True:
            self._unloading_since = None
        healths = [text(body, "Status", "Health") for body in bodies]
        known = [health for health in healths if health is not None]
        return Reading(
            power_w=_sum(bodies, "PowerWatts"),
            energy_kwh=_sum(bodies, "EnergykWh"),
            modules_on=None if None in states else states.count(True),
            modules=tuple(
                ModuleReading(
                    key=_key(path),
                    name=text(body, "UserLabel") or text(body, "Name") or _key(path),
                    condition=_CONDITIONS.get(state),
                )
                for path, body, state in zip(self._paths, bodies, states, strict=True)
            ),
            is_on=is_on,
            is_changing=self._unloading_since is not None,
            problem=any(health != "OK" for health in known) if known else None,
        )

    async def apply(self, command: Command) -> None:
        """Switch all outlets; one that carries load is opened by a later call.

        Raises HeaterRefusedError for a limit, and with what the device reports.
        """
        if command.on and command.power_limit_w is not None:
            raise HeaterRefusedError("an outlet takes no power cap")
        async with self._applying:
            bodies = await self._bodies()
            if command.on:
                self._unloading_since = None
            elif self._must_wait(bodies):
                return
            wanted = "On" if command.on else "Off"
            for path, body in zip(self._paths, bodies, strict=True):
                if _is_on(body) is not command.on:
                    await self._switch(path, body, wanted)
            await self._confirm(command.on)

    async def follow(self, on_event: Callable[[], None]) -> None:
        """Return at once: events of outlets are not waited for."""

    async def close(self) -> None:
        """Leave the session; the outlets keep their state."""
        await self._client.close()

    def _must_wait(self, bodies: Sequence[JsonObject]) -> bool:
        """Tell whether there is load that may still go away by itself."""
        load_w = _sum(bodies, "PowerWatts")
        if True not in map(_is_on, bodies) or (load_w is not None and load_w <= IDLE_W):
            return False
        now = asyncio.get_running_loop().time()
        if self._unloading_since is None:
            self._unloading_since = now
        return now - self._unloading_since < self._unload_s

    async def _switch(self, path: str, body: JsonObject, wanted: str) -> None:
        target = _target(body)
        if target is None:
            raise HeaterRefusedError(f"{_key(path)} cannot be switched")
        await self._client.act(target, {"PowerState": wanted}, TASK_S)

    async def _confirm(self, on: bool) -> None:
        for pause in READ_BACK_S:
            await asyncio.sleep(pause)
            states = [_is_on(body) for body in await self._bodies()]
            if all(state is on for state in states):
                self._unloading_since = None
                return
        raise HeaterRefusedError(f"not all outlets are {'on' if on else 'off'}")

    async def _bodies(self) -> list[JsonObject]:
        return [one.body for one in await self._client.get_all(self._paths)]


_CONDITIONS: dict[bool | None, ModuleCondition] = {
    True: ModuleCondition.ON,
    False: ModuleCondition.OFF,
}


def _is_on(body: JsonObject) -> bool | None:
    match text(body, "PowerState"):
        case "On" | "PoweringOn":
            return True
        case "Off" | "PoweringOff":
            return False
        case _:
            return None


def _sum(bodies: Sequence[JsonObject], excerpt: str) -> float | None:
    values = [number(body, excerpt, "Reading") for body in bodies]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _key(path: str) -> str:
    """Short name of an outlet that is stable: its unit and its id."""
    parts = path.rstrip("/").split("/")
    return "-".join([*parts[-3:-2], parts[-1]])
