"""The house's heat account: what came in, what went out, and the lack of comfort."""

from dataclasses import dataclass

from .thermal import J_PER_KWH

DHW_COMFORT_C = 40.0
DHW_HOURS = range(6, 23)
"""Hours in which hot water must be there even if nobody draws any."""
ROOM_COMFORT_K = 1.0
"""The room may be so much colder than its set point."""


@dataclass(slots=True, kw_only=True)
class Account:
    """Heat in J since the start; losses to warmer surroundings count negative."""

    compute_j: float = 0.0
    heat_pump_j: float = 0.0
    solar_j: float = 0.0
    internal_j: float = 0.0
    tank_loss_j: float = 0.0
    buffer_loss_j: float = 0.0
    envelope_j: float = 0.0
    drawn_j: float = 0.0
    drawn_l: float = 0.0
    dhw_violation_ks: float = 0.0
    room_violation_ks: float = 0.0

    @property
    def balance_j(self) -> float:
        """Heat in minus heat out: by how much the stored heat must have grown."""
        gains = self.compute_j + self.heat_pump_j + self.solar_j + self.internal_j
        losses = self.tank_loss_j + self.buffer_loss_j + self.envelope_j
        return gains - losses - self.drawn_j

    @property
    def compute_kwh(self) -> float:
        """Heat meter of the charging loop."""
        return self.compute_j / J_PER_KWH

    @property
    def drawn_kwh(self) -> float:
        """Heat drawn at the taps, against cold water."""
        return self.drawn_j / J_PER_KWH

    @property
    def comfort_violation_kh(self) -> float:
        """K·h in which tap water or room were colder than promised.

        Tap water: DHW top below 40 °C from 06:00 to 23:00 and while water is drawn.
        Room: colder than 1 K below its set point, while the house heats.
        """
        return (self.dhw_violation_ks + self.room_violation_ks) / 3600
