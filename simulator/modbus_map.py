"""The house's Modbus registers: what each address means, read and written live."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import struct
from typing import Literal

from .commands import RANGES, Mode
from .house import House

type Encoding = Literal["int16", "uint16", "float32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A value in one register, or in two as a float with the high word first."""

    read: Callable[[House], float]
    encoding: Encoding = "int16"
    scale: float = 10.0

    def encode(self, house: House) -> Sequence[int]:
        """Return the registers' present content."""
        value = self.read(house)
        if self.encoding == "float32":
            return struct.unpack(">HH", struct.pack(">f", value))
        raw = round(value * self.scale)
        low, high = (0, 0xFFFF) if self.encoding == "uint16" else (-0x8000, 0x7FFF)
        return [min(high, max(low, raw)) & 0xFFFF]

    def decode(self, raw: int) -> float:
        """Return the value of a written register."""
        if self.encoding == "int16" and raw >= 0x8000:
            raw -= 0x10000
        return raw / self.scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint(Register):
    """A register that may be written with what it ``accepts``."""

    accepts: Callable[[float], bool]
    write: Callable[[House, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bit:
    """A discrete input."""

    read: Callable[[House], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coil(Bit):
    """A bit that may be written."""

    write: Callable[[House, bool], None]


def _float32(read: Callable[[House], float]) -> Register:
    return Register(read=read, encoding="float32", scale=1.0)


INPUT_REGISTERS: dict[int, Register] = {
    0: Register(read=lambda h: h.conditions.outdoor_c),
    1: Register(read=lambda h: h.heat_pump_supply_c),
    2: Register(read=lambda h: h.heat_pump_return_c),
    3: Register(read=lambda h: h.floor.buffer_c),
    4: Register(read=lambda h: h.tank.top_c),
    5: Register(read=lambda h: h.tank.bottom_c),
    6: Register(read=lambda h: h.floor.room_c),
    7: Register(read=lambda h: h.floor.supply_c),
    8: Register(read=lambda h: h.floor.return_c),
    9: Register(read=lambda h: h.supply_c),
    10: Register(read=lambda h: h.return_c),
    11: Register(read=lambda h: h.loop.flow_lpm, encoding="uint16"),
    12: Register(read=lambda h: h.heat_pump.status, encoding="uint16", scale=1.0),
    13: Register(read=lambda h: h.price_per_kwh * 100),
    20: _float32(lambda h: h.heat_pump.thermal_w / 1000),
    22: _float32(lambda h: h.heat_pump.electrical_w / 1000),
    24: _float32(lambda h: h.heat_pump.heat_kwh),
    26: _float32(lambda h: h.heat_pump.electricity_kwh),
    28: _float32(lambda h: h.compute_power_w / 1000),
    30: _float32(lambda h: h.account.compute_kwh),
    32: _float32(lambda h: h.account.drawn_kwh),
    34: _float32(lambda h: h.pv_power_w / 1000),
}


def _within(name: str) -> Callable[[float], bool]:
    low, high = RANGES[name]
    return lambda value: low <= value <= high


def _set_dhw_setpoint(house: House, value: float) -> None:
    house.commands.dhw_setpoint_c.own = value


def _set_room_setpoint(house: House, value: float) -> None:
    house.commands.room_setpoint_c.own = value


def _set_mode(house: House, value: float) -> None:
    house.commands.mode.own = Mode(int(value))


# Reads give what was written here, not what BACnet may have put on top, so a client
# can verify its writes.
HOLDING_REGISTERS: dict[int, Setpoint] = {
    0: Setpoint(
        read=lambda h: h.commands.dhw_setpoint_c.own,
        accepts=_within("dhw_setpoint_c"),
        write=_set_dhw_setpoint,
    ),
    1: Setpoint(
        read=lambda h: h.commands.room_setpoint_c.own,
        accepts=_within("room_setpoint_c"),
        write=_set_room_setpoint,
    ),
    2: Setpoint(
        read=lambda h: h.commands.mode.own,
        encoding="uint16",
        scale=1.0,
        accepts=lambda value: value in tuple(Mode),
        write=_set_mode,
    ),
}


def _set_pump(house: House, value: bool) -> None:
    house.loop.pump_command = value


def _set_valve(house: House, value: bool) -> None:
    house.loop.valve_command_dhw = value


def _set_heat_pump(house: House, value: bool) -> None:
    house.commands.heat_pump_enable.own = value


COILS: dict[int, Coil] = {
    0: Coil(read=lambda h: h.loop.pump_command, write=_set_pump),
    1: Coil(read=lambda h: h.loop.valve_command_dhw, write=_set_valve),
    2: Coil(read=lambda h: h.commands.heat_pump_enable.own, write=_set_heat_pump),
}

DISCRETE_INPUTS: dict[int, Bit] = {
    0: Bit(read=lambda h: h.loop.pump_running),
    1: Bit(read=lambda h: h.loop.valve_at_dhw),
    2: Bit(read=lambda h: h.loop.valve_at_floor),
    3: Bit(read=lambda h: h.heat_pump.running),
    4: Bit(read=lambda h: h.fault),
}
