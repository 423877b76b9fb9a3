"""Requests of controllers to us: who is let in, and who answers.

Without a host the library answers for our bare device object.
"""

from typing import Any, NamedTuple, Protocol

from bacpypes3.apdu import (
    APDU,
    AbortPDU,
    AbortReason,
    APCISequence,
    ConfirmedRequestPDU,
    RejectPDU,
    RejectReason,
)
from bacpypes3.appservice import ABORTED, IDLE, ApplicationServiceAccessPoint, ServerSSM
from bacpypes3.netservice import NetworkServiceAccessPoint
from bacpypes3.pdu import PDU, Address

from .bacnet_apdu import CONFIRMED_COV_NOTIFICATION, ObjectId

MAX_SEGMENTS = 32
"""Of one request."""
MAX_TRANSACTIONS = 128
"""Requests of all controllers that may be in hand at a time …"""
MAX_OF_PEER = 32
"""… and of one of them."""
_CONFIRMED = 0
"""Type of an APDU."""


class Request(NamedTuple):
    """A confirmed request of a controller."""

    peer: str
    """IP address that it came from; of a router where the controller is behind one."""
    source: Address
    service: int
    content: bytes
    apdu: Any
    """The library's, as context of the answer."""


class Host(Protocol):
    """A device that lives in our stack and answers all requests to it."""

    instance: int
    name: str

    def admits(self, peer: str) -> bool:
        """Whether the peer, by its IP address, may ask at all."""

    def turned_away(self, peer: str, service: int, content: bytes) -> None:
        """Take note of a request that will not be answered."""

    async def answer(self, request: Request) -> None:
        """Send the answer, whatever it is."""

    def name_of(self, target: ObjectId) -> str | None:
        """Return the name of one of its objects."""

    def object_named(self, name: str) -> ObjectId | None:
        """Return its object of that name."""


class NetworkPoint(NetworkServiceAccessPoint):  # type: ignore[misc]
    """Remembers which machine a message came from, also where it names another one."""

    async def process_npdu(self, adapter: Any, npdu: Any) -> None:
        """Take a message of the network."""
        npdu.pduUserData = npdu.pduSource
        await super().process_npdu(adapter, npdu)


def peer_of(pdu: Any) -> str:
    """Return the IP address of the machine that sent a message; "" if there is none."""
    sender = pdu.pduUserData or pdu.pduSource
    place = getattr(sender, "addrTuple", None)
    return str(place[0]) if place else ""


class RequestPoint(ApplicationServiceAccessPoint):  # type: ignore[misc]
    """Lets requests in, or not."""

    async def confirmation(self, pdu: PDU) -> None:
        """Take a message of the network; raises anything where it is malformed."""
        if pdu.pduData and pdu.pduData[0] >> 4 == _CONFIRMED:
            await self._requested(pdu)
        else:
            await super().confirmation(pdu)

    @property
    def host(self) -> Host | None:
        """Who answers."""
        host: Host | None = self.serviceElement.host
        return host

    async def _requested(self, pdu: PDU) -> None:
        peer, source = peer_of(pdu), pdu.pduSource
        is_direct = pdu.pduDestination.addrType == Address.localStationAddr
        apdu = APDU.decode(pdu)
        # Broadcasts may name any sender: a request in one is never meant well.
        if not is_direct or not self._lets_in(peer, apdu):
            return
        for transaction in self.serverTransactions:
            if (transaction.invokeID, transaction.pdu_address) == (
                apdu.apduInvokeID,
                source,
            ):
                break
        else:
            if self._is_busy(peer):
                return
            transaction = _Transaction(self, source, peer)
            self.serverTransactions.append(transaction)
        try:
            await transaction.indication(apdu)
        except _TooManySegmentsError:
            abort = transaction.abort(AbortReason.bufferOverflow)
            await transaction.response(abort)
        except Exception:
            # It has no timer yet that would end it.
            if transaction.state == IDLE:
                self.serverTransactions.remove(transaction)
            raise

    def _is_busy(self, peer: str) -> bool:
        of_peer = sum(one.peer == peer for one in self.serverTransactions)
        return (
            of_peer >= MAX_OF_PEER or len(self.serverTransactions) >= MAX_TRANSACTIONS
        )

    def _lets_in(self, peer: str, apdu: ConfirmedRequestPDU) -> bool:
        host = self.host
        if host is None or host.admits(peer):
            return True
        if apdu.apduSeg:
            return False
        if apdu.apduService == CONFIRMED_COV_NOTIFICATION:
            # What links have subscribed to comes from others than controllers.
            return True
        host.turned_away(peer, int(apdu.apduService), bytes(apdu.pduData))
        return False


class _TooManySegmentsError(Exception):
    """Nobody needs so large a request."""


class _Transaction(ServerSSM):  # type: ignore[misc]
    """One request; the library answers none that it cannot decode."""

    actualWindowSize: int | None  # noqa: N815 - the library's

    def __init__(self, point: RequestPoint, source: Address, peer: str) -> None:
        super().__init__(point, source)
        self.peer = peer
        self._segments = 1

    def append_segment(self, apdu: Any) -> None:
        self._segments += 1
        if self._segments > MAX_SEGMENTS:
            raise _TooManySegmentsError
        super().append_segment(apdu)

    async def segmented_response_timeout(self) -> None:
        """Send again what was not acknowledged, also where nothing ever was."""
        self.actualWindowSize = self.actualWindowSize or 1
        try:
            await super().segmented_response_timeout()
        except RuntimeError:
            # Segments were acknowledged that there are not.
            self.set_state(ABORTED)

    async def request(self, apdu: Any) -> None:
        """Hand a complete request on."""
        if isinstance(apdu, AbortPDU):
            await super().request(apdu)
            return
        apdu.pduSource = self.pdu_address
        apdu.pduDestination = None
        host = self.ssmSAP.host
        if host is not None and apdu.apduService != CONFIRMED_COV_NOTIFICATION:
            content = bytes(apdu.pduData)
            await host.answer(
                Request(
                    self.peer, self.pdu_address, int(apdu.apduService), content, apdu
                )
            )
            return
        try:
            decoded = APCISequence.decode(apdu)
        except Exception:  # noqa: BLE001 - the library raises anything for garbage
            reject = RejectPDU(reason=RejectReason.invalidTag, context=apdu)
            await self.ssmSAP.sap_confirmation(reject)
            return
        decoded.pduSource = self.pdu_address
        decoded.pduDestination = None
        await self.ssmSAP.sap_request(decoded)
