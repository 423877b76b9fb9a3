"""An own list of points as text: a table out of a spreadsheet, or YAML."""

from typing import Any


def parse_table(text: str) -> list[dict[str, Any]]:
    """Read a list of points; raises PointConfigError, which names the line.

    The rows are for ``parse_points``.
    """
    raise NotImplementedError
