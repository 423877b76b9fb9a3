"""Find BACnet controllers and tell them apart."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from ..building.bacnet import BacnetDevice, BacnetIdentity
from ..building.bacnet_discovery import Discovered
from ..building.bacnet_stack import BacnetStack
from ..building.points import LinkError

_AT_A_TIME = 4
_PATIENCE_S = 8.0
"""For one controller to tell its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDevice:
    """A controller that answered a search."""

    instance: int
    address: str
    identity: BacnetIdentity | None
    """None where it does not tell."""

    @property
    def key(self) -> str:
        """What tells it from every other, also from one of the same instance."""
        return f"{self.instance}@{self.address}"

    @property
    def label(self) -> str:
        """Name, maker and model, instance and address."""
        known = self.identity
        texts = (known.name, known.vendor, known.model) if known else ()
        name, *make = texts or (None,)
        parts = (name, " ".join(filter(None, make)), str(self.instance), self.address)
        return " · ".join(filter(None, parts))


async def async_identified(
    stack: BacnetStack, found: Iterable[Discovered]
) -> list[FoundDevice]:
    """Ask each controller for its name, some at a time."""
    limit = asyncio.Semaphore(_AT_A_TIME)

    async def identify(one: Discovered) -> FoundDevice:
        identity = None
        try:
            async with limit, asyncio.timeout(_PATIENCE_S):
                device = BacnetDevice(stack, one.address, one.instance)
                identity = await device.identify()
        except LinkError, TimeoutError:
            pass
        return FoundDevice(
            instance=one.instance, address=one.address, identity=identity
        )

    return list(await asyncio.gather(*map(identify, found)))


def twins(devices: Iterable[FoundDevice]) -> list[int]:
    """Return the instances that more than one controller has."""
    instances = [device.instance for device in devices]
    return sorted({each for each in instances if instances.count(each) > 1})
