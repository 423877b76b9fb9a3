"""Energy and heat meters that go on over restarts of the agent."""

from dataclasses import dataclass
import json
import logging
import os
from pathlib import Path

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meters:
    """Meter readings in J since the first start."""

    energy_j: float = 0.0
    heat_j: float = 0.0


def load_meters(path: Path) -> Meters:
    """Read the meters; a new file starts at 0, a broken one is put aside."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Meters(
            energy_j=float(values["energy_j"]), heat_j=float(values["heat_j"])
        )
    except FileNotFoundError:
        return Meters()
    except (ValueError, KeyError, TypeError) as err:
        broken = path.with_name(path.name + ".broken")
        path.replace(broken)
        _LOGGER.error("Meters start at 0: %s is broken (%s)", broken, err)
        return Meters()


def save_meters(path: Path, meters: Meters) -> None:
    """Write the meters so that a crash leaves the old or the new ones."""
    new = path.with_name(path.name + ".new")
    text = json.dumps({"energy_j": meters.energy_j, "heat_j": meters.heat_j})
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
