"""Have plans made beside the event loop, and say so when that does not work."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant, callback
from homeassistant.requirements import RequirementsNotFound, async_process_requirements

from .const import DOMAIN, LOGGER
from .control.optimiser import Optimiser
from .control.plan import Plan, PlanProblem
from .control.planner import SolverMissingError, solve
from .control.rule_planner import plan_by_rules
from .issues import async_tell_planner, async_tell_solver

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

SOLVER = "highspy>=1.15,<2"
# Not in the manifest: where it cannot be installed everything else has to work.
_TIME_LIMIT_S = 5.0
# Besides solving, a small machine needs time to load the solver and build the problem.
_PATIENCE_S = 60.0


class Planning:
    """Makes the plans of one site, one at a time."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        optimiser: Optimiser,
        on_plan: Callable[[], None],
    ) -> None:
        """Plan for ``optimiser``; ``on_plan`` is called with each new plan in place."""
        self._hass = hass
        self._entry = entry
        self._optimiser = optimiser
        self._on_plan = on_plan
        self._has_solver: bool | None = None
        self._task: asyncio.Task[None] | None = None

    @callback
    def look(self) -> None:
        """Begin to plan if there is something to plan and nothing under way."""
        if self._optimiser.problem is None or self._task is not None:
            return
        self._task = self._hass.async_create_background_task(
            self._async_plan(self._optimiser.problem), "compute_heater plan"
        )
        self._task.add_done_callback(self._done)

    @callback
    def stop(self) -> None:
        """Plan no more; what an executor works on ends by itself and is dropped."""
        if self._task is not None:
            self._task.cancel()

    @callback
    def _done(self, _task: asyncio.Task[None]) -> None:
        self._task = None

    async def _async_plan(self, problem: PlanProblem) -> None:
        plan: Plan | None = None
        try:
            if self._has_solver is None:
                self._has_solver = await self._async_get_solver()
            async with asyncio.timeout(_PATIENCE_S):
                plan = await self._hass.async_add_executor_job(
                    self._make, problem, self._optimiser.plan
                )
        except TimeoutError:
            LOGGER.warning("Planning took too long; the heat demand is followed")
        except Exception:  # noqa: BLE001
            # Whatever is wrong with a plan, the house has to stay warm without one.
            LOGGER.exception("Planning failed; the heat demand is followed")
        if self._has_solver is not None:
            async_tell_solver(self._hass, self._entry, missing=not self._has_solver)
        async_tell_planner(self._hass, self._entry, failed=plan is None)
        self._optimiser.adopt(plan, problem)
        self._on_plan()

    def _make(self, problem: PlanProblem, running: Plan | None) -> Plan:
        """Make a plan; runs in an executor."""
        if self._has_solver:
            try:
                return solve(problem, incumbent=running, time_limit_s=_TIME_LIMIT_S)
            except SolverMissingError:
                self._has_solver = False
        return plan_by_rules(problem)

    async def _async_get_solver(self) -> bool:
        try:
            await async_process_requirements(
                self._hass, DOMAIN, [SOLVER], is_built_in=False
            )
        except RequirementsNotFound as err:
            LOGGER.warning("The solver could not be installed: %s", err)
            return False
        return True
