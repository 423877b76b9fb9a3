"""NVIDIA graphics cards by nvidia-smi: power, temperature and power limit."""

from collections.abc import Sequence
from dataclasses import dataclass
import shutil

from .commands import run
from .files import LinuxError

PROGRAM = "nvidia-smi"
_QUERY_S = 10.0
_SET_S = 15.0
_FIELDS = (
    "index",
    "uuid",
    "name",
    "power.draw",
    "power.limit",
    "power.min_limit",
    "power.max_limit",
    "power.default_limit",
    "temperature.gpu",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One card as it was just read; what it does not tell is None."""

    index: int
    uuid: str
    name: str
    power_w: float | None
    limit_w: float | None
    min_w: float | None
    default_w: float | None
    """The manufacturer's own limit: the agent never goes above it."""
    temperature_c: float | None

    @property
    def takes_limit(self) -> bool:
        """It tells a range in which its power can be limited."""
        return (
            self.min_w is not None
            and self.default_w is not None
            and self.min_w < self.default_w
        )


def is_installed() -> bool:
    """nvidia-smi is on the path; it may still find no card."""
    return shutil.which(PROGRAM) is not None


async def read_gpus() -> list[Gpu]:
    """Read all cards; raises LinuxError."""
    output = await run(
        PROGRAM,
        f"--query-gpu={','.join(_FIELDS)}",
        "--format=csv,noheader,nounits",
        timeout_s=_QUERY_S,
    )
    return [_gpu(line) for line in output.splitlines() if line.strip()]


async def limit_gpu(gpu: Gpu, watts: float) -> None:
    """Set the power limit of a card; raises LinuxError."""
    await run(PROGRAM, "-i", gpu.uuid, "-pl", f"{watts:.0f}", timeout_s=_SET_S)


def total_power(gpus: Sequence[Gpu]) -> float | None:
    """Power of all cards; None as soon as one does not tell."""
    powers = [gpu.power_w for gpu in gpus]
    if any(power is None for power in powers):
        return None
    return sum(power for power in powers if power is not None)


def _gpu(line: str) -> Gpu:
    values = [part.strip() for part in line.split(",")]
    if len(values) != len(_FIELDS) or not values[0].isdigit():
        raise LinuxError(f"{PROGRAM} says {line[:80]!r}")
    index, uuid, name, power, limit, low, _high, default, temperature = values
    return Gpu(
        index=int(index),
        uuid=uuid,
        name=name,
        power_w=_number(power),
        limit_w=_number(limit),
        min_w=_number(low),
        default_w=_number(default),
        temperature_c=_number(temperature),
    )


def _number(text: str) -> float | None:
    """Read a number; cards say [N/A] or [Not Supported] for what they do not know."""
    try:
        return float(text)
    except ValueError:
        return None
