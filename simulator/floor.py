"""Floor heating: buffer (low-loss header), screed, room and the outdoors."""

from dataclasses import dataclass

from .thermal import WATER_J_PER_L_K, effectiveness, exchanged_j, flow_w_per_k, lost_j

WINDOWS_OPEN_ABOVE_C = 24.5
CIRCUIT_ON_K, CIRCUIT_OFF_K = 0.6, 0.2
"""The circuit pump runs while the buffer is this much warmer than the screed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorParameters:
    """Capacities in J/K, conductances in W/K."""

    buffer_l: float
    buffer_loss_w_per_k: float
    circuit_lpm: float
    pipe_w_per_k: float
    """From the water in the pipes to the screed."""
    screed_j_per_k: float
    screed_w_per_k: float
    """From the screed to the room."""
    room_j_per_k: float
    envelope_w_per_k: float
    window_m2: float
    """Effective area through which the sun heats the room."""
    internal_w: float
    open_window_w_per_k: float
    room_start_c: float
    screed_start_c: float
    cellar_c: float = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorFlows:
    """Heat in J within one step."""

    solar_j: float
    internal_j: float
    envelope_j: float
    """Lost to the outdoors; negative when it is hotter outside."""
    buffer_loss_j: float


class Floor:
    """Temperatures of buffer, screed and room in °C."""

    def __init__(self, parameters: FloorParameters) -> None:
        self.parameters = parameters
        self.buffer_c = parameters.screed_start_c
        self.screed_c = parameters.screed_start_c
        self.room_c = parameters.room_start_c
        self.circuit_on = False
        self._buffer_j_per_k = parameters.buffer_l * WATER_J_PER_L_K
        self._circuit_w_per_k = flow_w_per_k(parameters.circuit_lpm)
        self._effectiveness = effectiveness(
            parameters.pipe_w_per_k, self._circuit_w_per_k
        )

    @property
    def supply_c(self) -> float:
        """Water into the floor; standing water has the temperature of the screed."""
        return self.buffer_c if self.circuit_on else self.screed_c

    @property
    def return_c(self) -> float:
        """Water out of the floor."""
        if not self.circuit_on:
            return self.screed_c
        return self.buffer_c - self._effectiveness * (self.buffer_c - self.screed_c)

    @property
    def stored_j(self) -> float:
        """Heat stored, against 0 °C."""
        return (
            self.buffer_c * self._buffer_j_per_k
            + self.screed_c * self.parameters.screed_j_per_k
            + self.room_c * self.parameters.room_j_per_k
        )

    def heat(self, heat_j: float) -> None:
        """Put heat into the buffer."""
        self.buffer_c += heat_j / self._buffer_j_per_k

    def step(self, dt_s: float, outdoor_c: float, irradiance_w_m2: float) -> FloorFlows:
        """Let heat flow for ``dt_s`` and return what crossed the boundary."""
        p = self.parameters
        warmer_k = self.buffer_c - self.screed_c
        self.circuit_on = warmer_k > (
            CIRCUIT_OFF_K if self.circuit_on else CIRCUIT_ON_K
        )
        if self.circuit_on:
            circuit_j = exchanged_j(
                self._effectiveness * self._circuit_w_per_k,
                (self.buffer_c, self._buffer_j_per_k),
                (self.screed_c, p.screed_j_per_k),
                dt_s,
            )
            self.buffer_c -= circuit_j / self._buffer_j_per_k
            self.screed_c += circuit_j / p.screed_j_per_k
        floor_j = exchanged_j(
            p.screed_w_per_k,
            (self.screed_c, p.screed_j_per_k),
            (self.room_c, p.room_j_per_k),
            dt_s,
        )
        self.screed_c -= floor_j / p.screed_j_per_k
        self.room_c += floor_j / p.room_j_per_k

        solar_j = p.window_m2 * irradiance_w_m2 * dt_s
        internal_j = p.internal_w * dt_s
        self.room_c += (solar_j + internal_j) / p.room_j_per_k

        envelope = p.envelope_w_per_k
        if self.room_c > max(WINDOWS_OPEN_ABOVE_C, outdoor_c):
            envelope += p.open_window_w_per_k
        envelope_j = lost_j(envelope, (self.room_c, p.room_j_per_k), outdoor_c, dt_s)
        self.room_c -= envelope_j / p.room_j_per_k
        buffer_loss_j = lost_j(
            p.buffer_loss_w_per_k,
            (self.buffer_c, self._buffer_j_per_k),
            p.cellar_c,
            dt_s,
        )
        self.buffer_c -= buffer_loss_j / self._buffer_j_per_k
        return FloorFlows(
            solar_j=solar_j,
            internal_j=internal_j,
            envelope_j=envelope_j,
            buffer_loss_j=buffer_loss_j,
        )
