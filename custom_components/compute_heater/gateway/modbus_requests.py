"""What Modbus requests read and write."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tmodbus.const import EXCEPTION_RESPONSE_BIT, ExceptionCode
from tmodbus.exceptions import InvalidRequestError
from tmodbus.pdu import (
    ReadHoldingRegistersPDU,
    ReadInputRegistersPDU,
    ReadWriteMultipleRegistersPDU,
    WriteMultipleRegistersPDU,
    WriteSingleRegisterPDU,
)

from .gateway import Gateway, Write
from .guard import Guard, Refusal, RefusedError
from .register_codec import ServerState
from .register_layout import Space
from .register_map import PartialError, RegisterMap, UnmappedError

type _Request = (
    ReadHoldingRegistersPDU
    | ReadInputRegistersPDU
    | WriteSingleRegisterPDU
    | WriteMultipleRegistersPDU
    | ReadWriteMultipleRegistersPDU
)
_REQUESTS: dict[int, type[_Request]] = {
    kind.function_code: kind
    for kind in (
        ReadHoldingRegistersPDU,
        ReadInputRegistersPDU,
        WriteSingleRegisterPDU,
        WriteMultipleRegistersPDU,
        ReadWriteMultipleRegistersPDU,
    )
}
_OTHER_WRITES = (5, 15, 21, 22)
"""Functions that write coils, files and parts of registers, of which we have none."""
EXCEPTIONS = {
    Refusal.FOREIGN_PEER: ExceptionCode.ILLEGAL_FUNCTION,
    Refusal.NO_ROLE: ExceptionCode.ILLEGAL_FUNCTION,
    Refusal.NOT_WRITABLE: ExceptionCode.ILLEGAL_DATA_ADDRESS,
    Refusal.WRONG_TYPE: ExceptionCode.ILLEGAL_DATA_VALUE,
    Refusal.OUT_OF_RANGE: ExceptionCode.ILLEGAL_DATA_VALUE,
    Refusal.WRONG_PRIORITY: ExceptionCode.SERVER_DEVICE_FAILURE,
    Refusal.TOO_OFTEN: ExceptionCode.SERVER_DEVICE_BUSY,
}


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks."""

    address: str
    """IP address, which names the controller."""
    may_write: bool


class RequestHandler:
    """Answers requests out of the gateway."""

    def __init__(
        self,
        gateway: Gateway,
        guard: Guard,
        register_map: RegisterMap,
        *,
        priority: int,
        protocol: str,
        clock: Callable[[], float],
    ) -> None:
        """Write with ``priority``, as ``protocol`` for the logbook; count from now."""
        self._gateway = gateway
        self._guard = guard
        self._map = register_map
        self._priority = priority
        self._protocol = protocol
        self._clock = clock
        self._began = clock()

    def answer(self, request: bytes, client: Client) -> bytes:
        """Return the response to a PDU, an exception where it is refused."""
        function = request[0]
        try:
            return self._answer(request, client)
        except InvalidRequestError:
            code = ExceptionCode.ILLEGAL_DATA_VALUE
        except UnmappedError:
            code = ExceptionCode.ILLEGAL_DATA_ADDRESS
        except RefusedError as err:
            code = EXCEPTIONS[err.refusal]
        except _UnknownFunctionError:
            code = ExceptionCode.ILLEGAL_FUNCTION
        return bytes([function | EXCEPTION_RESPONSE_BIT, code])

    def _answer(self, request: bytes, client: Client) -> bytes:
        if (kind := _REQUESTS.get(request[0])) is None:
            if request[0] in _OTHER_WRITES:
                self._tell(request, client)
            raise _UnknownFunctionError
        pdu: _Request = kind.decode_request(request)
        match pdu:
            case ReadInputRegistersPDU():
                return pdu.encode_response(
                    self._read(Space.INPUT, pdu.start_address, pdu.quantity, client)
                )
            case ReadHoldingRegistersPDU():
                return pdu.encode_response(
                    self._read(Space.HOLDING, pdu.start_address, pdu.quantity, client)
                )
            case WriteSingleRegisterPDU():
                self._write(pdu.address, [pdu.value], client)
                return pdu.encode_response(pdu.value)
            case WriteMultipleRegistersPDU():
                self._write(pdu.start_address, pdu.values, client)
                return pdu.encode_response(len(pdu.values))
            case ReadWriteMultipleRegistersPDU():
                # Nothing may be written where what is to be read does not exist.
                first, count = pdu.read_start_address, pdu.read_quantity
                self._map.points(Space.HOLDING, first, count)
                self._write(pdu.write_start_address, pdu.write_values, client)
                return pdu.encode_response(
                    self._read(Space.HOLDING, first, count, client)
                )

    def _read(
        self, space: Space, address: int, count: int, client: Client
    ) -> list[int]:
        words = self._map.read(space, address, count, self._gateway, self._state())
        if space is Space.HOLDING and client.may_write:
            now = self._clock()
            for point in self._map.points(space, address, count):
                self._gateway.alive(client.address, now, point.point_id)
        return words

    def _write(self, address: int, words: Sequence[int], client: Client) -> None:
        refusal = None if client.may_write else Refusal.NO_ROLE
        try:
            writes = [
                Write(
                    point_id=command.point.point_id,
                    value=command.value,
                    priority=self._priority,
                )
                for command in self._map.commands(address, words)
            ]
        except UnmappedError:
            writes, refusal = [_lost(address, words)], Refusal.NOT_WRITABLE
        except PartialError:
            writes, refusal = [_lost(address, words)], Refusal.WRONG_TYPE
        if refusal is not None:
            self._gateway.refuse(
                writes,
                peer=client.address,
                protocol=self._protocol,
                refusal=refusal,
            )
        self._gateway.write(
            writes,
            peer=client.address,
            protocol=self._protocol,
            now=self._clock(),
            guard=self._guard,
        )

    def _tell(self, request: bytes, client: Client) -> None:
        """Tell of what cannot be written here at all."""
        content = f"function {request[0]}: {request[1:].hex(' ')}"
        with suppress(RefusedError):
            self._gateway.refuse(
                [Write(point_id="", value=content)],
                peer=client.address,
                protocol=self._protocol,
                refusal=Refusal.NOT_WRITABLE,
            )

    def _state(self) -> ServerState:
        return ServerState(
            heartbeat=int(self._clock() - self._began),
            watchdog_s=self._guard.watchdog_s or self._gateway.watchdog_s,
        )


def _lost(address: int, words: Sequence[int]) -> Write:
    """Return what is told of a write that meets no point."""
    content = ", ".join(map(str, words))
    return Write(point_id="", value=f"register {address}: {content}")


class _UnknownFunctionError(Exception):
    """A function that we do not have."""
