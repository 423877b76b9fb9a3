"""The library's application without the pitfalls that we know of."""

from collections.abc import Callable
import logging
from typing import Any, NamedTuple

from bacpypes3.apdu import (
    ComplexAckPDU,
    ConfirmedCOVNotificationRequest,
    ErrorPDU,
    IAmRequest,
    SimpleAckPDU,
    UnconfirmedCOVNotificationRequest,
    WhoHasRequest,
)
from bacpypes3.app import Application, DeviceInfoCache
from bacpypes3.basetypes import HostNPort, IPMode
from bacpypes3.comm import ServiceAccessPoint, bind
from bacpypes3.errors import PropertyError as AccessError, ServicesError
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.netservice import NetworkServiceElement
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import CharacterString, ObjectIdentifier, TagClass

from .bacnet_apdu import ObjectId, Property, primitive
from .bacnet_foreign import Bbmd, ForeignLink
from .bacnet_host import Host, NetworkPoint, RequestPoint, peer_of
from .points import LinkProtocolError

_LOGGER = logging.getLogger(__name__)

VENDOR_ID = 999
"""The library's; a number of our own would have to be assigned by ASHRAE."""

type CovHandler = Callable[[Address, ObjectId, dict[int, Property]], None]
"""Takes who reports, on which object, and its properties by number."""


def own_name(instance: int) -> str:
    """Return the name of our device where nobody has given it one."""
    return f"Compute Heater {instance}"


class IAm(NamedTuple):
    """What a device tells of itself when it is looked for or starts."""

    address: Address
    instance: int
    vendor_id: int
    max_apdu: int


type IAmHandler = Callable[[IAm], None]


class _ReadOnly:
    """The library lets any peer write any property of ours."""

    async def write_property(self, *_args: Any, **_kwargs: Any) -> None:
        raise AccessError(errorCode="writeAccessDenied")


class _Device(_ReadOnly, DeviceObject):  # type: ignore[misc]
    """Our device object."""


class _NetworkPort(_ReadOnly, NetworkPortObject):  # type: ignore[misc]
    """Our network port object."""


class _ServicePoint(RequestPoint):
    """Hands answers on as bytes.

    The library drops an answer that it cannot decode and lets its request wait
    forever.
    """

    closed = False
    """Nothing may be sent any more: the sockets are gone."""

    async def request(self, *args: Any, **kwargs: Any) -> None:
        """Send, unless it is too late."""
        if not self.closed:
            await super().request(*args, **kwargs)

    async def sap_response(self, apdu: Any) -> None:
        if isinstance(apdu, ComplexAckPDU | ErrorPDU):
            await ServiceAccessPoint.sap_response(self, apdu)
        else:
            await super().sap_response(apdu)


