"""Lists of nodes as Slurm writes them: ``arm[0-3,7],rack[01-02]n1``."""

from itertools import product
import re

from .model import HeaterProtocolError

MAX_HOSTS = 4096

_PART = re.compile(r"(?:[^,\[\]]|\[[^\[\]]*\])+")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def expand_hosts(text: str) -> tuple[str, ...]:
    """Return the names in a list; raises HeaterProtocolError where it is none."""
    text = text.strip()
    if not text:
        return ()
    parts = _PART.findall(text)
    if ",".join(parts) != text:
        raise HeaterProtocolError(f"not a list of nodes: {text[:100]!r}")
    names: dict[str, None] = {}
    for part in parts:
        for name in _expand(part.strip()):
            names[name] = None
            if len(names) > MAX_HOSTS:
                raise HeaterProtocolError(f"more than {MAX_HOSTS} nodes")
    return tuple(names)


def _expand(part: str) -> list[str]:
    fixed_and_ranges = _BRACKETS.split(part)
    choices = [
        _numbers(piece) if index % 2 else [piece]
        for index, piece in enumerate(fixed_and_ranges)
    ]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > MAX_HOSTS:
        raise HeaterProtocolError(f"more than {MAX_HOSTS} nodes")
    return ["".join(pieces) for pieces in product(*choices)]


def _numbers(ranges: str) -> list[str]:
    found: list[str] = []
    for each in ranges.split(","):
        if (match := _RANGE.fullmatch(each.strip())) is None:
            raise HeaterProtocolError(f"not a range of nodes: {ranges[:100]!r}")
        first, last = match[1], match[2] or match[1]
        if int(last) - int(first) >= MAX_HOSTS or int(last) < int(first):
            raise HeaterProtocolError(f"not a range of nodes: {ranges[:100]!r}")
        found += [
            str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)
        ]
    return found
