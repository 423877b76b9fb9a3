"""Reads many properties in few requests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby

from .bacnet_apdu import (
    READ_PROPERTY,
    READ_PROPERTY_MULTIPLE,
    Property,
    PropertyError,
    Ref,
    properties_of,
    property_of,
    read_property,
    read_property_multiple,
)
from .bacnet_objects import ANY_INSTANCE, BYTES, BYTES_OBJECT, BYTES_OTHER
from .bacnet_stack import BacnetRefusal
from .points import LinkError, LinkProtocolError

PARALLEL = 6
"""Requests under way for one reading; the stack takes 8, so a write need not wait."""
_HEADER_BYTES = 8
_NOT_TOLD = PropertyError(2, 0)
"""Class property, code other: the device cannot be brought to answer."""

type Send = Callable[[int, bytes], Awaitable[bytes]]
"""Sends a service's request to the device; raises LinkConnectionError, BacnetRefusal."""
type Found = Property | PropertyError


class PropertyReader:
    """Reads from one device, and remembers what the device could not do."""

    def __init__(self, send: Send, max_apdu: int) -> None:
        self._send = send
        self._budget = max_apdu - _HEADER_BYTES
        """Bytes of an answer, by our estimate, that the device can send."""
        self._multiple = True
        self._alone: set[Ref] = set()
        """Spoil the whole request when read together with others."""

    def start_anew(self, max_apdu: int) -> None:
        """Forget what was learnt: the device is another one now."""
        self._budget = max_apdu - _HEADER_BYTES
        self._multiple = True
        self._alone.clear()

    async def read(self, refs: Iterable[Ref]) -> dict[Ref, Found]:
        """Read every property, or learn why it cannot be had.

        Raises LinkConnectionError when the device does not answer, LinkProtocolError
        when an answer is malformed.
        """
        found: dict[Ref, Found] = {}
        room = asyncio.Semaphore(PARALLEL)

        async def work(batch: Sequence[Ref]) -> None:
            async with room:
                found.update(await self._read_batch(batch))

        await in_parallel(work(batch) for batch in self._batches(list(refs)))
        return found

    def _batches(self, refs: list[Ref]) -> list[list[Ref]]:
        batches: list[list[Ref]] = [[ref] for ref in refs if ref in self._alone]
        if not self._multiple:
            return [[ref] for ref in refs]
        batch: list[Ref] = []
        size = 0
        rest = [ref for ref in refs if ref not in self._alone]
        for _, group in groupby(rest, key=lambda ref: ref.object):
            of_object = list(group)
            weight = _weight(of_object)
            if weight > self._budget:
                batches += [[ref] for ref in of_object]
                continue
            if batch and size + weight > self._budget:
                batches.append(batch)
                batch, size = [], 0
            batch += of_object
            size += weight
        return [*batches, batch] if batch else batches

    async def _read_batch(self, batch: Sequence[Ref]) -> dict[Ref, Found]:
        if not self._multiple or len(batch) == 1:
            return {ref: await self._read_one(ref) for ref in batch}
        try:
            answer = await self._send(
                READ_PROPERTY_MULTIPLE, read_property_multiple(batch)
            )
        except BacnetRefusal as refusal:
            if refusal.unknown_service:
                self._multiple = False
                return await self._read_batch(batch)
            if refusal.error is None:
                self._budget = min(self._budget, _weight(batch) // 2)
            middle = len(batch) // 2
            found: dict[Ref, Found] = {}
            for half in (batch[:middle], batch[middle:]):
                found |= await self._read_batch(half)
            if refusal.error is not None:
                self._alone |= {
                    ref for ref, one in found.items() if isinstance(one, PropertyError)
                }
            return found
        given = properties_of(answer)
        if given.keys().isdisjoint(batch):
            raise LinkProtocolError("the answer is about other objects")
        return {ref: given.get(ref, _NOT_TOLD) for ref in batch}

    async def _read_one(self, ref: Ref) -> Found:
        try:
            answer = await self._send(READ_PROPERTY, read_property(ref))
        except BacnetRefusal as refusal:
            return refusal.error or _NOT_TOLD
        about, values = property_of(answer)
        # Whoever is asked by the wildcard answers with its own number.
        if ref.object.instance == ANY_INSTANCE:
            about = about._replace(object=ref.object)
        if about != ref:
            raise LinkProtocolError("the answer is about another property")
        return values


async def in_parallel(jobs: Iterable[Awaitable[None]]) -> None:
    """Run all; the first failure ends the others and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(_run(job))
    except* LinkError as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        failure = first
    else:
        return
    raise failure


async def _run(job: Awaitable[None]) -> None:
    await job


def _weight(refs: Iterable[Ref]) -> int:
    """Estimate the bytes that these take in an answer."""
    return sum(
        BYTES_OBJECT + sum(BYTES.get(ref.property, BYTES_OTHER) for ref in group)
        for _, group in groupby(refs, key=lambda ref: ref.object)
    )
