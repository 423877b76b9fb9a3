"""A share of the work as BOINC's preferences, and back.

Whole processors come first: the share of CPU time stops and continues all tasks in
slices of a second, so it makes up only for what is no whole processor.
"""

from collections.abc import Mapping
from math import ceil
from xml.etree import ElementTree as ET

from .boinc_status import as_number
from .model import HeaterProtocolError

MAX_PREFERENCES = 60_000
"""Characters; BOINC cuts at 65536."""

_LEAST_USAGE = 1.0
"""Percent of time: BOINC takes next to nothing for "no limit"."""
_PROCESSORS = "max_ncpus_pct"
_TIME = "cpu_usage_limit"
# Since 8.0 there is a second set for "computer not in use"; older ones skip it.
_NOT_IN_USE = "niu_"


def preferences_for(share: float, cpus: int) -> dict[str, str]:
    """Return the preferences that allow ``share`` (above 0, up to 1) of ``cpus``."""
    used = min(max(ceil(share * cpus - 1e-6), 1), cpus)
    usage = min(max(100 * share * cpus / used, _LEAST_USAGE), 100.0)
    # BOINC cuts to whole processors: a quarter more keeps rounding errors away.
    processors = 100.0 if used == cpus else 100 * (used + 0.25) / cpus
    return {
        prefix + name: f"{value:.6f}"
        for prefix in ("", _NOT_IN_USE)
        for name, value in ((_PROCESSORS, processors), (_TIME, usage))
    }


def allowed_share(preferences: Mapping[str, str], cpus: int) -> float:
    """Return the share that preferences (texts by name) allow, 0 to 1.

    Where they differ between a computer in use and not in use it is the greater one.
    """
    return max(
        _share(preferences, prefix, cpus)
        for prefix in ("", _NOT_IN_USE)
        if not prefix or prefix + _PROCESSORS in preferences
    )


def _share(preferences: Mapping[str, str], prefix: str, cpus: int) -> float:
    processors = as_number(preferences.get(prefix + _PROCESSORS, "")) or 0.0
    used = cpus if processors <= 0 else max(int(cpus * processors / 100 + 1e-6), 1)
    usage = as_number(preferences.get(prefix + _TIME, "")) or 0.0
    if usage < 0.005 or usage > 99.99:
        usage = 100.0
    return min(used, cpus) / cpus * usage / 100


def merged(override: ET.Element, changes: Mapping[str, str]) -> str:
    """Return BOINC's local preferences with ``changes``; all others stay.

    ``override`` is the reply of ``get_global_prefs_override``. Raises
    HeaterProtocolError where it holds something else than preferences.
    """
    elements = [child for child in override if isinstance(child.tag, str)]
    preferences = override.find("global_preferences")
    if preferences is None:
        if any(child.tag != "error" for child in elements):
            raise HeaterProtocolError("BOINC's local preferences are not understood")
        override = ET.Element("none")
        preferences = ET.SubElement(override, "global_preferences")
    elif len(elements) > 1:
        raise HeaterProtocolError("BOINC's local preferences are not understood")
    for name, value in changes.items():
        found = preferences.find(name)
        if found is None:
            found = ET.SubElement(preferences, name)
            found.tail = "\n"
        found.text = value
    # With the comments around them.
    text = "".join(ET.tostring(child, encoding="unicode") for child in override)
    if len(text) > MAX_PREFERENCES:
        raise HeaterProtocolError("BOINC's local preferences are too long")
    return text
