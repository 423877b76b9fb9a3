"""How much heat a hot-water tank holds, though few sensors are in it.

Warm water floats on cold: a tank that has been drawn from is hot above and cold below,
and two sensors do not show where the border lies. So the tank is followed in layers:
heat comes in at the bottom and rises, a draw-off pushes the layers up. The draw-offs,
which nobody measures, show themselves by the lower sensor, and once that is as cold as
it gets, only when the tank is charged again.
"""

from collections.abc import Mapping
from math import exp, isfinite

from .clock import Clock

LAYERS = 8
COLD_C = 12.0
SATURATED_K = 4.0
"""The lower sensor is in the cold water and sees no further draw-off."""
SEEN_K = 0.4
"""A lower sensor that is off by less says nothing."""
USABLE_STEP = 0.2
"""Layers drawn at once, to see what a tank can give."""
STEP_LAYERS = 0.25
"""The most layers that one disagreement of the lower sensor moves the border back by."""
LONGEST_S = 3600.0
"""After a longer silence the tank is taken for mixed above its lower sensor."""
MIXED_K = 1.5
TOP_MEMORY = 0.9
LEAST_FALL_K = 2.0


class StratifiedTank:
    """Layer temperatures in °C, top first, from two sensors and the heat put in."""

    def __init__(
        self, capacity_kwh_per_k: float, loss_kw_per_k: float, ambient_c: float
    ) -> None:
        self.capacity_kwh_per_k = capacity_kwh_per_k
        self.loss_kw_per_k = loss_kw_per_k
        self.ambient_c = ambient_c
        self.layers_c: list[float] | None = None
        self.follows_top = 0.5
        """By how many K the top falls per K of the mean while water is drawn: 0 for a tank
        in perfect layers, 1 for one that is always mixed. Learned."""
        self._clock = Clock()
        self._drawing: tuple[float, float] | None = None

    @property
    def mean_c(self) -> float | None:
        """Mean temperature; None before the first reading."""
        layers = self.layers_c
        return None if layers is None else sum(layers) / LAYERS

    def usable_kwh(self, needed_c: float, fallen_k: float = 0.0) -> float:
        """Return the heat that can be drawn until the top is colder than ``needed_c``.

        Before that the whole tank falls by ``fallen_k``.
        """
        if self.layers_c is None:
            return 0.0
        layers = [layer - fallen_k for layer in self.layers_c]
        full = sum(layers)
        while layers[0] >= needed_c and layers[0] > COLD_C + 1.0:
            layers = _pushed_up(layers, USABLE_STEP)
        return max(full - sum(layers), 0.0) * self.capacity_kwh_per_k / LAYERS

    def observe(
        self,
        now: float,
        top_c: float,
        bottom_c: float | None,
        heat_kw: float,
        expected_draw_kw: float,
    ) -> float | None:
        """Follow the tank to ``now`` (monotonic s); return the heat drawn since in kWh.

        None where it cannot be told: without a lower sensor, after a gap, or while that
        sensor is in the cold water. Then ``expected_draw_kw`` counts for the layers.
        """
        elapsed_s = self._clock.elapsed_s(now)
        if bottom_c is None:
            self.layers_c = [top_c] * LAYERS
            return None
        if self.layers_c is None or elapsed_s > LONGEST_S:
            # In the doubt the border is half way.
            half = LAYERS // 2
            self.layers_c = [top_c] * half + [bottom_c] * (LAYERS - half)
            return None
        hours = elapsed_s / 3600
        self._rest(hours)
        self._heat(heat_kw * hours)
        after_heat_k = self._energy_k()
        seen = self._agree_below(bottom_c, expected_draw_kw * hours)
        self._agree_above(top_c)
        drawn_k = after_heat_k - self._energy_k()
        self._learn_mixing(top_c, drawing=drawn_k > 0.01, charging=heat_kw > 0.1)
        return drawn_k * self.capacity_kwh_per_k if seen else None

    def _energy_k(self) -> float:
        assert self.layers_c is not None
        return sum(self.layers_c) / LAYERS

    def _rest(self, hours: float) -> None:
        assert self.layers_c is not None
        kept = exp(-self.loss_kw_per_k * hours / self.capacity_kwh_per_k)
        self.layers_c = [
            self.ambient_c + (layer - self.ambient_c) * kept for layer in self.layers_c
        ]

    def _heat(self, heat_kwh: float) -> None:
        """Put heat in at the bottom; it rises as far as it is warmer than what is above."""
        assert self.layers_c is not None
        layers = self.layers_c
        layers[-1] += heat_kwh * LAYERS / self.capacity_kwh_per_k
        count, total = 1, layers[-1]
        while count < LAYERS and total / count > layers[-1 - count]:
            total += layers[-1 - count]
            count += 1
        layers[LAYERS - count :] = [total / count] * count

    def _draw(self, share: float) -> None:
        """Push all layers up by a share of one; cold water follows."""
        assert self.layers_c is not None
        while share > 0:
            part = min(share, 0.5)
            share -= part
            self.layers_c = _pushed_up(self.layers_c, part)

    def _agree_below(self, bottom_c: float, expected_kwh: float) -> bool:
        """Let the lower sensor tell of draw-offs; return whether it could."""
        assert self.layers_c is not None
        layers = self.layers_c
        cold_c = min(COLD_C, bottom_c)
        bottom = layers[-1]
        if bottom_c < bottom - SEEN_K and bottom - cold_c > SEEN_K:
            self._draw(min((bottom - bottom_c) / (bottom - cold_c), 1.0))
            self.layers_c[-1] = bottom_c
            return True
        if bottom_c > bottom + SEEN_K:
            self._return(bottom_c)
            return True
        if bottom_c < COLD_C + SATURATED_K:
            per_layer = (layers[0] - COLD_C) * self.capacity_kwh_per_k / LAYERS
            if per_layer > 0:
                self._draw(max(expected_kwh, 0.0) / per_layer)
            return False
        return True

    def _return(self, bottom_c: float) -> None:
        """Less was drawn than thought: the cold zone warms up faster than it should."""
        assert self.layers_c is not None
        layers = self.layers_c
        # The zone that is as cold as the bottom, from below.
        size = 1
        while size < LAYERS and layers[-1 - size] < layers[-1] + 1.0:
            size += 1
        if size < LAYERS:
            above = layers[LAYERS - size - 1]
            edge = layers[LAYERS - size]
            layers[LAYERS - size] = edge + STEP_LAYERS * (above - edge)
        for index in range(max(LAYERS - size, 1), LAYERS):
            layers[index] = max(layers[index], bottom_c)

    def _agree_above(self, top_c: float) -> None:
        """Let the upper sensor be right about the hottest water."""
        assert self.layers_c is not None
        raised, hot_c = top_c - self.layers_c[0], self.layers_c[0] - 1.0
        coldest_c = min(self.layers_c[-1], top_c)
        found: list[float] = []
        for layer in reversed(self.layers_c):
            if layer > hot_c:
                layer += raised
            # Nothing is colder than what is below it.
            coldest_c = max(coldest_c, min(layer, top_c))
            found.append(coldest_c)
        self.layers_c = found[::-1]
        self.layers_c[0] = top_c

    def _learn_mixing(self, top_c: float, *, drawing: bool, charging: bool) -> None:
        """Compare how far top and mean fall between two charges."""
        mean_c = self._energy_k()
        if charging or self._drawing is None or mean_c > self._drawing[1]:
            self._drawing = None if charging else (top_c, mean_c)
            return
        fall_k = self._drawing[1] - mean_c
        if drawing and fall_k > LEAST_FALL_K:
            share = (self._drawing[0] - top_c) / fall_k
            share = min(max(share, 0.0), 1.0)
            self.follows_top += (1 - TOP_MEMORY) * (share - self.follows_top)
            self._drawing = (top_c, mean_c)

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {"layers_c": self.layers_c, "follows_top": self.follows_top}

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        layers = memory.get("layers_c")
        if (
            isinstance(layers, list)
            and len(layers) == LAYERS
            and all(isinstance(each, int | float) and isfinite(each) for each in layers)
        ):
            self.layers_c = [float(each) for each in layers]
        follows = memory.get("follows_top")
        if isinstance(follows, int | float) and 0 <= follows <= 1:
            self.follows_top = float(follows)


def _pushed_up(layers: list[float], part: float) -> list[float]:
    """Return layers after this part of one has been drawn at the top."""
    return [
        layer + part * (lower - layer)
        for layer, lower in zip(layers, [*layers[1:], COLD_C], strict=True)
    ]
