"""Command line of the benchmarks."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
import sys

from . import control, house
from .rows import Row, table, write_json

BENCHMARKS: Mapping[str, Callable[[], Sequence[Row]]] = {
    "control": control.measure,
    "house": house.measure,
}


def main(arguments: list[str] | None = None) -> int:
    """Measure and report. A missed target is a finding, not a failure: 0 either way."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure something on this machine. "
        + " ".join(f"{name}: {_about(run)}" for name, run in BENCHMARKS.items()),
    )
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    rows = BENCHMARKS[options.name]()
    print(table(rows))
    if options.json:
        write_json(rows, options.json)
    return 0


def _about(run: Callable[[], Sequence[Row]]) -> str:
    return (run.__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
