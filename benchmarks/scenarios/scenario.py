"""The fortnights: which house, which heater, which time of the year."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulator.floor import FloorParameters
from simulator.heat_pump import HeatPumpParameters
from simulator.hydraulics import LoopParameters
from simulator.parameters import HouseParameters
from simulator.tank import TankParameters

from .data import Year, with_negative_prices

FORTNIGHT = timedelta(days=14)

TAP_MIN_C, TANK_MAX_C = 45.0, 57.0
ROOM_MIN_C, ROOM_MAX_C = 20.0, 23.5
FEED_IN_PER_KWH = 0.08
BACKUP_W = 6000.0
FAN_SHARE = 0.03
"""Electricity of the dry cooler per heat dumped."""
MINIMUM_TIME = timedelta(minutes=30)
THROTTLE_C, TRIP_C = 60.0, 65.0

HOUSE = HouseParameters(
    tank=TankParameters(
        litres=300,
        layers=6,
        start_c=50,
        loss_w_per_k=2.2,
        mixing_w_per_k=3,
        coil_w_per_k=900,
    ),
    floor=FloorParameters(
        buffer_l=50,
        buffer_loss_w_per_k=1,
        circuit_lpm=20,
        pipe_w_per_k=1800,
        # 40 MJ/K in all.
        screed_j_per_k=14e6,
        screed_w_per_k=1000,
        room_j_per_k=26e6,
        envelope_w_per_k=150,
        window_m2=5,
        internal_w=350,
        open_window_w_per_k=300,
        room_start_c=21,
        screed_start_c=23,
    ),
    # The backup of the scenarios is electric, and stands beside the house.
    heat_pump=HeatPumpParameters(thermal_w=0, dhw_setpoint_c=0),
    loop=LoopParameters(),
    pv_peak_kw=0,
    heater_w=3000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Compute that is booked every day, by people's clock."""

    first_hour: int = 8
    last_hour: int = 20
    hours: float = 4.0
    value_per_kwh: float = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One fortnight, and the one before it in which controllers may learn."""

    name: str
    start: datetime
    levels_w: tuple[float, ...]
    """Powers at which the heater works."""
    income_per_kwh: float
    idle_w: float = 60.0
    pv_peak_kw: float = 0.0
    blocks: Blocks | None = None
    dump_w: float = 0.0
    """Heat that the dry cooler can take."""
    heats_room: bool = True
    negative_prices: bool = False
    """They are made: far below zero on sunny noons."""
    draw_factor: float = 1.0
    price_gap: tuple[datetime, datetime] | None = None
    """While the price feed is silent."""
    heater_share: float = 1.0
    """The heater gives no more than this share of its power; nobody is told."""

    owner_error: float = 1.0
    """What the owner says of sizes and losses is wrong by this factor."""

    @property
    def end(self) -> datetime:
        """When the fortnight is over."""
        return self.start + FORTNIGHT


def year_of(scenario: Scenario, year: Year) -> Year:
    """Return the year with the prices of a scenario."""
    return with_negative_prices(year) if scenario.negative_prices else year


_SMALL, _LARGE = (1000.0, 2000.0, 3000.0), (1500.0, 3000.0, 4500.0)


def _winter(start: datetime) -> Scenario:
    return Scenario(name="winter", start=start, levels_w=_LARGE, income_per_kwh=0.12)


def _spring(start: datetime) -> Scenario:
    return Scenario(
        name="spring",
        start=start,
        levels_w=_SMALL,
        income_per_kwh=0.10,
        pv_peak_kw=10,
        blocks=Blocks(),
        dump_w=3000,
    )


def _summer(start: datetime) -> Scenario:
    return Scenario(
        name="summer",
        start=start,
        levels_w=_SMALL,
        income_per_kwh=0.10,
        pv_peak_kw=10,
        blocks=Blocks(),
        dump_w=3000,
        heats_room=False,
    )


def _day(month: int, day: int) -> datetime:
    return datetime(2023, month, day, tzinfo=UTC)


REPORTED = (_winter(_day(12, 1)), _spring(_day(4, 1)), _summer(_day(7, 1)))
"""What the tables show. The learning before them lies in another month."""
TUNING = (_winter(_day(1, 20)), _spring(_day(4, 22)), _summer(_day(8, 8)))
"""Other fortnights and weathers, to try changes of the controller on."""
