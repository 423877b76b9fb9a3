"""Our own BACnet/IP devices, one for each local address and port."""

import asyncio
import ipaddress
import logging
import socket
from typing import Any
from weakref import WeakValueDictionary
import zlib

from bacpypes3.apdu import (
    AbortPDU,
    AbortReason,
    ConfirmedRequestPDU,
    Error,
    ErrorPDU,
    RejectReason,
)
from bacpypes3.basetypes import ErrorCode
from bacpypes3.pdu import Address, IPv4Address

from .bacnet_address import DEFAULT_PORT, address_text, search_address
from .bacnet_apdu import PropertyError, error_of
from .bacnet_app import BuildingApplication, IAm, own_name
from .bacnet_discovery import HIGHEST_INSTANCE, Discovered, discover
from .bacnet_foreign import Bbmd, Registration
from .bacnet_host import Host
from .points import LinkAddressError, LinkConnectionError, LinkError, LinkProtocolError

__all__ = [
    "BacnetRefusal",
    "BacnetStack",
    "Bbmd",
    "Discovered",
    "Registration",
    "StackRegistry",
]

_LOGGER = logging.getLogger(__name__)

APDU_TIMEOUT_MS = 2500
APDU_RETRIES = 1
BIND_TIMEOUT_S = 3.0
MAX_IN_FLIGHT = 8
"""Requests to one device at a time; beyond 256 the library hangs."""


class BacnetRefusal(LinkProtocolError):
    """A device answers a request with Error, Reject or Abort."""

    def __init__(
        self,
        reason: str,
        *,
        error: PropertyError | None = None,
        unknown_service: bool = False,
    ) -> None:
        super().__init__(reason)
        self.error = error
        """None for Reject and Abort, where a smaller request may succeed."""
        self.unknown_service = unknown_service


