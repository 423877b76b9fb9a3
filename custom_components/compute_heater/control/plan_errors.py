"""What may go wrong in making a plan."""


class PlannerError(Exception):
    """There is no plan."""


class SolverMissingError(PlannerError):
    """HiGHS is not installed, or does not run on this machine."""


class SolverError(PlannerError):
    """HiGHS has found no solution."""
