"""A BACnet controller of the building."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .bacnet_point import BacnetPoint, FoundPoint
from .bacnet_stack import BacnetStack
from .points import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class BacnetIdentity:
    """What the device object tells; a missing text is None."""

    instance: int
    name: str | None
    vendor: str | None
    model: str | None
    firmware: str | None
    max_apdu: int
    """Longest message in bytes that it takes and sends in one piece."""
    segmentation: str
    """ "both", "transmit", "receive" or "none"."""


type ValuesCallback = Callable[[Mapping[str, Value | None]], None]
"""Takes the new values by point key, in the event loop."""


class BacnetDevice:
    """One controller, reached through a stack."""

    reads: int
    """Requests sent for reading and subscribing (for diagnostics)."""
    writes: int
    """Write requests sent (for diagnostics)."""
    identity: BacnetIdentity | None
    """Set by the first identify() that succeeds."""

    def __init__(
        self, stack: BacnetStack, address: str, instance: int | None = None
    ) -> None:
        """``address`` is "ip", "ip:port" or "network:mac" behind a router.

        ``instance`` is the device instance expected there, None = whichever answers.
        Raises LinkAddressError when the address is malformed.
        """
        raise NotImplementedError

    async def identify(self) -> BacnetIdentity:
        """Ask who answers at the address.

        Raises LinkConnectionError, or LinkProtocolError when another device
        answers than the expected one.
        """
        raise NotImplementedError

    async def browse(self) -> list[FoundPoint]:
        """List every object that can become a point. Raises LinkError."""
        raise NotImplementedError

    async def read(self, points: Iterable[BacnetPoint]) -> dict[str, Value | None]:
        """Present values by key; None where unknown, faulty or out of service.

        Raises LinkConnectionError when the device does not answer.
        """
        raise NotImplementedError

    async def write(
        self,
        point: BacnetPoint,
        value: Value,
        priority: int = 16,
        *,
        restore: Value | None = None,
    ) -> Value | None:
        """Command a point and read it back; returns what the controller made of it.

        An object without priority array is written only when ``restore``, the value
        to put back one day, is known. Raises PointRefusedError, LinkConnectionError.
        """
        raise NotImplementedError

    async def relinquish(self, point: BacnetPoint, priority: int = 16) -> Value | None:
        """Give up our command at this priority; returns the value that holds then.

        Raises PointRefusedError when the point has no priority array or the
        controller keeps the command, LinkConnectionError.
        """
        raise NotImplementedError

    def subscribe(
        self, points: Iterable[BacnetPoint], callback: ValuesCallback
    ) -> CovSubscription:
        """Be told of changes at once (COV) until ``close`` of what is returned.

        Returns immediately; subscribing, renewal and recovery run in a task. Keep
        polling slowly: a lost notification is repeated only at the next renewal.
        """
        raise NotImplementedError


class CovSubscription:
    """A running subscription."""

    @property
    def active(self) -> frozenset[str]:
        """Keys of the points that the controller reports by itself now."""
        raise NotImplementedError

    async def close(self) -> None:
        """Cancel at the device (best effort, within a few seconds) and stop."""
        raise NotImplementedError
