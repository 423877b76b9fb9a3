"""What holds for the repository as a whole."""

import json
from pathlib import Path
import tomllib

from homeassistant import components

ROOT = Path(__file__).parent.parent


def test_modbus_pins_are_home_assistants() -> None:
    """The building is simulated with exactly the Modbus packages that core brings."""
    manifest = json.loads(
        (Path(components.__path__[0]) / "modbus" / "manifest.json").read_text()
    )
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run = {item for item in ours["dependency-groups"]["run"] if isinstance(item, str)}
    assert set(manifest["requirements"]) <= run
