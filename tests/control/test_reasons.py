"""Every reason is explained to the user."""

from pathlib import Path

import pytest

from custom_components.compute_heater.control.reasons import Reason

DOCS = Path(__file__).parents[2] / "docs" / "control.md"


@pytest.mark.parametrize("reason", Reason)
def test_reason_is_in_the_documentation(reason: Reason) -> None:
    assert f"| `{reason}` |" in DOCS.read_text(encoding="utf-8")
