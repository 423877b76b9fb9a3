"""Control and the drivers know nothing of Home Assistant."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "custom_components" / "compute_heater"
INNER = ("control", "heaters", "building", "gateway")
FOREIGN = ("homeassistant", "custom_components")
USES = {
    "control": {"control", "heaters.model"},
    "heaters": {"heaters"},
    "building": {"building"},
    "gateway": {
        "gateway",
        "building",
        "control.building",
        "control.ladder",
        "heaters.model",
    },
}
"""What the modules of each part may import from the integration."""
FILES = sorted(path for part in INNER for path in (PACKAGE / part).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, anywhere in it."""
    found: set[str] = set()
    folder = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            # The package itself is the root: more dots than folders would leave it.
            assert node.level <= len(folder) + 1, f"{path}: leaves the integration"
            base = folder[: len(folder) + 1 - node.level]
            module = [*base, *([node.module] if node.module else [])]
            if node.module:
                found.add(".".join(["", *module]))
            else:
                found |= {".".join(["", *module, alias.name]) for alias in node.names}
    return found


def test_there_is_something_to_look_at() -> None:
    parts = {path.relative_to(PACKAGE).parts[0] for path in FILES}
    assert parts >= {"control", "heaters", "building"}


@pytest.mark.parametrize(
    "path", FILES, ids=[path.relative_to(PACKAGE).as_posix() for path in FILES]
)
def test_inner_parts_import_neither_home_assistant_nor_the_glue(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        if name.startswith("."):
            inner = name.removeprefix(".")
            assert any(
                inner == allowed or inner.startswith(f"{allowed}.")
                for allowed in USES[part]
            ), f"{path.name} imports {inner} of the integration"
        else:
            assert name.split(".")[0] not in FOREIGN, f"{path.name} imports {name}"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import homeassistant.core", {"homeassistant.core"}),
        ("def f():\n from homeassistant import x", {"homeassistant"}),
        ("from .. import site", {".site"}),
        ("from ..coordinator import X", {".coordinator"}),
        ("from . import clock", {".control.clock"}),
        ("from .clock import Clock", {".control.clock"}),
    ],
)
def test_every_form_of_import_is_seen(
    code: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    path = tmp_path / "control" / "module.py"
    path.parent.mkdir()
    path.write_text(code)
    assert imports(path) == expected
