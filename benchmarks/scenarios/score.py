"""What a fortnight has cost, in money and in comfort."""

from dataclasses import dataclass
from datetime import timedelta

from .heater import EFFICIENCY
from .plant import Plant

KH_PRICE, LITRE_PRICE, START_PRICE, CHANGE_PRICE = 1.0, 0.05, 0.02, 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One controller in one scenario."""

    net_cost: float
    """Electricity minus income, corrected for the heat that is left."""
    cold_kh: float
    warm_kh: float
    short_l: float
    drawn_l: float
    coldest_tap_c: float
    useful_kwh: float
    block_kwh: float
    backup_kwh: float
    dumped_kwh: float
    left_kwh: float
    starts: int
    changes: int
    trips: int
    hottest_coolant_c: float
    days: float
    control_s: float

    @property
    def discomfort(self) -> float:
        """What people suffered, in money."""
        return KH_PRICE * (self.cold_kh + self.warm_kh) + LITRE_PRICE * self.short_l

    @property
    def score(self) -> float:
        """J: money and whatever else hurts."""
        return (
            self.net_cost
            + self.discomfort
            + START_PRICE * self.starts
            + CHANGE_PRICE * self.changes
        )

    def details(self) -> dict[str, float]:
        """Return all of it for a row."""
        return {
            "J": self.score,
            "K·h cold": self.cold_kh,
            "K·h warm": self.warm_kh,
            "L short": self.short_l,
            "L drawn": self.drawn_l,
            "coldest tap °C": self.coldest_tap_c,
            "useful kWh": self.useful_kwh,
            "booked kWh": self.block_kwh,
            "backup kWh": self.backup_kwh,
            "dumped kWh": self.dumped_kwh,
            "left kWh": self.left_kwh,
            "starts": self.starts,
            "level changes a day": self.changes / self.days,
            "trips": self.trips,
            "hottest coolant °C": self.hottest_coolant_c,
            "control s": self.control_s,
        }


def result_of(plant: Plant, length: timedelta, *, control_s: float) -> Result:
    """Close the books of a plant."""
    account, heater = plant.account, plant.heater
    left_kwh = plant.stored_change_kwh
    mean_price = account.price_sum / account.steps
    cost = account.electricity_cost - account.income
    return Result(
        net_cost=cost - left_kwh * mean_price / EFFICIENCY,
        cold_kh=account.cold_kh,
        warm_kh=account.warm_kh,
        short_l=account.short_l,
        drawn_l=account.drawn_l,
        coldest_tap_c=account.coldest_tap_c,
        useful_kwh=account.useful_kwh,
        block_kwh=account.block_kwh,
        backup_kwh=account.backup_kwh,
        dumped_kwh=account.dumped_kwh,
        left_kwh=left_kwh,
        starts=heater.starts,
        changes=heater.changes,
        trips=heater.trips,
        hottest_coolant_c=account.hottest_coolant_c,
        days=length / timedelta(days=1),
        control_s=control_s,
    )
