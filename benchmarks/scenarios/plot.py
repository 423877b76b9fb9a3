"""Days of a scenario as a picture: what two controllers do with the same house."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor

from .data import ZONE, Year
from .plant import Plant

EVERY = timedelta(minutes=5)
WIDTH, LEFT, RIGHT, TOP, BETWEEN = 860, 70, 20, 44, 34
GREY, ORANGE, BLUE, INK = "#8a8a8a", "#e8710a", "#1a73e8", "#333333"
FONT = 'font-family="sans-serif" font-size="12"'


@dataclass(slots=True, kw_only=True)
class Trace:
    """What was seen of a run."""

    times: list[datetime] = field(default_factory=list)
    power_kw: list[float] = field(default_factory=list)
    tank_c: list[float] = field(default_factory=list)
    room_c: list[float] = field(default_factory=list)

    def see(self, plant: Plant) -> None:
        """Note a plant every few minutes."""
        if self.times and plant.time - self.times[-1] < EVERY:
            return
        readings = plant.read()
        self.times.append(plant.time)
        self.power_kw.append(readings.power_w / 1000)
        self.tank_c.append(readings.tank_top_c)
        self.room_c.append(readings.room_c)

    def days(self, start: datetime, count: int) -> Trace:
        """Return some days of it."""
        end = start + timedelta(days=count)
        kept = [k for k, time in enumerate(self.times) if start <= time < end]
        return Trace(
            times=[self.times[k] for k in kept],
            power_kw=[self.power_kw[k] for k in kept],
            tank_c=[self.tank_c[k] for k in kept],
            room_c=[self.room_c[k] for k in kept],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a panel."""

    values: Sequence[float]
    colour: str
    filled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One quantity over time, with lines of reference."""

    title: str
    height: int
    lines: Sequence[Line]
    limits: Sequence[float] = ()

    def scale(self) -> tuple[float, float, float]:
        """Return the least and the greatest value and the step of the labels."""
        values = [*self.limits, *(v for line in self.lines for v in line.values)]
        low, high = min(values), max(values)
        if any(line.filled for line in self.lines):
            low = min(low, 0.0)
        step = next(
            (s for s in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if (high - low) / s <= 4), 20
        )
        return floor(low / step) * step, ceil(high / step) * step, step


def picture(year: Year, usual: Trace, ours: Trace, *, heats_room: bool) -> str:
    """Return an SVG of prices, surplus, power and temperatures of two runs."""
    times = ours.times
    price = [year.price(time) for time in times]
    panels = [
        Panel(
            title="Price of electricity, €/kWh",
            height=70,
            lines=[Line(values=price, colour=BLUE)],
        ),
        Panel(
            title="Power of the heater, kW",
            height=110,
            lines=[
                Line(values=ours.power_kw, colour=ORANGE, filled=True),
                Line(values=usual.power_kw, colour=GREY),
            ],
        ),
        Panel(
            title="Top of the tank, °C; not below 45",
            height=100,
            lines=[
                Line(values=usual.tank_c, colour=GREY),
                Line(values=ours.tank_c, colour=ORANGE),
            ],
            limits=[45],
        ),
    ]
    if heats_room:
        panels.append(
            Panel(
                title="Room, °C; not below 20",
                height=100,
                lines=[
                    Line(values=usual.room_c, colour=GREY),
                    Line(values=ours.room_c, colour=ORANGE),
                ],
                limits=[20],
            )
        )
    parts: list[str] = []
    y = TOP
    for panel in panels:
        parts += _panel(panel, times, y)
        y += panel.height + BETWEEN
    legend = (
        f'<text x="{LEFT}" y="16" {FONT} fill="{ORANGE}">■ Optimise</text>'
        f'<text x="{LEFT + 90}" y="16" {FONT} fill="{GREY}">■ Thermostats</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}">\n'
        f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>\n{legend}\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(panel: Panel, times: Sequence[datetime], top: float) -> Iterable[str]:
    low, high, step = panel.scale()
    span = (times[-1] - times[0]).total_seconds()

    def x(time: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (time - times[0]).total_seconds() / span

    def y(value: float) -> float:
        return top + panel.height * (high - value) / (high - low)

    yield (f'<text x="{LEFT}" y="{top - 7}" {FONT} fill="{INK}">{panel.title}</text>')
    for k in range(round((high - low) / step) + 1):
        value = low + k * step
        yield _level(y(value), "#e0e0e0")
        yield (
            f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" {FONT} fill="{INK}" '
            f'text-anchor="end">{value:.10g}</text>'
        )
    for limit in panel.limits:
        yield _level(y(limit), "#c5221f", 'stroke-dasharray="4 3"')
    for before, time in pairwise(times):
        local = time.astimezone(ZONE)
        if before.astimezone(ZONE).hour == local.hour or local.hour % 6:
            continue
        yield (
            f'<line x1="{x(time):.1f}" x2="{x(time):.1f}" y1="{top}" '
            f'y2="{top + panel.height}" stroke="#e0e0e0"/>'
        )
        yield (
            f'<text x="{x(time):.1f}" y="{top + panel.height + 13}" {FONT} '
            f'fill="#777777" text-anchor="middle">{local.hour}</text>'
        )
    for line in panel.lines:
        points = " ".join(
            f"{x(time):.1f},{y(value):.1f}"
            for time, value in zip(times, line.values, strict=True)
        )
        if line.filled:
            base = f"{y(0):.1f}"
            yield (
                f'<polygon points="{LEFT},{base} {points} {WIDTH - RIGHT},{base}" '
                f'fill="{line.colour}" fill-opacity="0.35"/>'
            )
        yield (
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" '
            'stroke-width="1.5"/>'
        )


def _level(y: float, colour: str, more: str = "") -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
        f'stroke="{colour}" {more}/>'
    )