class BuildingApplication(Application):  # type: ignore[misc]
    """Our BACnet device, and the client side of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cov_handlers: dict[int, CovHandler] = {}
        """By the process number that was subscribed with."""
        self.i_am_handlers: set[IAmHandler] = set()
        self.foreign_link: ForeignLink | None = None
        """Instead of a part in the local network's broadcasts."""
        self.host: Host | None = None
        """The device that we are to controllers, where we are one."""

    @classmethod
    def build(
        cls,
        address: IPv4Address,
        instance: int,
        timeout_ms: int,
        retries: int,
        bbmd: Bbmd | None = None,
    ) -> BuildingApplication:
        """Put the layers together; binding goes on in the background."""
        device = _Device(
            objectIdentifier=("device", instance),
            objectName=own_name(instance),
            vendorIdentifier=VENDOR_ID,
            vendorName="Compute Heater",
            modelName="Home Assistant",
            maxApduLengthAccepted=1476,
            maxSegmentsAccepted=64,
            apduTimeout=timeout_ms,
            numberOfApduRetries=retries,
        )
        app = cls(device_info_cache=DeviceInfoCache())
        app.asap = _ServicePoint(device, app.device_info_cache)
        app.nsap = NetworkPoint()
        app.nse = NetworkServiceElement()
        bind(app.nse, app.nsap)
        bind(app, app.asap, app.nsap)
        app.add_object(device)
        port = _NetworkPort(
            address,
            objectIdentifier=("network-port", 1),
            objectName="Network port 1",
            networkNumber=0,
            networkNumberQuality="unknown",
        )
        if bbmd is None:
            app.add_object(port)
        else:
            app.foreign_link = app._add_foreign_port(port, address, bbmd)
        for link in app.link_layers.values():
            _muffle(link.server)
        return app

    def _add_foreign_port(
        self, port: _NetworkPort, address: IPv4Address, bbmd: Bbmd
    ) -> ForeignLink:
        """Do what add_object does, with our own link layer."""
        port.bacnetIPMode = IPMode.foreign
        port.fdBBMDAddress = HostNPort(str(bbmd.place))
        port.fdSubscriptionLifetime = bbmd.ttl_s
        link = ForeignLink(address, bbmd)
        self.objectName[port.objectName] = port
        self.objectIdentifier[port.objectIdentifier] = port
        port._app = self  # noqa: SLF001
        self.link_layers[port.objectIdentifier] = link
        self.nsap.bind(link, address=address)
        return link

    async def confirmation(self, apdu: Any) -> None:
        """Drop an answer that crosses with giving its request up at a stop."""
        if not any(
            request.apduInvokeID == apdu.apduInvokeID and future.done()
            for request, future in self._requests.get(apdu.pduSource, ())
        ):
            await super().confirmation(apdu)

    async def do_IAmRequest(self, apdu: IAmRequest) -> None:
        """Tell who waits for a device to come back."""
        await super().do_IAmRequest(apdu)
        told = IAm(
            apdu.pduSource,
            int(apdu.iAmDeviceIdentifier[1]),
            int(apdu.vendorID),
            int(apdu.maxAPDULengthAccepted),
        )
        for handler in tuple(self.i_am_handlers):
            handler(told)

    async def do_WhoHasRequest(self, apdu: WhoHasRequest) -> None:
        """Tell a controller where an object is."""
        if self.host is None:
            await super().do_WhoHasRequest(apdu)
            return
        # A BBMD hands searches on; the answer goes to whom they name, and only there.
        named = getattr(apdu.pduSource, "addrTuple", None)
        if not self.host.admits(named[0] if named else peer_of(apdu)):
            return
        limits, wanted = apdu.limits, apdu.object
        if limits is not None and not (
            int(limits.deviceInstanceRangeLowLimit)
            <= self.host.instance
            <= int(limits.deviceInstanceRangeHighLimit)
        ):
            return
        if wanted.objectName is not None:
            found = self.host.object_named(str(wanted.objectName))
        else:
            kind, instance = wanted.objectIdentifier
            found = ObjectId(int(kind), int(instance))
        name = None if found is None else self.host.name_of(found)
        if found is not None and name is not None:
            identifier = ObjectIdentifier((found.type, found.instance))
            self.i_have(identifier, CharacterString(name), address=apdu.pduSource)

    async def do_UnconfirmedCOVNotificationRequest(
        self, apdu: UnconfirmedCOVNotificationRequest
    ) -> None:
        """Hand a notification to the subscription that it belongs to."""
        self._notified(apdu)

    async def do_ConfirmedCOVNotificationRequest(
        self, apdu: ConfirmedCOVNotificationRequest
    ) -> None:
        """Do the same for a peer that confirms unasked."""
        if not self._notified(apdu):
            raise ServicesError(errorCode="unknownSubscription")
        await self.response(SimpleAckPDU(context=apdu))

    def _notified(self, apdu: Any) -> bool:
        handler = self.cov_handlers.get(int(apdu.subscriberProcessIdentifier))
        if handler is None:
            return False
        kind, instance = apdu.monitoredObjectIdentifier
        try:
            values = {
                int(item.propertyIdentifier): tuple(
                    primitive(tag.tag_number, tag.tag_lvt, tag.tag_data)
                    for tag in item.value.tagList
                    if tag.tag_class == TagClass.application
                )
                for item in apdu.listOfValues
            }
        except LinkProtocolError as err:
            _LOGGER.debug("Notification from %s: %s", apdu.pduSource, err)
            return True
        handler(apdu.pduSource, ObjectId(int(kind), int(instance)), values)
        return True


def _muffle(server: Any) -> None:
    """Drop malformed messages: the library fills the log with the error of each."""
    hand_on = server.response

    async def response(pdu: Any) -> None:
        try:
            await hand_on(pdu)
        except Exception as err:  # noqa: BLE001 - the library raises anything for garbage
            _LOGGER.debug("Dropped a message from %s: %r", pdu.pduSource, err)

    server.response = response
