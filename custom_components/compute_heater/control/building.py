"""What the building's controller asks for, of the plant and of single heaters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..heaters.model import PowerState
from .demand import SinkController
from .ladder import HeaterSettings
from .reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingRequest:
    """What the building's controller asks of one heater: a power, else a state.

    With neither it asks for nothing and the climate mode decides. ``off`` is standby:
    like climate ``off`` it must not shut machines down.
    """

    state: PowerState | None = None
    power_w: float | None = None
    allowed: bool = True
    """False: at most standby, whoever wants heat."""
    supply_c: float | None = None
    """Set point of the supply, in place of the one that people chose."""
    reason: Reason = Reason.BUILDING_DEMAND

    def asked_w(self, settings: HeaterSettings) -> float | None:
        """Return the electrical power that is asked for; None: none is."""
        if self.power_w is not None:
            return self.power_w
        return None if self.state is None else settings.nominal_w(self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRequest:
    """What the building's controller asks of the plant."""

    heat_w: float | None = None
    """Heat of all heaters together that are not asked themselves; None: not asked for."""
    heaters: Mapping[str, BuildingRequest] = field(default_factory=dict)
    reason: Reason = Reason.BUILDING_DEMAND
    """Why ``heat_w`` is what it is."""


def takers(heat_w: float, sinks: Mapping[str, SinkController]) -> dict[str, float]:
    """Return who takes the heat that the building asks for, and how much at most.

    Those who want heat come first; the others only take what those cannot.
    """
    if heat_w <= 0:
        return dict.fromkeys(sinks, 0.0)
    accepting = {key: sink for key, sink in sinks.items() if sink.demand.accepts}
    wanting = {key: sink for key, sink in accepting.items() if sink.demand.wanted}
    if sum(sink.settings.max_heat_w for sink in wanting.values()) < heat_w:
        wanting = accepting
    return {
        key: min(heat_w, sink.settings.max_heat_w) if key in wanting else 0.0
        for key, sink in sinks.items()
    }


class BuildingRequests:
    """All that is asked for by bridges and gateways, brought together."""

    def __init__(self) -> None:
        """Begin with nobody who asks for anything."""
        self._sources: dict[str, tuple[int, SiteRequest]] = {}

    def put(self, source: str, request: SiteRequest | None, *, rank: int) -> bool:
        """Note what a source asks for, None = nothing any more; tell whether it is new.

        Of several sources the one with the lowest rank is heard, and of equal ones the
        one that asks for most. Any of them may lock a heater.
        """
        before = self._sources.pop(source, None)
        after = None if request is None else (rank, request)
        if after is not None:
            self._sources[source] = after
        return before != after

    def merged(self, heaters: Mapping[str, HeaterSettings]) -> SiteRequest:
        """Return what is asked for in all, of ``heaters`` by their ids."""
        by_rank: dict[int, list[SiteRequest]] = {}
        for rank, request in self._sources.values():
            by_rank.setdefault(rank, []).append(request)
        ranks = [by_rank[rank] for rank in sorted(by_rank)]
        heat = next((most for rank in ranks if (most := _most_heat(rank))), None)
        return SiteRequest(
            heat_w=None if heat is None else heat.heat_w,
            reason=Reason.BUILDING_DEMAND if heat is None else heat.reason,
            heaters={
                key: heard
                for key, settings in heaters.items()
                if (heard := _heard(key, settings, ranks)) is not None
            },
        )


def _heard(
    heater_id: str, settings: HeaterSettings, ranks: list[list[SiteRequest]]
) -> BuildingRequest | None:
    """Return what is asked of one heater by the sources, in order of their ranks."""
    found: BuildingRequest | None = None
    allowed, supply_c = True, None
    for rank in ranks:
        requests = [
            each.heaters[heater_id] for each in rank if heater_id in each.heaters
        ]
        asking = {
            asked_w: request
            for request in requests
            if (asked_w := request.asked_w(settings)) is not None
        }
        if found is None and asking:
            found = asking[max(asking)]
        if supply_c is None:
            supply_c = _most(request.supply_c for request in requests)
        allowed = allowed and all(request.allowed for request in requests)
    if found is None and allowed and supply_c is None:
        return None
    return replace(found or BuildingRequest(), allowed=allowed, supply_c=supply_c)


def _most_heat(requests: Iterable[SiteRequest]) -> SiteRequest | None:
    asking = [each for each in requests if each.heat_w is not None]
    return max(asking, key=lambda each: each.heat_w or 0.0, default=None)


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
