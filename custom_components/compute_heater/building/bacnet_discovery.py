"""Finds BACnet devices by Who-Is."""

import asyncio
from dataclasses import dataclass

from bacpypes3.apdu import WhoIsRequest
from bacpypes3.pdu import Address

from .bacnet_address import address_text
from .bacnet_app import BuildingApplication, IAm

HIGHEST_INSTANCE = 4194302


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Discovered:
    """A device that answered."""

    instance: int
    address: str
    """As BacnetDevice takes it: "ip:port" or "network:mac"."""
    vendor_id: int
    max_apdu: int
    """Longest message in bytes that it says it takes."""


async def discover(
    app: BuildingApplication, low: int, high: int, target: Address, wait_s: float
) -> list[Discovered]:
    """Ask, and collect answers until the time is over.

    A search at one address ends with its first answer.
    """
    found: set[Discovered] = set()
    is_directed = target.is_localstation or target.is_remotestation
    done = asyncio.Event()

    def answered(answer: IAm) -> None:
        if not low <= answer.instance <= high:
            return
        if is_directed:
            if answer.address != target:
                return
            done.set()
        found.add(
            Discovered(
                instance=answer.instance,
                address=address_text(answer.address),
                vendor_id=answer.vendor_id,
                max_apdu=answer.max_apdu,
            )
        )

    # Not the library's own search: it knows one device per instance only.
    app.i_am_handlers.add(answered)
    try:
        # The future is done at once: there is no answer to this very request.
        app.request(_who_is(low, high, target))
        try:
            async with asyncio.timeout(wait_s):
                await done.wait()
        except TimeoutError:
            pass
    finally:
        app.i_am_handlers.discard(answered)
    return sorted(found)


def _who_is(low: int, high: int, target: Address) -> WhoIsRequest:
    request = WhoIsRequest(destination=target)
    if (low, high) != (0, HIGHEST_INSTANCE):
        request.deviceInstanceRangeLowLimit = low
        request.deviceInstanceRangeHighLimit = high
    return request
