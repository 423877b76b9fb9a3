"""The domestic hot water (DHW) tank: equal layers, buoyancy, draw-off, losses."""

from dataclasses import dataclass

from .thermal import WATER_J_PER_L_K, exchanged_j, lost_j


@dataclass(frozen=True, slots=True, kw_only=True)
class TankParameters:
    """A tank; ``mixing_w_per_k`` is the exchange between neighbouring layers."""

    litres: float
    layers: int
    start_c: float
    loss_w_per_k: float
    mixing_w_per_k: float
    coil_w_per_k: float
    """Coil of the charging loop, at the bottom."""
    ambient_c: float = 18.0
    cold_water_c: float = 10.0


class Tank:
    """Layer temperatures in °C, top first. Every method moves energy and returns it in J."""

    def __init__(self, parameters: TankParameters) -> None:
        self.parameters = parameters
        self.layers_c = [parameters.start_c] * parameters.layers
        self._layer_l = parameters.litres / parameters.layers
        self._layer_j_per_k = self._layer_l * WATER_J_PER_L_K

    @property
    def top_c(self) -> float:
        """Temperature at the upper sensor, which is also what the tap gets."""
        return self.layers_c[0]

    @property
    def middle_c(self) -> float:
        """Temperature at half height, where the heat pump has its sensor."""
        return self.layers_c[len(self.layers_c) // 2]

    @property
    def bottom_c(self) -> float:
        """Temperature at the lower sensor, beside the coil."""
        return self.layers_c[-1]

    @property
    def mean_c(self) -> float:
        """Mean temperature of the content."""
        return sum(self.layers_c) / len(self.layers_c)

    @property
    def stored_j(self) -> float:
        """Heat stored, against 0 °C."""
        return sum(self.layers_c) * self._layer_j_per_k

    def heat(self, heat_j: float, layer: int = -1) -> None:
        """Put heat in at a layer, the bottom by default; warm water rises."""
        self.layers_c[layer] += heat_j / self._layer_j_per_k
        self._rise()

    def draw(self, litres: float) -> float:
        """Take water at the top, replaced by cold water; return the heat drawn in J.

        Counted against the cold water, so it is what the user got.
        """
        cold_c = self.parameters.cold_water_c
        drawn_j = 0.0
        while litres > 0:
            # Half a layer at once keeps the front between hot and cold stable.
            part_l = min(litres, self._layer_l / 2)
            litres -= part_l
            share = part_l / self._layer_l
            drawn_j += part_l * WATER_J_PER_L_K * (self.top_c - cold_c)
            below = [*self.layers_c[1:], cold_c]
            self.layers_c = [
                layer + share * (lower - layer)
                for layer, lower in zip(self.layers_c, below, strict=True)
            ]
        return drawn_j

    def rest(self, dt_s: float) -> float:
        """Let layers exchange heat and lose some; return the loss in J."""
        capacity = self._layer_j_per_k
        layers = self.layers_c
        for upper in range(len(layers) - 1):
            moved_k = (
                exchanged_j(
                    self.parameters.mixing_w_per_k,
                    (layers[upper], capacity),
                    (layers[upper + 1], capacity),
                    dt_s,
                )
                / capacity
            )
            layers[upper] -= moved_k
            layers[upper + 1] += moved_k
        loss = self.parameters.loss_w_per_k / len(layers)
        total_j = 0.0
        for index, layer_c in enumerate(layers):
            loss_j = lost_j(loss, (layer_c, capacity), self.parameters.ambient_c, dt_s)
            layers[index] -= loss_j / capacity
            total_j += loss_j
        self._rise()
        return total_j

    def _rise(self) -> None:
        """Mix layers that are warmer than the one above them, from the bottom up."""
        groups: list[tuple[float, int]] = []
        for layer_c in reversed(self.layers_c):
            group = (layer_c, 1)
            while groups and groups[-1][0] > group[0]:
                below_c, count = groups.pop()
                total = count + group[1]
                group = ((below_c * count + group[0] * group[1]) / total, total)
            groups.append(group)
        self.layers_c = [
            layer_c for layer_c, count in reversed(groups) for _ in range(count)
        ]