class BacnetStack:
    """One BACnet/IP application on one local address."""

    def __init__(self, local_address: str, bbmd: Bbmd | None = None) -> None:
        """Take "ip/prefix:port", e.g. "192.168.1.7/24:47808"; the port may be left out.

        With ``bbmd`` it is a foreign device: its broadcasts go through the BBMD.
        Raises LinkAddressError when an address is malformed.
        """
        self._interface, self.port = _parsed(local_address)
        self.bbmd = bbmd
        if bbmd is not None and str(bbmd.place) == str(Address(self.endpoint)):
            raise LinkAddressError(f"the BBMD {bbmd.address} is our own address")
        self.instance = _own_instance(self.endpoint)
        """Our device instance."""
        self._app: BuildingApplication | None = None
        self._clash_logged = False
        # Only kept while in use: subscriptions may come from any number of addresses.
        self._limits = WeakValueDictionary[str, asyncio.Semaphore]()

    @property
    def endpoint(self) -> str:
        """What identifies the stack on this machine: "ip:port"."""
        return f"{self._interface.ip}:{self.port}"

    @property
    def app(self) -> BuildingApplication:
        """The library's application, to hang handlers and objects into.

        Raises LinkConnectionError while the stack is not running.
        """
        if self._app is None:
            raise LinkConnectionError(f"BACnet on {self.endpoint} is not running")
        return self._app

    @property
    def registration(self) -> Registration | None:
        """How we stand with the BBMD; None = there is none, or not running."""
        link = self._app and self._app.foreign_link
        return link.registration if link else None

    async def registered(self, timeout_s: float) -> bool:
        """Wait until the BBMD has accepted us; False = refused, or no answer in time.

        It is asked again and again in any case. True when there is no BBMD. Raises
        LinkConnectionError while the stack is not running.
        """
        link = self.app.foreign_link
        return link is None or await link.registered(timeout_s)

    async def start(self) -> None:
        """Bind; raises LinkAddressError when the address or port cannot be used.

        Registration at the BBMD goes on in the background: see ``registered``.
        """
        self._probe()
        address = IPv4Address(f"{self._interface.with_prefixlen}:{self.port}")
        app = BuildingApplication.build(
            address, self.instance, APDU_TIMEOUT_MS, APDU_RETRIES, self.bbmd
        )
        app.i_am_handlers.add(self._check_instance)
        try:
            # A bind that fails is repeated in silence, and sending waits for it.
            async with asyncio.timeout(BIND_TIMEOUT_S):
                while not _is_bound(app):  # noqa: ASYNC110 - no event in all versions
                    await asyncio.sleep(0.01)
        except TimeoutError as err:
            await _stop(app)
            raise LinkAddressError(f"{self.endpoint} cannot be bound") from err
        except BaseException:
            await _stop(app)
            raise
        self._app = app

    async def close(self) -> None:
        """Stop; requests in flight end with LinkConnectionError."""
        app, self._app = self._app, None
        if app is not None:
            await _stop(app)

    def check_vacant(self) -> None:
        """Raise what ``take_in`` raises."""
        if (host := self.app.host) is not None:
            raise LinkAddressError(
                f"{self.endpoint} is the BACnet device {host.instance} already"
            )

    def take_in(self, host: Host) -> None:
        """Be ``host`` to all controllers, and say so.

        Raises LinkAddressError when we are another device already, and
        LinkConnectionError while the stack is not running.
        """
        self.check_vacant()
        app = self.app
        app.host = host
        self._be(host.instance, host.name)
        app.i_am()

    def put_out(self, host: Host) -> None:
        """Be a bare device again; nothing where ``host`` was not taken in."""
        if self._app is not None and self._app.host is host:
            self._app.host = None
            instance = _own_instance(self.endpoint)
            self._be(instance, own_name(instance))

    def _be(self, instance: int, name: str) -> None:
        device = self.app.device_object
        device.objectIdentifier = ("device", instance)
        device.objectName = name
        self.instance = instance
        self._clash_logged = False

    async def discover(
        self,
        low: int = 0,
        high: int = HIGHEST_INSTANCE,
        target: str | None = None,
        wait_s: float = 3.0,
    ) -> list[Discovered]:
        """List the devices with an instance from low to high, by instance.

        ``target``: None = the local network, or the BBMD's; "*" = all networks, "12" =
        the network of this number, "ip:port" = the device there. Two devices of the
        same instance are both listed. Raises LinkAddressError for a wrong target or
        range, LinkConnectionError without the BBMD that a broadcast needs.
        """
        where = search_address(target)
        if not 0 <= low <= high <= HIGHEST_INSTANCE:
            raise LinkAddressError(f"{low} to {high} is no range of instances")
        if not (where.is_localstation or await self.registered(wait_s)):
            raise LinkConnectionError(
                f"not registered at the BBMD: {self.registration}"
            )
        return await discover(self.app, low, high, where, wait_s)

    async def who_is(self, address: Address) -> int | None:
        """Ask who is at an address; returns the device instance, None = no answer."""
        patience = APDU_TIMEOUT_MS / 1000
        found = await discover(self.app, 0, HIGHEST_INSTANCE, address, patience)
        return found[0].instance if found else None

    async def request(self, address: Address, service: int, content: bytes) -> bytes:
        """Send a confirmed request; returns the answer, empty for a mere ack.

        Raises LinkConnectionError without an answer, BacnetRefusal for Error, Reject
        and Abort.
        """
        limit = self._limits.setdefault(str(address), asyncio.Semaphore(MAX_IN_FLIGHT))
        async with limit:
            apdu = ConfirmedRequestPDU(service, destination=address)
            apdu.put_data(content)
            future = self.app.request(apdu)
            future.add_done_callback(_retrieve)
            # Not awaited itself: cancelling it would let the library trip over a
            # late answer. The time allows for one answer in many segments.
            patience = 3 * APDU_TIMEOUT_MS * (1 + APDU_RETRIES) / 1000
            await asyncio.wait({future}, timeout=patience)
        if not future.done() or future.cancelled():
            raise LinkConnectionError(f"no answer from {address}")
        if (failure := future.exception()) is not None:
            raise _failure(failure, address) from None
        return bytes(future.result().pduData or b"")

    def _probe(self) -> None:
        """Try the addresses ourselves: the library shares a taken port."""
        network = self._interface.network
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((str(self._interface.ip), self.port))
            except OSError as err:
                raise LinkAddressError(
                    f"UDP {self.endpoint} cannot be used: {err.strerror}"
                ) from err
        if network.prefixlen == network.max_prefixlen:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            # Stacks on other addresses of this network share the broadcast address.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            try:
                probe.bind((str(network.broadcast_address), self.port))
            except OSError as err:
                raise LinkAddressError(
                    f"{network.broadcast_address} is not the broadcast address of "
                    f"{self._interface.ip}: {err.strerror}"
                ) from err

    def _check_instance(self, answer: IAm) -> None:
        if answer.instance == self.instance and not self._clash_logged:
            self._clash_logged = True
            _LOGGER.warning(
                "%s uses our BACnet device instance %s as well",
                answer.address,
                answer.instance,
            )


