"""Follow a plan: which consumer gets the planned heat at this moment."""

from collections.abc import Collection, Mapping
from datetime import datetime

from .clock import Clock
from .plan import Plan, PlanStep

SWITCH_KWH = 2.0
"""A valve only turns to another consumer that is owed more than this."""
CARRIED_KWH = 4.0
"""The most that is owed: each new plan knows what was missed."""
TURN_S = 1800.0
"""Nobody is cut off before, unless it has got what it was owed."""
LONGEST_S = 900.0
"""What was not delivered within a longer gap is not owed."""


class PlanTracker:
    """Turns planned energies into the heat each consumer shall have now, in W.

    Within a step one consumer may be served after the other, where the water can only
    flow to one of them; what each is owed decides whose turn it is.
    """

    def __init__(self) -> None:
        self._owed_kwh: dict[str, float] = {}
        self._served: str | None = None
        self._served_s = 0.0
        self._clock = Clock()

    def wanted_w(
        self,
        plan: Plan,
        now: datetime,
        now_s: float,
        *,
        accepting: Collection[str],
        exclusive: Collection[str],
        delivered_w: Mapping[str, float],
    ) -> dict[str, float] | None:
        """Return the heat in W for each consumer; None outside the plan.

        Only one of the ``exclusive`` consumers gets heat at a time. ``delivered_w`` is
        what each gets now.
        """
        elapsed_s = self._clock.elapsed_s(now_s)
        self._served_s += elapsed_s
        step = plan.step_at(now)
        if step is None:
            return None
        if elapsed_s <= LONGEST_S:
            self._account(step, delivered_w, elapsed_s / 3600)
        wanted = {
            sink: watts
            for sink, watts in step.heat_w.items()
            if watts > 0 and sink in accepting
        }
        shared_w = sum(step.heat_w.get(sink, 0.0) for sink in exclusive)
        rivals = [sink for sink in wanted if sink in exclusive]
        if not rivals and shared_w > 0:
            # Rather than stop and start: another one that can store it.
            rivals = [sink for sink in exclusive if sink in accepting]
        if len(rivals) < 2:
            self._served = next(iter(rivals), None)
            # It also gets what the others do not take now: a level is kept.
            return wanted | dict.fromkeys(rivals, shared_w)
        owed = self._owed_kwh
        if self._served not in rivals:
            self._served = max(rivals, key=lambda sink: owed.get(sink, 0.0))
        served = self._served
        assert served is not None
        other = max(
            (sink for sink in rivals if sink != served),
            key=lambda sink: owed.get(sink, 0.0),
        )
        waits_kwh = owed.get(other, 0.0)
        if waits_kwh > SWITCH_KWH and (
            owed.get(served, 0.0) <= 0
            # Who takes less than planned shall not keep others waiting.
            or (waits_kwh >= 2 * SWITCH_KWH and self._served_s >= TURN_S)
        ):
            self._served, self._served_s = other, 0.0
            served = other
        for sink in rivals:
            wanted[sink] = shared_w if sink == served else 0.0
        return wanted

    def _account(
        self, step: PlanStep, delivered_w: Mapping[str, float], hours: float
    ) -> None:
        for sink, watts in step.heat_w.items():
            missing_w = watts - delivered_w.get(sink, 0.0)
            owed = self._owed_kwh.get(sink, 0.0) + missing_w * hours / 1000
            self._owed_kwh[sink] = min(max(owed, -CARRIED_KWH), CARRIED_KWH)
