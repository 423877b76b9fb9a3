"""Command line of the benchmarks."""

import argparse
from collections.abc import Callable, Iterable, Mapping
import inspect
from pathlib import Path
import sys

from . import control, heaters, house, links, reaction, tick
from .emhass import measure as emhass
from .energyplus import measure as energyplus
from .rows import Row, line, table, write_json

BENCHMARKS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "control": control.measure,
    "emhass": emhass.measure,
    "energyplus": energyplus.measure,
    "heaters": heaters.measure,
    "house": house.measure,
    "links": links.measure,
    "reaction": reaction.measure,
    "tick": tick.measure,
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
    run = BENCHMARKS[options.name]
    rows = []
    for row in run():
        rows.append(row)
        print(line(row), file=sys.stderr, flush=True)
    print(table(rows))
    if notes := _notes(run):
        print(f"\n{notes}")
    if options.json:
        write_json(rows, options.json)
    return 0


def _about(run: Callable[[], Iterable[Row]]) -> str:
    return inspect.cleandoc(run.__doc__ or "").partition("\n")[0]


def _notes(run: Callable[[], Iterable[Row]]) -> str:
    """Return what is to be known when the rows are read: the rest of the docstring."""
    return inspect.cleandoc(run.__doc__ or "").partition("\n")[2].strip()


if __name__ == "__main__":
    sys.exit(main())
