"""The power cap of a Redfish heater, in whichever of three places the device has it."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from math import floor as round_down, inf

from .model import HeaterRefusedError
from .redfish_client import RedfishClient, Resource
from .redfish_errors import RedfishRefusedError
from .redfish_json import JsonObject, number, obj, objects, text

TOLERANCE_W = 0.5
TASK_S = 10.0
_ZONE_ACTION = "#HpeServerAccPowerLimit.ConfigurePowerLimit"
READ_BACK_S = (0.0, 0.3, 0.7, 1.5)
"""Pauses before each look at what became of a change: some BMCs take a moment."""


class CapRangeError(HeaterRefusedError):
    """A cap that the heater cannot hold; nothing was sent."""


class CapPlace(StrEnum):
    """Where a device keeps its cap, best first."""

    ENVIRONMENT = "EnvironmentMetrics.PowerLimitWatts"
    CONTROL = "Control"
    ZONES = "HpeServerAccPowerLimit"
    LEGACY = "Power.PowerControl"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapPoint:
    """One place; ``floor_w``/``max_w`` count where the resource itself gives none."""

    place: CapPlace
    path: str
    floor_w: float | None = None
    max_w: float | None = None
    step_w: float | None = None
    """Steps in which it takes a cap, where only another resource tells them."""
    lifts_with_null: bool = False
    has_lease: bool = False
    """The cap falls back by itself when no requests come."""
    percent_of_w: float | None = None
    """What 100 % are, for set points in percent; None: those are of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The cap as it stands, in W. ``has_mode``: the device tells whether it holds."""

    set_point_w: float | None
    mode: str | None
    has_mode: bool
    floor_w: float | None
    max_w: float | None
    step_w: float | None = None
    """It takes the floor and every so many W above it; None: any watts."""
    unit_w: float = 1.0
    """W per unit of the set point."""
    fallback_w: float | None = None
    """Cap to which it falls back by itself when no requests come; None: it does not."""

    def settable(self, watts: float) -> float:
        """Return the highest cap not above ``watts`` that its steps allow."""
        low = self.floor_w or 0.0
        if not self.step_w or watts <= low:
            return watts
        return low + round_down((watts - low) / self.step_w + 1e-6) * self.step_w

    @property
    def active_w(self) -> float | None:
        """The cap that holds; None when uncapped."""
        return (
            self.set_point_w if self.mode in (None, "Automatic", "Override") else None
        )

    def nearest(self, watts: float) -> float:
        """Return the cap to set for ``watts``: none is lower than the floor of now."""
        return watts if self.floor_w is None else max(watts, self.floor_w)

    def falls_to(self, watts: float | None) -> bool:
        """Tell whether ``watts`` would hold the heater back more than now."""
        active = self.active_w
        return watts is not None and (active is None or watts < active)

    def is_at(self, watts: float | None) -> bool:
        """Tell whether it holds at ``watts`` already; for None: nothing is held back."""
        active = self.active_w
        if watts is None:
            return active is None or (
                self.max_w is not None and active >= self.max_w - TOLERANCE_W
            )
        return active is not None and abs(active - watts) <= TOLERANCE_W


def parse_cap(point: CapPoint, body: JsonObject) -> Cap | None:
    """Read the cap from the resource of ``point``; None if it shows none in watts."""
    unit_w = 1.0
    match point.place:
        case CapPlace.ENVIRONMENT:
            shown = obj(body, "PowerLimitWatts")
            set_point = "SetPoint"
        case CapPlace.CONTROL:
            shown = body
            set_point = "SetPoint"
            match text(body, "SetPointUnits"):
                case None | "W":
                    pass
                case "%" if point.percent_of_w is not None:
                    unit_w = point.percent_of_w / 100
                case _:
                    return None
        case CapPlace.ZONES:
            shown = _only_zone(body)
            set_point = "PowerLimitInWatts"
        case CapPlace.LEGACY:
            controls = objects(body, "PowerControl")
            shown = obj(controls[0], "PowerLimit") if controls else {}
            set_point = "LimitInWatts"
    if set_point not in shown:
        return None
    is_percent = point.percent_of_w is not None and unit_w != 1.0
    value, low = number(shown, set_point), _lowest(shown)
    default = number(shown, "DefaultSetPoint") if point.has_lease else None
    high = first_known(shown, *_HIGHEST, default=100.0 if is_percent else point.max_w)
    step = number(shown, "Increment")
    if step is None and is_percent:
        step = 1.0  # many take whole numbers only
    return Cap(
        set_point_w=None if value is None else value * unit_w,
        mode=text(shown, "ControlMode"),
        has_mode="ControlMode" in shown,
        floor_w=point.floor_w if low is None else low * unit_w,
        max_w=None if high is None else high * unit_w,
        step_w=point.step_w if step is None or step <= 0 else step * unit_w,
        unit_w=unit_w,
        fallback_w=None if default is None else default * unit_w,
    )


def _only_zone(body: JsonObject) -> JsonObject:
    """Read limit and range of a chassis that HPE caps as one zone."""
    limits = objects(body, "PowerLimits")
    ranges = objects(body, "PowerLimitRanges")
    if len(limits) != 1:
        return {}
    span = ranges[0] if ranges else {}
    return {
        **limits[0],
        "AllowableMin": number(span, "MinimumPowerLimit"),
        "AllowableMax": number(span, "MaximumPowerLimit"),
    }


# Names of the standard, and those that it had before.
_HIGHEST = ("AllowableMax", "SettingMax", "SettingRangeMax")


def _lowest(shown: JsonObject) -> float | None:
    return first_known(
        shown, "AllowableMin", "SettingMin", "SettingRangeMin", default=None
    )


def first_known(body: JsonObject, *names: str, default: float | None) -> float | None:
    """Return the first of these numbers that the body has."""
    found = (value for name in names if (value := number(body, name)) is not None)
    return next(found, default)


def change(point: CapPoint, cap: Cap, watts: float | None) -> JsonObject:
    """Body that sets the cap, or lifts it for None.

    Set point and mode always go together: a cap that was disabled keeps an old set
    point, and enabling it alone would make that one hold.
    """
    if point.place is CapPlace.LEGACY:
        limit = None if watts is None else round(watts)
        return {"PowerControl": [{"PowerLimit": {"LimitInWatts": limit}}]}
    if point.place is CapPlace.ZONES:
        highest = cap.max_w if watts is None else watts
        limit = None if highest is None else round(highest)
        return {"PowerLimits": [{"PowerLimitInWatts": limit, "ZoneNumber": 0}]}
    if watts is None and point.lifts_with_null and not cap.has_mode:
        return {"SetPoint": None}
    wanted = cap.max_w if watts is None else watts
    value = None if wanted is None else round(wanted / cap.unit_w, 1)
    if value is not None and value.is_integer():
        value = int(value)
    shown: dict[str, object] = {"SetPoint": value}
    if cap.has_mode:
        shown["ControlMode"] = "Disabled" if watts is None else "Automatic"
        if value is None:
            del shown["SetPoint"]
    return {"PowerLimitWatts": shown} if point.place is CapPlace.ENVIRONMENT else shown


class PowerCap:
    """Reads and sets the cap at the first place that takes it."""

    def __init__(self, client: RedfishClient, points: tuple[CapPoint, ...]) -> None:
        """``points`` in the order in which to try them, at least one."""
        self._client = client
        self._points = list(points)

    @property
    def point(self) -> CapPoint:
        """The place in use."""
        return self._points[0]

    async def set(self, watts: float | None, *, only_lower: bool = False) -> bool:
        """Set the cap (None: lift it) and read it back; sends nothing if it holds.

        With ``only_lower`` a cap that would rise is left alone. Returns whether the cap
        is now as asked. Raises CapRangeError before sending anything, and
        HeaterRefusedError with the value in force if the device made something else of it.
        """
        while True:
            resource, cap = await self._look()
            _check_range(cap, watts)
            if watts is not None:
                watts = cap.settable(watts)
            if cap.is_at(watts):
                return True
            if only_lower and not cap.falls_to(watts):
                return False
            if await self._patched(resource, cap, watts):
                await self._confirm(watts)
                return True

    async def set_near(self, watts: float, *, only_lower: bool = False) -> None:
        """Set the cap, or the lowest that the heater takes now if that is higher."""
        _, cap = await self._look()
        await self.set(cap.nearest(watts), only_lower=only_lower)

    async def set_floor(self) -> None:
        """Lower the cap as far as it goes, where that is known."""
        _, cap = await self._look()
        if cap.floor_w is not None:
            await self.set(cap.floor_w, only_lower=True)

    async def _patched(self, resource: Resource, cap: Cap, watts: float | None) -> bool:
        """Send the change; False: not at this place, but there is another one."""
        try:
            await self._send(resource, change(self.point, cap, watts))
        except RedfishRefusedError as err:
            if not err.not_writable or len(self._points) == 1:
                raise
            del self._points[0]
            return False
        return True

    async def _send(self, resource: Resource, body: JsonObject) -> None:
        if self.point.place is not CapPlace.ZONES:
            await self._client.patch(resource, body, TASK_S)
            return
        target = text(resource.body, "Actions", _ZONE_ACTION, "target")
        if target is None:
            raise HeaterRefusedError(f"nothing to set the cap with at {resource.path}")
        await self._client.act(target, body, TASK_S)

    async def _look(self) -> tuple[Resource, Cap]:
        resource = await self._client.get(self.point.path)
        cap = parse_cap(self.point, resource.body)
        if cap is None:
            raise HeaterRefusedError(f"no power cap any more at {self.point.path}")
        return resource, cap

    async def _confirm(self, watts: float | None) -> None:
        """Believe a change only when it is seen: a 200 may lie."""
        for pause in READ_BACK_S:
            await asyncio.sleep(pause)
            cap = (await self._look())[1]
            if cap.is_at(watts):
                return
        raise HeaterRefusedError(
            f"asked for a power cap of {_watts(watts)}, the heater has {_watts(cap.active_w)}"
        )


def _check_range(cap: Cap, watts: float | None) -> None:
    if watts is None:
        return
    low = cap.floor_w is not None and watts < cap.floor_w - TOLERANCE_W
    high = cap.max_w is not None and watts > cap.max_w + TOLERANCE_W
    if low or high or not 0 <= watts < inf:
        raise CapRangeError(
            f"power cap {watts:g} W is outside {_watts(cap.floor_w)} to {_watts(cap.max_w)}"
        )


def _watts(value: float | None) -> str:
    return "none" if value is None else f"{value:g} W"
