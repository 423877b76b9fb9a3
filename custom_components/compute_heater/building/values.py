"""What both protocols check and tidy up in values."""

import math
import struct

from .points import Point, PointKind, PointRefusedError, Value

_LARGEST: float = struct.unpack(">f", b"\x7f\x7f\xff\xff")[0]


def tidy_real(value: float) -> float | None:
    """Find the shortest number that is the same 32-bit float (21.3, not 21.2999992).

    None for NaN and infinity, which controllers use for "not known".
    """
    if not math.isfinite(value):
        return None
    packed = struct.pack(">f", value)
    for digits in (7, 8):
        short = float(f"{value:.{digits}g}")
        # Rounding the largest float up leaves the range.
        if abs(short) <= _LARGEST and struct.pack(">f", short) == packed:
            return short
    return float(f"{value:.9g}")


def same_real(left: float, right: float) -> bool:
    """Equal within what 32-bit floats can tell apart."""
    return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-6)


def checked(point: Point, value: Value) -> Value:
    """Return the value as it may be sent; raises PointRefusedError for any other."""
    if not point.writable:
        raise PointRefusedError(f"{point.name} may not be written")
    if point.kind is PointKind.BINARY:
        if not isinstance(value, bool):
            raise PointRefusedError(f"{point.name} takes on or off, not {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PointRefusedError(f"{point.name} takes a number, not {value!r}")
    if not math.isfinite(value):
        raise PointRefusedError(f"{point.name} takes a finite number, not {value!r}")
    low, high = limits(point)
    if low is None or high is None:
        raise PointRefusedError(f"{point.name} has no limits to check a value against")
    if not low <= value <= high:
        raise PointRefusedError(
            f"{point.name} takes {low:g} to {high:g}, not {value:g}"
        )
    if point.kind is PointKind.MULTISTATE and value != int(value):
        raise PointRefusedError(
            f"{point.name} takes whole state numbers, not {value:g}"
        )
    return float(value)


def limits(point: Point) -> tuple[float | None, float | None]:
    """Lowest and highest value that may be written; None = not known."""
    if point.kind is PointKind.MULTISTATE and point.states:
        return 1.0, float(len(point.states))
    return point.minimum, point.maximum
