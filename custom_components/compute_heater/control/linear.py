"""Linear programs with whole numbers, solved by HiGHS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .plan_errors import SolverError, SolverMissingError

if TYPE_CHECKING:
    import highspy

INFINITY = float("inf")

type Terms = Sequence[tuple[int, float]]
"""Columns and their factors; a column may be named more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What HiGHS has found."""

    values: list[float] | None
    """Of each column; None if it found nothing in time."""
    bound: float
    """No solution has a lower objective."""
    status: str


@dataclass(slots=True)
class LinearModel:
    """Minimise a linear objective over columns within bounds and rows."""

    cost: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integers: list[int] = field(default_factory=list)
    """Columns that must be whole numbers."""
    offset: float = 0.0
    _row_lower: list[float] = field(default_factory=list)
    _row_upper: list[float] = field(default_factory=list)
    _row_starts: list[int] = field(default_factory=lambda: [0])
    _row_columns: list[int] = field(default_factory=list)
    _row_factors: list[float] = field(default_factory=list)

    def column(
        self,
        *,
        cost: float = 0.0,
        lower: float = 0.0,
        upper: float = INFINITY,
        integer: bool = False,
    ) -> int:
        """Add a column and return its index."""
        index = len(self.cost)
        self.cost.append(cost)
        self.lower.append(lower)
        self.upper.append(upper)
        if integer:
            self.integers.append(index)
        return index

    def row(
        self, terms: Terms, *, lower: float = -INFINITY, upper: float = INFINITY
    ) -> None:
        """Keep the sum of ``terms`` within bounds."""
        merged: dict[int, float] = {}
        for column, factor in terms:
            merged[column] = merged.get(column, 0.0) + factor
        self._row_columns += merged.keys()
        self._row_factors += merged.values()
        self._row_starts.append(len(self._row_columns))
        self._row_lower.append(lower)
        self._row_upper.append(upper)

    def load(self) -> Solver:
        """Hand the model over to HiGHS.

        Raises ``SolverMissingError`` where it cannot be imported.
        """
        try:
            import highspy
            import numpy as np
        except ImportError as error:
            raise SolverMissingError(str(error)) from error
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.setOptionValue("output_flag", False)
        # HiGHS makes its threads once per process: whoever asks for others later fails.
        highs.setOptionValue("threads", 1)
        # They find nothing in these models and take half of the time.
        highs.setOptionValue("mip_heuristic_run_feasibility_jump", False)
        highs.setOptionValue("mip_heuristic_run_root_reduced_cost", False)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self._row_lower)
        lp.offset_ = self.offset
        lp.col_cost_ = np.array(self.cost)
        lp.col_lower_, lp.col_upper_ = np.array(self.lower), np.array(self.upper)
        lp.row_lower_ = np.array(self._row_lower)
        lp.row_upper_ = np.array(self._row_upper)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(self._row_starts, dtype=np.int32)
        lp.a_matrix_.index_ = np.array(self._row_columns, dtype=np.int32)
        lp.a_matrix_.value_ = np.array(self._row_factors)
        if highs.passModel(lp) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refuses the model")
        return Solver(self, highs)


class Solver:
    """A model within HiGHS; used by one thread at a time."""

    def __init__(self, model: LinearModel, highs: highspy.Highs) -> None:
        """Solve ``model``, which ``highs`` holds already."""
        self._model = model
        self._highs = highs

    def relaxed(
        self, time_limit_s: float, fixed: Mapping[int, float] | None = None
    ) -> Solution:
        """Solve without whole numbers, some columns being ``fixed``."""
        model = self._model
        columns = list(fixed or ())
        values = [fixed[column] for column in columns] if fixed else []
        self._bounds(columns, values, values)
        try:
            return self._run(time_limit_s)
        finally:
            self._bounds(
                columns,
                [model.lower[column] for column in columns],
                [model.upper[column] for column in columns],
            )

    def whole(
        self,
        time_limit_s: float,
        *,
        gap: float,
        start: Mapping[int, float],
    ) -> Solution:
        """Solve with whole numbers, up to an absolute ``gap``.

        ``start`` are the columns of a solution to begin with.
        """
        import highspy
        import numpy as np

        columns = np.array(self._model.integers, dtype=np.int32)
        kinds = np.full(
            len(columns), int(highspy.HighsVarType.kInteger), dtype=np.uint8
        )
        self._highs.changeColsIntegrality(len(columns), columns, kinds)
        self._highs.setOptionValue("mip_rel_gap", 0.0)
        self._highs.setOptionValue("mip_abs_gap", gap)
        self._highs.setSolution(
            len(start),
            np.array(list(start), dtype=np.int32),
            np.array(list(start.values())),
        )
        return self._run(time_limit_s)

    def _bounds(
        self, columns: Sequence[int], lower: Sequence[float], upper: Sequence[float]
    ) -> None:
        import numpy as np

        if columns:
            self._highs.changeColsBounds(
                len(columns),
                np.array(columns, dtype=np.int32),
                np.array(lower),
                np.array(upper),
            )

    def _run(self, time_limit_s: float) -> Solution:
        import highspy

        highs = self._highs
        # HiGHS counts from the first run on.
        highs.setOptionValue("time_limit", highs.getRunTime() + max(time_limit_s, 0.1))
        if highs.run() == highspy.HighsStatus.kError:
            raise SolverError("HiGHS has failed")
        status = highs.getModelStatus()
        info = highs.getInfo()
        feasible = int(highspy.SolutionStatus.kSolutionStatusFeasible)
        return Solution(
            values=list(highs.getSolution().col_value)
            if info.primal_solution_status == feasible
            else None,
            bound=info.mip_dual_bound
            if info.mip_node_count >= 0
            else (
                info.objective_function_value
                if status == highspy.HighsModelStatus.kOptimal
                else -INFINITY
            ),
            status=status.name,
        )
