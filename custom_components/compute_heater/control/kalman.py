"""A small Kalman filter of plain lists: what is believed, and how firmly."""

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt

type Matrix = list[list[float]]


class Belief:
    """Mean and covariance of a few numbers."""

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        """Believe in ``mean`` within ``deviation`` (standard deviations), uncorrelated."""
        self.mean = list(mean)
        size = len(self.mean)
        self.covariance: Matrix = [
            [deviation[row] ** 2 if row == column else 0.0 for column in range(size)]
            for row in range(size)
        ]

    def deviation(self, index: int) -> float:
        """Return the standard deviation of one number."""
        return sqrt(max(self.covariance[index][index], 0.0))

    def predict(
        self, mean: Sequence[float], jacobian: Matrix, noise: Sequence[float]
    ) -> None:
        """Go on to a new mean; ``noise`` are the variances that come in addition."""
        size = len(self.mean)
        self.mean = list(mean)
        left = [
            [
                sum(
                    share * self.covariance[k][column]
                    for k, share in enumerate(row)
                    if share
                )
                for column in range(size)
            ]
            for row in jacobian
        ]
        covariance = self.covariance
        for row in range(size):
            for column in range(row, size):
                value = sum(
                    share * left[row][k]
                    for k, share in enumerate(jacobian[column])
                    if share
                )
                covariance[row][column] = covariance[column][row] = value
            covariance[row][row] += noise[row]

    def spread(self, row: Sequence[float]) -> float:
        """Return the variance of a weighted sum of the numbers."""
        size = range(len(self.mean))
        return sum(
            row[i] * row[j] * self.covariance[i][j]
            for i in size
            if row[i]
            for j in size
            if row[j]
        )

    def update(
        self,
        row: Sequence[float],
        surprise: float,
        noise: float,
        only: Sequence[int] | None = None,
    ) -> None:
        """Learn that the weighted sum of the numbers is ``surprise`` more than believed.

        ``noise`` is the variance of that knowledge; ``only``: the others stay as they are.
        """
        size = range(len(self.mean))
        covariance = self.covariance
        cross = [sum(covariance[i][j] * row[j] for j in size if row[j]) for i in size]
        total = sum(row[i] * cross[i] for i in size if row[i]) + noise
        gain = [cross[i] / total if only is None or i in only else 0.0 for i in size]
        for i in size:
            self.mean[i] += gain[i] * surprise
        # Joseph's form, which stays right for the gains that were left out.
        for i in size:
            for j in range(i, len(self.mean)):
                value = (
                    covariance[i][j]
                    - gain[i] * cross[j]
                    - cross[i] * gain[j]
                    + gain[i] * gain[j] * total
                )
                covariance[i][j] = covariance[j][i] = value

    def forget(self, index: int, deviation: float) -> None:
        """Know nothing of one number any more but a deviation around its mean."""
        for k in range(len(self.mean)):
            self.covariance[index][k] = self.covariance[k][index] = 0.0
        self.covariance[index][index] = deviation**2

    def limit(self, index: int, deviation: float) -> None:
        """Never be less certain of a number than ``deviation``."""
        now = self.deviation(index)
        if now > deviation:
            factor = deviation / now
            for k in range(len(self.mean)):
                self.covariance[index][k] *= factor
                self.covariance[k][index] *= factor

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {"mean": self.mean, "covariance": self.covariance}

    def restore(self, memory: Mapping[str, object]) -> bool:
        """Take over a stored memory and return whether it was one."""
        mean = _numbers(memory.get("mean"), len(self.mean))
        rows = memory.get("covariance")
        if mean is None or not isinstance(rows, list) or len(rows) != len(mean):
            return False
        covariance = [
            numbers for row in rows if (numbers := _numbers(row, len(mean))) is not None
        ]
        if len(covariance) != len(mean) or not _is_covariance(covariance):
            return False
        self.mean, self.covariance = mean, covariance
        return True


def _numbers(stored: object, size: int) -> list[float] | None:
    if not isinstance(stored, list) or len(stored) != size:
        return None
    found = [
        float(each)
        for each in stored
        if isinstance(each, int | float)
        and not isinstance(each, bool)
        and isfinite(each)
    ]
    return found if len(found) == size else None


def _is_covariance(rows: Matrix) -> bool:
    """Whether a matrix is symmetric and positive definite (Cholesky)."""
    size = len(rows)
    lower: Matrix = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            if abs(rows[i][j] - rows[j][i]) > 1e-9 * (1 + abs(rows[i][j])):
                return False
            rest = rows[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            if i != j:
                lower[i][j] = rest / lower[j][j]
            elif rest <= 0:
                return False
            else:
                lower[i][i] = sqrt(rest)
    return True
