"""What a house is made of, and the two houses that come with the simulator."""

from dataclasses import dataclass

from .draw_off import FAMILY, Habit
from .floor import FloorParameters
from .heat_pump import HeatPumpParameters
from .hydraulics import LoopParameters
from .tank import TankParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseParameters:
    """All parts of a house."""

    tank: TankParameters
    floor: FloorParameters
    heat_pump: HeatPumpParameters
    loop: LoopParameters
    pv_peak_kw: float
    heater_w: float
    """Electrical power of the compute heater that fits."""
    habits: tuple[Habit, ...] = ()


DEMO = HouseParameters(
    tank=TankParameters(
        litres=30,
        layers=4,
        start_c=47.2,
        loss_w_per_k=0.2,
        # So small a tank is stirred by every draw-off.
        mixing_w_per_k=2000,
        coil_w_per_k=900,
    ),
    floor=FloorParameters(
        buffer_l=10,
        buffer_loss_w_per_k=0.1,
        circuit_lpm=8,
        pipe_w_per_k=500,
        screed_j_per_k=2.5e6,
        screed_w_per_k=150,
        room_j_per_k=3e6,
        envelope_w_per_k=20,
        window_m2=0.5,
        internal_w=60,
        open_window_w_per_k=60,
        room_start_c=21.4,
        screed_start_c=22.5,
    ),
    heat_pump=HeatPumpParameters(
        thermal_w=2500,
        dhw_setpoint_c=43,
        flow_lpm=8,
        min_run_s=30,
        min_pause_s=30,
    ),
    loop=LoopParameters(valve_travel_s=3),
    pv_peak_kw=5,
    heater_w=3000,
)
"""Small, so that minutes show something. Nobody lives there: water is drawn by the tap."""

HOUSE = HouseParameters(
    tank=TankParameters(
        litres=300,
        layers=6,
        start_c=48,
        loss_w_per_k=2.2,
        mixing_w_per_k=3,
        coil_w_per_k=900,
    ),
    floor=FloorParameters(
        buffer_l=50,
        buffer_loss_w_per_k=1,
        circuit_lpm=20,
        pipe_w_per_k=1800,
        screed_j_per_k=20e6,
        screed_w_per_k=1000,
        room_j_per_k=30e6,
        envelope_w_per_k=140,
        window_m2=5,
        internal_w=350,
        open_window_w_per_k=300,
        room_start_c=21,
        screed_start_c=23,
    ),
    heat_pump=HeatPumpParameters(thermal_w=7000, dhw_setpoint_c=47),
    loop=LoopParameters(),
    pv_peak_kw=10,
    heater_w=3000,
    habits=FAMILY,
)
"""A family of four on 150 m²."""

PRESETS = {"demo": DEMO, "house": HOUSE}
