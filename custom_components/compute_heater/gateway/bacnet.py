"""Our own BACnet device, on a stack that links may use as well.

Who is not admitted gets no answer but to Who-Is; a controller behind a router is known by
the router's address, and what comes in a broadcast is not trusted to name its sender. Only
present values of commands and the heartbeat are written, and of several in one request all
or none. Nothing can restart, silence or reconfigure the device, or set its clock.
Subscriptions may last for ever, but there are only so many of them.

Object instances are 100 × the number of the part + the number of the key (numbering.py).
"""

from collections.abc import Callable, Mapping

from bacpypes3.apdu import UnconfirmedRequestPDU
from bacpypes3.pdu import Address

from ..building import bacnet_apdu as apdu
from ..building.bacnet_apdu import ObjectId
from ..building.bacnet_discovery import HIGHEST_INSTANCE
from ..building.bacnet_host import Request
from ..building.bacnet_stack import BacnetStack
from ..building.points import LinkAddressError, LinkConnectionError
from .bacnet_cov import Subscriptions
from .bacnet_device_object import NETWORK_PORT, DeviceObject
from .bacnet_library_object import LibraryObject
from .bacnet_objects import ServedObject, identifier
from .bacnet_server import BacnetServer, Readable
from .gateway import Gateway
from .guard import Guard

DESCRIPTION = "Compute heaters as heat source"


class BacnetDevice:
    """The points of one site as BACnet objects."""

    def __init__(
        self,
        stack: BacnetStack,
        gateway: Gateway,
        *,
        instance: int,
        name: str,
        numbers: Mapping[str, int],
        clock: Callable[[], float],
        guard: Guard | None = None,
        revision: int = 1,
        version: str = "1",
        description: str = DESCRIPTION,
    ) -> None:
        """Offer ``gateway`` as the device ``instance`` (0 … 4194302) of that name.

        ``numbers`` are those of all parts (``numbering.numbered``, stored by the caller),
        ``clock`` counts seconds and is never set, ``guard`` is that of this server where
        it has one of its own. ``revision`` is the database revision, which the caller
        stores and raises when ``bacnet_objects.fingerprint`` has changed; ``version`` is
        that of the integration. Raises LinkAddressError for an instance out of range,
        KeyError where a part has no number.
        """
        if not 0 <= instance <= HIGHEST_INSTANCE:
            raise LinkAddressError(f"{instance} is no instance of a device")
        self.instance = instance
        self.name = name
        self.stack = stack
        self._gateway = gateway
        self._guard = guard or gateway.guard
        self._clock = clock
        self._identity = (description, version, revision)
        self._objects = {
            target: ServedObject(point, target, gateway)
            for point, target in sorted(
                (
                    (point, identifier(point, numbers))
                    for point in gateway.points.values()
                ),
                key=lambda one: one[1],
            )
        }
        self._by_point = {
            served.point.point_id: served for served in self._objects.values()
        }
        self._names: dict[ObjectId, str] = {}
        self._server: BacnetServer | None = None
        self._subscriptions = Subscriptions(instance, self._send, self._ask)
        self._unlisten: Callable[[], None] | None = None

    async def start(self) -> None:
        """Be there for controllers, and say so with an I-Am.

        The stack must run. Raises LinkAddressError where it is another device already,
        LinkConnectionError where it does not run; nothing has changed then.
        """
        app = self.stack.app
        description, version, revision = self._identity
        device = DeviceObject(
            app.device_object,
            instance=self.instance,
            name=self.name,
            description=description,
            version=version,
            revision=revision,
            objects=list(self._objects),
            subscriptions=self._subscriptions.listed,
        )
        port = LibraryObject(app, NETWORK_PORT)
        objects: dict[ObjectId, Readable] = {
            device.identifier: device,
            NETWORK_PORT: port,
            **self._objects,
        }
        self._names = {
            device.identifier: device.name,
            NETWORK_PORT: port.name,
            **{target: served.name for target, served in self._objects.items()},
        }
        self._server = BacnetServer(
            self._gateway,
            self._guard,
            objects,
            self._subscriptions,
            app.response,
            self._clock,
        )
        self.stack.take_in(self)
        self._unlisten = self._gateway.listen(self._changed)

    async def stop(self) -> None:
        """Leave the stack as it was; commands stay with the gateway."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        self._subscriptions.close()
        self.stack.put_out(self)

    @property
    def subscriptions(self) -> int:
        """How many controllers' subscriptions there are."""
        return len(self._subscriptions)

    def admits(self, peer: str) -> bool:
        """Whether the peer, by its IP address, may ask at all."""
        return self._guard.admits(peer)

    def turned_away(self, peer: str, service: int, content: bytes) -> None:
        """Take note of a request that will not be answered."""
        if self._server is not None:
            self._server.turned_away(peer, service, content)

    async def answer(self, request: Request) -> None:
        """Send the answer, whatever it is."""
        if self._server is not None:
            await self._server.answer(request)

    def name_of(self, target: ObjectId) -> str | None:
        """Return the name of one of the objects."""
        return self._names.get(target)

    def object_named(self, name: str) -> ObjectId | None:
        """Return the object of that name."""
        return next((one for one, each in self._names.items() if each == name), None)

    def _changed(self, changed: set[str]) -> None:
        self._subscriptions.changed(
            self._by_point[key] for key in changed if key in self._by_point
        )

    def _send(self, address: Address, content: bytes) -> None:
        try:
            app = self.stack.app
        except LinkConnectionError:
            return
        report = UnconfirmedRequestPDU(
            apdu.UNCONFIRMED_COV_NOTIFICATION, destination=address
        )
        report.put_data(content)
        app.request(report)

    async def _ask(self, address: Address, content: bytes) -> None:
        await self.stack.request(address, apdu.CONFIRMED_COV_NOTIFICATION, content)
