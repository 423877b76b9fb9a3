"""The house as a Modbus TCP device."""

from collections.abc import Callable, Mapping

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from .answer_delay import AnswerDelay
from .counters import Counters
from .extra_points import extra_registers
from .house import House
from .modbus_map import (
    COILS,
    DISCRETE_INPUTS,
    HOLDING_REGISTERS,
    INPUT_REGISTERS,
    Bit,
    Register,
)
from .ports import tcp_port

UNIT = 1
READ_COILS, READ_DISCRETE_INPUTS, READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS = (
    1,
    2,
    3,
    4,
)
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
MOST_BITS, MOST_REGISTERS = 2000, 125


class _Datastore:
    """Answers each request from the house itself.

    pymodbus' own datastore cannot tell an unmapped coil from a mapped one beside it.
    """

    def __init__(
        self,
        house: House,
        counters: Counters,
        on_write: Callable[[], None],
        extra_points: int,
        delay: AnswerDelay,
    ) -> None:
        self._house = house
        self._counters = counters
        self._on_write = on_write
        self._input_registers = INPUT_REGISTERS | extra_registers(extra_points)
        self._delay = delay

    def device_ids(self) -> list[int]:
        """Return the unit ids that are served."""
        return [UNIT]

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """Return ``count`` registers or bits from ``address``, or why not."""
        # Function 5 and 6 read back what they wrote: that is one answer.
        if func_code <= READ_INPUT_REGISTERS:
            await self._delay.hold()
        if device_id != UNIT:
            return ExcCodes.GATEWAY_NO_RESPONSE
        answer: list[int] | list[bool] | ExcCodes
        if func_code in (READ_COILS, WRITE_COIL):
            answer = self._bits(COILS, address, count)
        elif func_code == READ_DISCRETE_INPUTS:
            answer = self._bits(DISCRETE_INPUTS, address, count)
        elif func_code in (READ_HOLDING_REGISTERS, WRITE_REGISTER):
            answer = self._registers(HOLDING_REGISTERS, address, count)
        elif func_code == READ_INPUT_REGISTERS:
            answer = self._registers(self._input_registers, address, count)
        else:
            return ExcCodes.ILLEGAL_FUNCTION
        if isinstance(answer, list) and func_code <= READ_INPUT_REGISTERS:
            self._counters.modbus_reads += 1
        return answer

    async def async_setValues(
        self,
        device_id: int,
        func_code: int,
        address: int,
        values: list[int] | list[bool],
    ) -> ExcCodes | None:
        """Write registers or bits from ``address``; all or none."""
        await self._delay.hold()
        if device_id != UNIT:
            return ExcCodes.GATEWAY_NO_RESPONSE
        if func_code in (WRITE_COIL, WRITE_COILS):
            problem = self._write_bits(address, [bool(value) for value in values])
        elif func_code in (WRITE_REGISTER, WRITE_REGISTERS):
            problem = self._write_registers(address, [int(value) for value in values])
        else:
            return ExcCodes.ILLEGAL_FUNCTION
        if problem is None:
            self._counters.modbus_writes += 1
            self._on_write()
        return problem

    def _bits(
        self, table: Mapping[int, Bit], address: int, count: int
    ) -> list[bool] | ExcCodes:
        if not 1 <= count <= MOST_BITS:
            return ExcCodes.ILLEGAL_VALUE
        addresses = range(address, address + count)
        if any(each not in table for each in addresses):
            return ExcCodes.ILLEGAL_ADDRESS
        return [table[each].read(self._house) for each in addresses]

    def _registers(
        self, table: Mapping[int, Register], address: int, count: int
    ) -> list[int] | ExcCodes:
        if not 1 <= count <= MOST_REGISTERS:
            return ExcCodes.ILLEGAL_VALUE
        # A request may begin and end within a value of two registers.
        first = address if address in table else address - 1
        content: list[int] = []
        while first + len(content) < address + count:
            register = table.get(first + len(content))
            if register is None:
                return ExcCodes.ILLEGAL_ADDRESS
            content += register.encode(self._house)
        return content[address - first :][:count]

    def _write_bits(self, address: int, values: list[bool]) -> ExcCodes | None:
        writes = []
        for each, value in enumerate(values, address):
            if (coil := COILS.get(each)) is None:
                return ExcCodes.ILLEGAL_ADDRESS
            writes.append((coil, value))
        for coil, value in writes:
            coil.write(self._house, value)
        return None

    def _write_registers(self, address: int, values: list[int]) -> ExcCodes | None:
        writes = []
        for each, raw in enumerate(values, address):
            if (register := HOLDING_REGISTERS.get(each)) is None:
                return ExcCodes.ILLEGAL_ADDRESS
            value = register.decode(raw)
            if not register.accepts(value):
                return ExcCodes.ILLEGAL_VALUE
            writes.append((register, value))
        for register, value in writes:
            register.write(self._house, value)
        return None


class ModbusDevice:
    """A Modbus TCP server with one unit; calls ``on_write`` after every write."""

    def __init__(
        self,
        house: House,
        counters: Counters,
        on_write: Callable[[], None],
        *,
        extra_points: int = 0,
        answer_delay_s: float = 0.0,
    ) -> None:
        self.port = 0
        self._delay = AnswerDelay(answer_delay_s)
        self._datastore = _Datastore(
            house, counters, on_write, extra_points, self._delay
        )
        self._server: ModbusTcpServer | None = None

    async def start(self, host: str, port: int = 0) -> None:
        """Listen on ``host``, on a free port where ``port`` is taken or 0."""
        self.port = tcp_port(host, port)
        placeholder = SimDevice(UNIT, SimData(0, datatype=DataType.REGISTERS))
        server = ModbusTcpServer(placeholder, address=(host, self.port))
        server.context = self._datastore  # type: ignore[assignment]
        try:
            await server.serve_forever(background=True)
        except RuntimeError as err:
            raise OSError(f"cannot listen on TCP {host}:{self.port}") from err
        self._server = server

    async def stop(self) -> None:
        """Close the server and its connections."""
        await self._delay.stop()
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None
