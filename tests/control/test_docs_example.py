"""The example in docs/optimise.md runs as it stands, and does what the page says."""

from pathlib import Path
import re
from typing import Any

from custom_components.compute_heater.control.reasons import Reason

PAGE = Path(__file__).parents[2] / "docs" / "optimise.md"


def test_the_toy_plant_is_warm_and_heated_while_it_is_cheap() -> None:
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(compile(example, str(PAGE), "exec"), names)  # noqa: S102
    history = names["history"]
    assert len(history) == 12 * 60
    assert min(tank_c for _, tank_c, _, _ in history) >= 42
    worked = [
        (now, power_w, reason) for now, _, power_w, reason in history if power_w > 60
    ]
    cheap = [now.hour in (2, 3, 4) for now, _, _ in worked]
    # The tank could not have stayed warm without it.
    assert sum(power_w for _, power_w, _ in worked) / 60 > 1000
    assert sum(cheap) > 0.9 * len(worked)
    assert Reason.PLAN_CHEAP in {reason for _, _, reason in worked}
    assert Reason.PLAN_DEAR in {reason for _, _, _, reason in history}
