"""What a BOINC client tells of itself: modes, reasons to rest, tasks."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from math import isfinite
import re
from xml.etree import ElementTree as ET

from .model import HeaterProtocolError

_CPUS = re.compile(r"(\d+(?:\.\d+)?) CPUs?")
_FILES_DOWNLOADED = 2
_SCHEDULED = 2

_REASONS = {
    1: "on_batteries",
    2: "user_active",
    4: "user_request",
    8: "time_of_day",
    16: "benchmarks",
    32: "disk_full",
    128: "user_absent",
    256: "starting",
    512: "exclusive_program",
    1024: "cpu_busy",
    2048: "network_quota",
    4096: "operating_system",
    4097: "no_wifi",
    4098: "battery_charging",
    4099: "battery_hot",
    4100: "no_gui",
}
_THROTTLE = 64
_OTHER = "other"

SUSPENDED_REASONS = (*_REASONS.values(), _OTHER)
"""Why BOINC may not compute."""


class RunMode(Enum):
    """When BOINC computes; the values are those of its ``task_mode``."""

    ALWAYS = 1
    AUTO = 2
    """As its preferences say: not beside a user, not on batteries, …"""
    NEVER = 3

    @property
    def tag(self) -> str:
        """Name of the element of ``set_run_mode``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``get_cc_status``. ``mode`` holds for ``delay_s``, then ``permanent`` does."""

    mode: RunMode
    permanent: RunMode
    delay_s: float
    """0 where ``mode`` does not lapse."""
    suspended_reason: str | None

    @property
    def lapses(self) -> bool:
        """Something changes when the delay is over."""
        return self.delay_s > 0 and self.mode is not self.permanent


def parse_status(reply: ET.Element) -> Status:
    """Read the modes; raises HeaterProtocolError if one is missing or unknown."""
    found = reply.find("cc_status")
    if found is None:
        raise HeaterProtocolError("BOINC did not give its status")
    reason = int(number(found, "task_suspend_reason") or 0)
    return Status(
        mode=_mode(found, "task_mode"),
        permanent=_mode(found, "task_mode_perm"),
        delay_s=max(number(found, "task_mode_delay") or 0.0, 0.0),
        # A throttled client works, in slices of a second.
        suspended_reason=None
        if reason in (0, _THROTTLE)
        else _REASONS.get(reason, _OTHER),
    )


def _mode(status: ET.Element, name: str) -> RunMode:
    value = number(status, name)
    try:
        return RunMode(value)
    except ValueError as err:
        raise HeaterProtocolError(f"BOINC's {name} is {value}") from err


def cpus_of(host: ET.Element) -> int:
    """Return the number of processors that BOINC counts, from ``get_host_info``."""
    cpus = number(host, "host_info/p_ncpus")
    if cpus is None or cpus < 1:
        raise HeaterProtocolError("BOINC did not say how many processors it has")
    return int(cpus)


def has_work(tasks: Iterable[ET.Element]) -> bool:
    """Tell whether any task could be computed, now or once BOINC may."""
    return any(
        number(task, "state") == _FILES_DOWNLOADED
        and task.find("ready_to_report") is None
        and task.find("suspended_via_gui") is None
        and task.find("project_suspended_via_gui") is None
        for task in tasks
    )


def busy_cpus(tasks: Iterable[ET.Element]) -> float:
    """Return how many processors the scheduled tasks take, if BOINC computes at all."""
    busy = 0.0
    for task in tasks:
        if number(task, "active_task/scheduler_state") == _SCHEDULED:
            stated = _CPUS.search(task.findtext("resources", ""))
            busy += float(stated[1]) if stated else 1.0
    return busy


def number(element: ET.Element, path: str) -> float | None:
    """Return the finite number at ``path``; None where there is none."""
    return as_number(element.findtext(path, ""))


def as_number(text: str) -> float | None:
    """Return the finite number that a text is; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None
