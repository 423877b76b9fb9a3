"""What the house draws besides heaters, and what that leaves of its own electricity."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from math import exp

from .draw_off import DrawOffProfile
from .quarter import QuarterMeter, known
from .series import Piece, Series

KWH_PER_PERSON_DAY = 2.7
SMOOTH_S = 300.0
"""Clouds and cookers come and go; a plan wants what lasts."""
NEXT = timedelta(minutes=20)
"""So long what is measured now says more than any forecast: a plan's first step."""
STEP = timedelta(hours=1)


class HouseLoad:
    """Learns when the house draws power; knows what is left over now and later."""

    def __init__(self, persons: float, zone: tzinfo) -> None:
        """``zone`` is where people live."""
        self._profile = DrawOffProfile(KWH_PER_PERSON_DAY * persons, zone)
        self._quarters = QuarterMeter()
        self._surplus_w: float | None = None
        self._measured_at: datetime | None = None

    def observe(
        self,
        now: datetime,
        *,
        grid_w: float | None,
        pv_w: float | None,
        heaters_w: float | None,
    ) -> None:
        """Take what is drawn from the grid (negative: fed in), made, and used for heat."""
        grid_w, pv_w, heaters_w = known(grid_w), known(pv_w), known(heaters_w)
        load_w: float | None = None
        if grid_w is None or heaters_w is None:
            self._surplus_w = self._measured_at = None
        else:
            if pv_w is not None:
                load_w = max(pv_w + grid_w - heaters_w, 0.0)
            self._smooth(now, heaters_w - grid_w)
        if quarter := self._quarters.add(now, {"load_w": load_w}):
            mean_w = quarter.mean["load_w"]
            if mean_w is not None:
                kwh = mean_w / 1000 * quarter.hours
                self._profile.record(quarter.start, quarter.hours, kwh)

    def _smooth(self, now: datetime, surplus_w: float) -> None:
        before, since = self._surplus_w, self._measured_at
        self._measured_at = now
        if before is None or since is None or now <= since:
            self._surplus_w = surplus_w
            return
        weight = exp(-(now - since).total_seconds() / SMOOTH_S)
        self._surplus_w = weight * before + (1 - weight) * surplus_w

    @property
    def surplus_w(self) -> float | None:
        """Own electricity that is left over now; None while it is not measured."""
        return None if self._surplus_w is None else max(self._surplus_w, 0.0)

    def expected_w(self, start: datetime, end: datetime) -> float:
        """Return what the house will draw on average."""
        hours = (end - start).total_seconds() / 3600
        return 1000 * self._profile.expected(start, hours) / hours

    def surplus(self, now: datetime, pv_w: Series) -> Series:
        """Return what a forecast of the own electricity leaves over."""
        pieces: list[Piece] = []
        start = now.replace(minute=0, second=0, microsecond=0)
        while pv_w.end is not None and start < pv_w.end:
            end = start + STEP
            if (made_w := pv_w.mean(start, end)) is not None:
                left_w = max(made_w - self.expected_w(start, end), 0.0)
                pieces.append(Piece(start, end, left_w))
            start = end
        if self.surplus_w is None:
            return Series.of(pieces)
        until = now + NEXT
        later = (
            Piece(max(each.start, until), each.end, each.value)
            for each in pieces
            if each.end > until
        )
        return Series.of([Piece(now, until, self.surplus_w), *later])

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {"profile": self._profile.memory}

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        if isinstance(profile := memory.get("profile"), Mapping):
            self._profile.restore(profile)
