"""Find what Home Assistant logged about us."""

from dataclasses import dataclass
import re

_HEAD = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^\]]+)\]"
)
# In loggers' names and in the file names of a traceback, whoever logged it.
# bacpypes3 runs nowhere but in our BACnet stack.
_OURS = re.compile(r"custom_components[./]compute_heater|bacpypes3")


@dataclass(slots=True)
class Record:
    """One log entry with all its lines."""

    level: str
    text: str

    @property
    def is_ours(self) -> bool:
        """We logged it, or our code is in its traceback."""
        return _OURS.search(self.text) is not None


def parse(log: str) -> list[Record]:
    """Split a log into entries; lines without a head belong to the entry above."""
    records: list[Record] = []
    for line in log.splitlines():
        if head := _HEAD.match(line):
            records.append(Record(head["level"], line))
        elif records:
            records[-1].text += f"\n{line}"
        elif "Traceback" in line:
            # Before logging was set up, or printed by the interpreter itself.
            records.append(Record("ERROR", line))
    return records


def ours(log: str, *levels: str) -> list[str]:
    """Return our entries of these levels."""
    return [
        record.text
        for record in parse(log)
        if record.is_ours and record.level in levels
    ]