class StackRegistry:
    """The running stacks, shared by all that need them; kept in hass.data."""

    def __init__(self) -> None:
        self._stacks: dict[str, tuple[BacnetStack, int]] = {}
        self._lock = asyncio.Lock()

    async def acquire(
        self, local_address: str, bbmd: Bbmd | None = None
    ) -> BacnetStack:
        """Return the running stack of this address, started for the first user.

        Raises LinkAddressError, also when it runs with another BBMD or without one.
        """
        candidate = BacnetStack(local_address, bbmd)
        async with self._lock:
            stack, users = self._stacks.get(candidate.endpoint, (candidate, 0))
            if _place(stack.bbmd) != _place(bbmd):
                raise LinkAddressError(
                    f"UDP {stack.endpoint} is used {_with(stack.bbmd)} already, so not "
                    f"{_with(bbmd)}"
                )
            if not users:
                await stack.start()
            self._stacks[stack.endpoint] = stack, users + 1
        return stack

    def users(self, endpoint: str) -> int:
        """Return how many hold the stack of "ip:port"."""
        _, users = self._stacks.get(endpoint, (None, 0))
        return users

    async def release(self, stack: BacnetStack) -> None:
        """Give one acquire back; the last one closes the stack."""
        async with self._lock:
            _, users = self._stacks[stack.endpoint]
            if users > 1:
                self._stacks[stack.endpoint] = stack, users - 1
                return
            del self._stacks[stack.endpoint]
            await stack.close()


def _parsed(local_address: str) -> tuple[ipaddress.IPv4Interface, int]:
    interface, _, port = local_address.strip().partition(":")
    try:
        parsed = ipaddress.IPv4Interface(interface)
        number = int(port) if port else DEFAULT_PORT
    except ValueError as err:
        raise LinkAddressError(f"{local_address!r} is not ip/prefix:port") from err
    if parsed.ip.is_unspecified or parsed.ip.is_multicast:
        raise LinkAddressError(f"{parsed.ip} is not the address of one interface")
    if not 0 < number < 65536:
        raise LinkAddressError(f"{number} is not a port")
    return parsed, number


def _place(bbmd: Bbmd | None) -> str | None:
    return address_text(bbmd.place) if bbmd else None


def _with(bbmd: Bbmd | None) -> str:
    return f"with the BBMD {bbmd.address}" if bbmd else "without a BBMD"


def _own_instance(endpoint: str) -> int:
    """Choose an instance that stays, in a range that planners hardly ever use."""
    return 3_900_000 + zlib.crc32(endpoint.encode()) % 290_000


def _is_bound(app: BuildingApplication) -> bool:
    servers = [link.server for link in app.link_layers.values()]
    return all(
        server.local_transport is not None
        and (server.broadcast_address is None or server.broadcast_transport is not None)
        for server in servers
    )


async def _stop(app: BuildingApplication) -> None:
    """Leave no socket, task or timer; the library's close leaves them all."""
    bindings = [
        task
        for link in app.link_layers.values()
        for task in link.server._transport_tasks  # noqa: SLF001
    ]
    app.asap.closed = True
    for task in bindings:
        task.cancel()
    await asyncio.gather(*bindings, return_exceptions=True)
    app.close()
    waiting = [search.future for search in app.nse.who_is_router_to_network_futures]
    waiting += [future for queue in app._requests.values() for _, future in queue]  # noqa: SLF001
    for future in waiting:
        future.cancel()
    # Tasks of the library that waited for these end in the next rounds of the loop,
    # and requests that were just begun set their timers there.
    for _ in range(3):
        await asyncio.sleep(0)
    for machine in [*app.asap.clientTransactions, *app.asap.serverTransactions]:
        machine.stop_timer()


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Keep a failure that nobody waits for any more from being reported as lost."""
    if not future.cancelled():
        future.exception()


def _failure(failure: BaseException, address: Address) -> LinkError:
    """Tell what an Error, Reject or Abort means."""
    if isinstance(failure, ErrorPDU):
        # Decoded, it is the library's own: there is no way to the network.
        if isinstance(failure, Error):
            return LinkConnectionError(f"{address}: {failure.errorCode}")
        try:
            error = error_of(bytes(failure.pduData))
        except LinkProtocolError as err:
            return err
        return BacnetRefusal(str(ErrorCode(error.code)), error=error)
    reason = getattr(failure, "apduAbortRejectReason", None)
    if isinstance(failure, AbortPDU):
        if reason == AbortReason.noResponse:
            return LinkConnectionError(f"no answer from {address}")
        return BacnetRefusal(f"aborted: {AbortReason(reason)}")
    return BacnetRefusal(
        f"rejected: {RejectReason(reason)}",
        unknown_service=reason == RejectReason.unrecognizedService,
    )
