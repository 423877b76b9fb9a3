"""What is learned of a site, and the problem that a planner makes of it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import inf

from ..heaters.model import Reading
from .clock import entries
from .comfort import USABLE_K
from .demand import SinkController, SinkKind, SinkReading
from .description import SinkDescription, SiteDescription
from .forecast import FilledForecasts, ForecastMemory, SiteForecasts
from .heater_control import HeaterController
from .horizon import Money, Steps, coolant_max_c, plan_backup, plan_heater, plan_problem
from .learning import FloorLearner, HeaterLearner, TankLearner
from .plan import Block, PlanFloor, PlanHeater, PlanProblem, PlanSink, PlanTank
from .quarter import known
from .reserve import TankView, minimum_means_c
from .stratified import StratifiedTank
from .sun import Place
from .thermal import FloorModel, HeaterModel, TankModel

USUAL_TANK_L = 200.0
ROOM_BACK_OFF_K = 0.15
"""A model is not as good as to aim at the minimum itself."""
RESERVE_HOURS = 3.0
RESERVE_QUANTILE = 0.95
STILL_FALL_K_PER_H = 0.05
"""The top of a resting tank also falls by mixing with what is below."""
TANK_DISCOMFORT, FLOOR_DISCOMFORT = 5.0, 3.0
"""Price of a K·h below the minimum."""
LOAD_W_PER_M2 = 60.0
"""For the size of a house of which nothing is known but the heat that its floor takes."""

type ModeHours = Callable[[str], float | None]


class _Tank:
    """A tank: its layers, its parameters, its draw-offs."""

    def __init__(self, sink: SinkDescription, site: SiteDescription) -> None:
        prior = TankModel.of_volume(USUAL_TANK_L)
        if (capacity := sink.settings.capacity_kwh_per_k) is not None:
            prior = TankModel.of_volume(
                capacity / prior.capacity_kwh_per_k * USUAL_TANK_L
            )
        draw = 1.85 * site.persons if sink.settings.kind is SinkKind.DHW else 0.0
        self.learner = TankLearner(prior, site.time_zone, draw_kwh_per_day=draw)
        self.layers = StratifiedTank(
            prior.capacity_kwh_per_k, prior.loss_kw_per_k, prior.ambient_c
        )
        self.top_c: float | None = None
        self.in_layers = False
        """Two sensors show more than one temperature."""

    @property
    def temperature_c(self) -> float | None:
        """Mean."""
        return None if self.top_c is None else self.layers.mean_c

    def observe(
        self,
        now: datetime,
        time_s: float,
        reading: SinkReading,
        heat_w: float | None,
        known_heat_w: float,
    ) -> None:
        self.top_c, second_c = known(reading.temperature_c), known(reading.second_c)
        self.in_layers = self.top_c is not None and second_c is not None
        if self.top_c is None:
            self.learner.observe(now, None, None)
            return
        model = self.learner.model
        self.layers.capacity_kwh_per_k = model.capacity_kwh_per_k
        self.layers.loss_kw_per_k = model.loss_kw_per_k
        self.layers.observe(
            time_s,
            self.top_c,
            second_c,
            (known_heat_w if heat_w is None else heat_w) / 1000,
            self.learner.draws.expected(now, 0.25) / 0.25,
        )
        self.learner.observe(
            now, self.layers.mean_c, None if heat_w is None else heat_w / 1000
        )

    def plan(
        self, sink: SinkController, steps: Steps, forecasts: SiteForecasts, sink_id: str
    ) -> PlanTank | None:
        """Return it as the planner sees it; None while its temperature is unknown."""
        mean_c, comfort_c = self.temperature_c, sink.comfort_min_c
        settings, model = sink.settings, self.learner.model
        if mean_c is None or self.top_c is None or comfort_c is None:
            return None
        draws, ahead = self.learner.draws, forecasts.draw_kw.get(sink_id)
        draw: list[float] = []
        reserve: list[float] = []
        for (begin, end), hours in zip(steps.bounds(), steps.hours, strict=True):
            known_kw = None if ahead is None else ahead.mean(begin, end)
            if known_kw is not None:
                draw.append(known_kw * hours)
                reserve.append(0.0)
                continue
            draw.append(draws.expected(begin, hours))
            likely = draws.expected(end, RESERVE_HOURS)
            most = draws.quantile(end, RESERVE_HOURS, RESERVE_QUANTILE)
            # A plan shall not itself call for help.
            least = (USABLE_K + 1.0) * model.capacity_kwh_per_k
            reserve.append(max(most - likely, least if self.in_layers else 0.0))
        fall = model.loss_kw_per_k * (mean_c - model.ambient_c)
        minimum = minimum_means_c(
            TankView(
                top_c=self.top_c,
                mean_c=mean_c,
                capacity_kwh_per_k=model.capacity_kwh_per_k,
                fall_k_per_h=max(fall, 0.0) / model.capacity_kwh_per_k
                + STILL_FALL_K_PER_H,
                follows_top=self.layers.follows_top,
                usable_kwh=self.layers.usable_kwh,
            ),
            comfort_c,
            steps.hours,
            reserve,
        )
        maximum = sink.store_max_c
        return PlanTank(
            sink_id=sink_id,
            temperature_c=mean_c,
            capacity_kwh_per_k=model.capacity_kwh_per_k,
            loss_kw_per_k=model.loss_kw_per_k,
            ambient_c=model.ambient_c,
            max_heat_kw=settings.max_heat_w / 1000,
            minimum_c=tuple(min(each, maximum - 1.0) for each in minimum),
            maximum_c=(maximum,) * len(minimum),
            draw_kwh=tuple(draw),
            discomfort_per_kh=TANK_DISCOMFORT,
        )

    @property
    def memory(self) -> dict[str, object]:
        return {"learner": self.learner.memory, "layers": self.layers.memory}

    def restore(self, memory: Mapping[str, object]) -> None:
        if isinstance(learner := memory.get("learner"), Mapping):
            self.learner.restore(learner)
        if isinstance(layers := memory.get("layers"), Mapping):
            self.layers.restore(layers)


class _Floor:
    """A floor heating: slab, room and building."""

    def __init__(self, sink: SinkDescription) -> None:
        load_w = sink.settings.max_heat_w
        self.learner = FloorLearner(
            sink.floor
            or FloorModel.of_area(load_w / LOAD_W_PER_M2, heat_load_kw=load_w / 1000)
        )
        self.room_c: float | None = None

    @property
    def temperature_c(self) -> float | None:
        """Of the room."""
        return self.room_c

    def observe(
        self,
        now: datetime,
        reading: SinkReading,
        heat_w: float | None,
        outdoor_c: float | None,
        sun_w_m2: float | None,
    ) -> None:
        self.room_c = known(reading.temperature_c)
        self.learner.observe(
            now,
            room_c=self.room_c,
            heat_kw=None if heat_w is None else heat_w / 1000,
            outdoor_c=outdoor_c,
            sun_w_m2=sun_w_m2,
        )

    def plan(
        self,
        sink: SinkController,
        steps: Steps,
        filled: FilledForecasts,
        sink_id: str,
    ) -> PlanFloor | None:
        """Return it as the planner sees it; None while its temperature is unknown."""
        learner, settings, model = self.learner, sink.settings, self.learner.model
        slab_c, comfort_c = learner.slab_c, sink.comfort_min_c
        if self.room_c is None or slab_c is None or comfort_c is None:
            return None
        maximum = sink.store_max_c
        gain: list[float] = []
        ahead_h = 0.0
        for hours, sun in zip(steps.hours, filled.sun_w_m2, strict=True):
            ahead_h += hours
            gain.append(learner.gain_kw(sun, ahead_h))
        minimum = min(comfort_c + ROOM_BACK_OFF_K, maximum - 0.2)
        return PlanFloor(
            sink_id=sink_id,
            room_c=self.room_c,
            slab_c=slab_c,
            room_kwh_per_k=model.room_kwh_per_k,
            slab_kwh_per_k=model.slab_kwh_per_k,
            slab_room_kw_per_k=model.slab_room_kw_per_k,
            envelope_kw_per_k=model.envelope_kw_per_k,
            max_heat_kw=settings.max_heat_w / 1000,
            outdoor_c=filled.outdoor_c,
            gain_kw=tuple(gain),
            minimum_c=(minimum,) * len(steps.hours),
            maximum_c=(maximum,) * len(steps.hours),
            discomfort_per_kh=FLOOR_DISCOMFORT,
        )

    @property
    def memory(self) -> dict[str, object]:
        return self.learner.memory

    def restore(self, memory: Mapping[str, object]) -> None:
        self.learner.restore(memory)


class SiteModels:
    """Learns how the parts of a site behave; knows what a plan has to know."""

    def __init__(self, description: SiteDescription) -> None:
        """Begin with what the owner knows."""
        self._description = description
        place = None
        if description.latitude is not None and description.longitude is not None:
            place = Place(description.latitude, description.longitude)
        self.forecasts = ForecastMemory(place)
        self.tanks = {
            sink.sink_id: _Tank(sink, description)
            for sink in description.sinks
            if sink.settings.kind is not SinkKind.FLOOR
        }
        self.floors = {
            sink.sink_id: _Floor(sink)
            for sink in description.sinks
            if sink.settings.kind is SinkKind.FLOOR
        }
        self.heaters = {
            heater.settings.heater_id: HeaterLearner(
                HeaterModel(efficiency=heater.settings.efficiency)
            )
            for heater in description.heaters
        }
        self.exchangers = {
            (heater.settings.heater_id, sink.sink_id): HeaterLearner(
                HeaterModel(efficiency=heater.settings.efficiency)
            )
            for heater in description.heaters
            for sink in description.sinks
        }
        """What the way to each sink does to the coolant: a coil resists more than a floor."""

    @property
    def temperatures_c(self) -> dict[str, float]:
        """Mean of each tank, room of each floor; without what is unknown."""
        parts: dict[str, _Tank | _Floor] = {**self.tanks, **self.floors}
        return {
            sink_id: temperature
            for sink_id, part in parts.items()
            if (temperature := part.temperature_c) is not None
        }

    def observe(
        self,
        now: datetime,
        time_s: float,
        sinks: Mapping[str, SinkReading],
        *,
        heaters: Mapping[str, Reading | None],
        delivered_w: Mapping[str, float | None],
        backup_w: Mapping[str, float | None],
        outdoor_c: float | None,
        sun_w_m2: float | None,
    ) -> None:
        """See what happens; ``delivered_w`` and ``backup_w`` are heat to the sinks."""

        def heat_w(sink_id: str) -> float | None:
            own, other = delivered_w.get(sink_id), backup_w.get(sink_id, 0.0)
            return None if own is None or other is None else own + other

        unread = SinkReading(temperature_c=None)
        for sink_id, tank in self.tanks.items():
            tank.observe(
                now,
                time_s,
                sinks.get(sink_id, unread),
                heat_w(sink_id),
                delivered_w.get(sink_id) or 0.0,
            )
        for sink_id, floor in self.floors.items():
            floor.observe(
                now,
                sinks.get(sink_id, unread),
                heat_w(sink_id),
                outdoor_c,
                sun_w_m2,
            )
        served = [key for key, watts in delivered_w.items() if watts]
        sink_c = self._exchange_c(served[0]) if len(served) == 1 else None
        for heater_id, reading in heaters.items():
            if reading is not None:
                self.heaters[heater_id].observe(
                    now, power_kw=_kw(reading.power_w), heat_kw=_kw(reading.heat_w)
                )
                if sink_c is not None:
                    self.exchangers[heater_id, served[0]].observe(
                        now,
                        power_kw=_kw(reading.power_w),
                        heat_kw=_kw(reading.heat_w),
                        coolant_c=reading.coolant_c,
                        sink_c=sink_c,
                    )

    def _exchange_c(self, sink_id: str) -> float | None:
        """Temperature that the water comes back with: of the tank, or of the slab."""
        if (tank := self.tanks.get(sink_id)) is not None:
            return tank.temperature_c
        return self.floors[sink_id].learner.slab_c

    def top_c(self, sink_id: str) -> float | None:
        """Return the temperature at the top of a tank; None of floors, or if unknown."""
        tank = self.tanks.get(sink_id)
        return None if tank is None else tank.top_c

    def usable_k(self, sink_id: str, needed_c: float | None) -> float | None:
        """Return the heat that a tank in layers gives at ``needed_c``, per its capacity.

        None where its layers are not seen.
        """
        tank = self.tanks.get(sink_id)
        if tank is None or needed_c is None or not tank.in_layers:
            return None
        return tank.layers.usable_kwh(needed_c) / tank.layers.capacity_kwh_per_k

    def max_heat_w(
        self, sink_id: str, heaters: Mapping[str, HeaterController]
    ) -> float:
        """Return the heat that a sink takes while the coolant keeps to its limit."""
        sink_c = self._exchange_c(sink_id)
        total_w = 0.0
        for heater_id, heater in heaters.items():
            limit_kw = None
            if sink_c is not None:
                model = self.exchangers[heater_id, sink_id].model
                limit_kw = model.max_heat_kw(coolant_max_c(heater), sink_c)
            if limit_kw is None:
                return inf
            total_w += limit_kw * 1000
        return total_w

    def problem(
        self,
        now: datetime,
        heaters: Mapping[str, HeaterController],
        sinks: Mapping[str, SinkController],
        forecasts: SiteForecasts,
        blocks: Mapping[str, Iterable[Block]],
        mode_h: ModeHours,
    ) -> PlanProblem | None:
        """Return what is to be planned; None where no heater or no sink can be."""
        description = self._description
        steps = Steps.after(now)
        filled = self.forecasts.filled(
            forecasts,
            steps.bounds(),
            price=description.usual_price,
            feed_in=description.usual_feed_in,
        )
        planned: list[PlanSink] = []
        for sink_id, sink in sinks.items():
            if not sink.enabled:
                continue
            part: PlanSink | None
            if (tank := self.tanks.get(sink_id)) is not None:
                part = tank.plan(sink, steps, forecasts, sink_id)
            else:
                part = self.floors[sink_id].plan(sink, steps, filled, sink_id)
            if part is not None:
                planned.append(part)
        working = [
            each
            for heater_id, heater in heaters.items()
            if (
                each := self._plan_heater(
                    heater,
                    steps,
                    forecasts,
                    blocks.get(heater_id, ()),
                    mode_h(heater_id),
                )
            )
            is not None
        ]
        if not planned or not working:
            return None
        fed = {part.sink_id for part in planned}
        return plan_problem(
            description,
            steps,
            heaters=working,
            sinks=planned,
            backups=(
                plan_backup(backup, filled.outdoor_c, fed)
                for backup in description.backups
            ),
            money=Money(
                price=filled.price,
                feed_in=filled.feed_in,
                surplus_kw=filled.surplus_kw,
                grid_limit_kw=filled.grid_limit_kw,
            ),
        )

    def _plan_heater(
        self,
        heater: HeaterController,
        steps: Steps,
        forecasts: SiteForecasts,
        blocks: Iterable[Block],
        in_mode_h: float | None,
    ) -> PlanHeater | None:
        usual = heater.description.income_per_kwh
        income = [forecasts.income_per_kwh.mean(*bounds) for bounds in steps.bounds()]
        heater_id = heater.settings.heater_id
        ways = [
            learner.model.exchanger_kw_per_k
            for (key, _), learner in self.exchangers.items()
            if key == heater_id
        ]
        return plan_heater(
            heater,
            efficiency=self.heaters[heater_id].model.efficiency,
            # The narrowest way counts: hot sinks are those behind a coil.
            exchanger_kw_per_k=min(
                (each for each in ways if each is not None), default=None
            ),
            income=[usual if each is None else each for each in income],
            blocks=blocks,
            in_mode_h=in_mode_h,
        )

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "forecasts": self.forecasts.memory,
            "tanks": {key: tank.memory for key, tank in self.tanks.items()},
            "floors": {key: floor.memory for key, floor in self.floors.items()},
            "heaters": {key: heater.memory for key, heater in self.heaters.items()},
            "exchangers": {
                f"{heater_id} {sink_id}": learner.memory
                for (heater_id, sink_id), learner in self.exchangers.items()
            },
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; what is broken or unknown is left out."""
        if isinstance(forecasts := memory.get("forecasts"), Mapping):
            self.forecasts.restore(forecasts)
        parts: tuple[tuple[str, Mapping[str, _Tank | _Floor | HeaterLearner]], ...] = (
            ("tanks", self.tanks),
            ("floors", self.floors),
            ("heaters", self.heaters),
            (
                "exchangers",
                {" ".join(key): learner for key, learner in self.exchangers.items()},
            ),
        )
        for name, ours in parts:
            for key, stored in entries(memory.get(name)):
                if (part := ours.get(key)) is not None:
                    part.restore(stored)


def _kw(watts: float | None) -> float | None:
    return None if watts is None else watts / 1000
