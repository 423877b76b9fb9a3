"""The plant's tank, followed by OCHRE."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import override

from simulator.tank import Tank, TankParameters
from simulator.thermal import WATER_J_PER_L_K

from ..child import Child, started
from ..packages import environment

PACKAGES = ("ochre-nrel==0.9.2", "numpy<2", "pyarrow<18")
FROM_SOURCE = ("psychrolib",)
PYTHON = "3.12"
WORKER = Path(__file__).with_name("worker.py")
STEP_S = 60.0


class OchreTank(Tank):
    """Collects heat and draw-off for a minute, then OCHRE goes on."""

    def __init__(self, parameters: TankParameters, child: Child, days: int) -> None:
        """Fill it. Raises ChildError."""
        super().__init__(parameters)
        self._child = child
        answer = child.ask(
            {
                "litres": parameters.litres,
                "loss_w_per_k": parameters.loss_w_per_k,
                "start_c": parameters.start_c,
                "step_s": STEP_S,
                "days": days,
                "cold_c": parameters.cold_water_c,
                "ambient_c": parameters.ambient_c,
            }
        )
        self.layers_c = answer["layers_c"]
        self._layer_l = parameters.litres / len(self.layers_c)
        self._layer_j_per_k = self._layer_l * WATER_J_PER_L_K
        self._heat_j = [0.0] * len(self.layers_c)
        self._drawn_l = 0.0
        self._elapsed_s = 0.0

    @override
    def heat(self, heat_j: float, layer: int = -1) -> None:
        """Put heat in at a layer, the bottom by default."""
        self._heat_j[layer] += heat_j

    @override
    def draw(self, litres: float) -> float:
        """Take water at the top; return the heat drawn in J."""
        self._drawn_l += litres
        warmer_k = self.top_c - self.parameters.cold_water_c
        return litres * WATER_J_PER_L_K * warmer_k

    @override
    def rest(self, dt_s: float) -> float:
        """Let time pass; OCHRE keeps what is lost to itself."""
        self._elapsed_s += dt_s
        if self._elapsed_s >= STEP_S:
            answer = self._child.ask(
                {
                    "heat_w": [heat_j / self._elapsed_s for heat_j in self._heat_j],
                    "draw_lpm": self._drawn_l / self._elapsed_s * 60,
                }
            )
            self.layers_c = answer["layers_c"]
            self._heat_j = [0.0] * len(self.layers_c)
            self._drawn_l = self._elapsed_s = 0.0
        return 0.0


@contextmanager
def tank_of(parameters: TankParameters, days: int) -> Iterator[OchreTank]:
    """Run OCHRE. Raises MissingPackagesError and ChildError."""
    python = environment("ochre", PACKAGES, python=PYTHON, from_source=FROM_SOURCE)
    with started([str(python), str(WORKER)]) as child:
        yield OchreTank(parameters, child, days)
