"""Which texts the code asks for, found in its syntax tree."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "compute_heater"


@cache
def tree(file: str) -> ast.Module:
    """Parse a file of the integration."""
    return ast.parse((INTEGRATION / file).read_text("utf-8"))


def strings(node: ast.AST) -> set[str]:
    """Return every text that an expression may come out as.

    Of a conditional its branches, but not its condition.
    """
    match node:
        case ast.Constant(value=str() as value):
            return {value}
        case ast.IfExp():
            return strings(node.body) | strings(node.orelse)
        case _:
            return set()


def calls(file: str) -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Every call in a file: the last part of its name, and its keywords."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            yield name, {word.arg: word.value for word in node.keywords if word.arg}


def entity_keys(platform: str) -> dict[str, bool]:
    """Return the keys of a platform's entities, and whether each has a device class."""
    keys: dict[str, bool] = {}
    for name, words in calls(f"{platform}.py"):
        if name.endswith("Description") and "translation_key" in words:
            for key in strings(words["translation_key"]):
                keys[key] = keys.get(key, True) and "device_class" in words
    return keys


def untranslated_entities(platform: str) -> list[str]:
    """Return keys of descriptions that take neither a text nor a class for a name."""
    return [
        ast.unparse(words["key"])
        for name, words in calls(f"{platform}.py")
        if name.endswith("Description")
        and "key" in words
        and not words.keys() & {"translation_key", "device_class"}
    ]


def exception_keys() -> set[str]:
    """Return the keys of all errors that are shown to people."""
    return {
        key
        for path in INTEGRATION.rglob("*.py")
        for _, words in calls(path.relative_to(INTEGRATION).as_posix())
        if "translation_domain" in words and "translation_key" in words
        for key in strings(words["translation_key"])
    }


def selector_keys() -> set[str]:
    """Return the keys of selectors whose options have texts."""
    return {
        key
        for path in INTEGRATION.rglob("*.py")
        for name, words in calls(path.relative_to(INTEGRATION).as_posix())
        if name.endswith("SelectorConfig") and "translation_key" in words
        for key in strings(words["translation_key"])
    }


def common_keys() -> set[str]:
    """Return the keys of texts that are put together, and of notes about points."""
    keys: set[str] = set()
    for path in (INTEGRATION / "flows").glob("*.py"):
        for node in ast.walk(tree(path.relative_to(INTEGRATION).as_posix())):
            match node:
                case ast.Call(func=ast.Attribute(attr="common"), args=[first, *_]):
                    keys |= strings(first)
                case ast.Constant(value=str() as text) if text.startswith("note_"):
                    keys.add(text)
                case _:
                    pass
    return keys


def abort_keys(file: str) -> set[str]:
    """Return the reasons for which the dialogues of a file end, but core's own."""
    keys: set[str] = set()
    for name, words in calls(file):
        if name == "async_abort" and words.keys() & {
            "reason",
            "translation_domain",
        } == {"reason"}:
            keys |= strings(words["reason"])
        if name in ("_async_abort_entries_match", "_abort_if_unique_id_configured"):
            keys.add("already_configured")
    return keys


def error_keys(file: str) -> set[str]:
    """Return the errors that the forms of a file show.

    They are the values of a mapping that is, or is called, ``errors``, or that a
    FormError carries; and what is put into one, by field or under "base".
    """
    keys: set[str] = set()
    for node in ast.walk(tree(file)):
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="errors"))]):
                keys |= strings(node.value)
            case ast.Assign(targets=[ast.Name(id="error")]):
                keys |= strings(node.value)
            case ast.Assign(targets=[ast.Name(id="errors")]):
                keys |= _values(node.value)
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="errors"), *_])]):
                assert isinstance(node.value, ast.Tuple)
                keys |= _values(node.value.elts[0])
            case ast.Call(func=ast.Name(id="FormError"), args=[first, *_]):
                keys |= _values(first)
            case ast.Dict():
                keys |= {
                    text
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "base"
                    for text in strings(value)
                }
            case _:
                pass
    return keys


def _values(node: ast.expr) -> set[str]:
    if not isinstance(node, ast.Dict):
        return set()
    return {text for value in node.values for text in strings(value)}
