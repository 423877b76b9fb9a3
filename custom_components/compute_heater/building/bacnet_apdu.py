"""Requests and the answers to them, as bytes (ASHRAE 135, clauses 20 and 21).

The library's own decoders give up a whole reply for one value of an unexpected type
and know no objects of other vendors, and they take most of the time of a large read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
import struct
from typing import NamedTuple

from .points import LinkProtocolError

CONFIRMED_COV_NOTIFICATION = 1
SUBSCRIBE_COV = 5
READ_PROPERTY = 12
READ_PROPERTY_MULTIPLE = 14
WRITE_PROPERTY = 15
WRITE_PROPERTY_MULTIPLE = 16
SUBSCRIBE_COV_PROPERTY = 28

UNCONFIRMED_COV_NOTIFICATION = 2

_BOOLEAN, _UNSIGNED, _INTEGER, _REAL, _DOUBLE, _OCTETS, _TEXT, _BITS, _ENUMERATED = (
    range(1, 10)
)
_OBJECT_ID = 12

_CHARACTER_SETS = {0: "utf-8", 3: "utf-32-be", 4: "utf-16-be", 5: "latin-1"}


class ObjectId(NamedTuple):
    """An object of a device."""

    type: int
    instance: int


class Ref(NamedTuple):
    """A property of an object, or one element of it."""

    object: ObjectId
    property: int
    element: int | None = None
    """From 1; 0 is the length of an array."""


@dataclass(frozen=True, slots=True)
class PropertyError:
    """What a device answers instead of a property."""

    error_class: int
    code: int


type Primitive = bool | int | float | str | bytes | ObjectId | tuple[bool, ...] | None
"""Numbers and enumerations, texts, octets, bit strings; None is BACnet's Null."""
type Property = tuple[Primitive, ...]
"""One primitive, or those of an array or list; constructed content is left out."""


def primitive(tag: int, length: int, content: bytes) -> Primitive:
    """Make a Python value of an application-tagged one.

    A tag that is not one of the primitives above becomes its bytes. Raises
    LinkProtocolError.
    """
    try:
        match tag:
            case 0:
                return None
            case 1:
                return bool(length)
            case 2 | 9:
                return int.from_bytes(content)
            case 3:
                return int.from_bytes(content, signed=True)
            case 4:
                return float(struct.unpack(">f", content)[0])
            case 5:
                return float(struct.unpack(">d", content)[0])
            case 7:
                coding = _CHARACTER_SETS.get(content[0], "latin-1")
                return content[1:].decode(coding, errors="replace").rstrip("\0")
            case 8:
                bits = "".join(f"{byte:08b}" for byte in content[1:])
                return tuple(bit == "1" for bit in bits[: len(bits) - content[0]])
            case 12:
                return object_id(content)
    except (struct.error, IndexError) as err:
        raise LinkProtocolError(f"value with tag {tag} is malformed") from err
    return content


def null() -> bytes:
    """Encode Null, which relinquishes a command."""
    return b"\x00"


def unsigned(value: int) -> bytes:
    """Encode an unsigned integer."""
    return _tagged(_UNSIGNED, _minimal(value))


def integer(value: int) -> bytes:
    """Encode a signed integer; raises OverflowError beyond 32 bits."""
    return _tagged(_INTEGER, value.to_bytes(4, signed=True))


def real(value: float) -> bytes:
    """Encode a 32-bit float; raises OverflowError."""
    return _tagged(_REAL, struct.pack(">f", value))


def double(value: float) -> bytes:
    """Encode a 64-bit float."""
    return _tagged(_DOUBLE, struct.pack(">d", value))


def enumerated(value: int) -> bytes:
    """Encode a member of an enumeration."""
    return _tagged(_ENUMERATED, _minimal(value))


def boolean(value: bool) -> bytes:
    """Encode a boolean."""
    return bytes([_BOOLEAN << 4 | value])


def octets(value: bytes) -> bytes:
    """Encode an octet string."""
    return _tagged(_OCTETS, value)


def character_string(value: str) -> bytes:
    """Encode a text, as UTF-8."""
    return _tagged(_TEXT, b"\0" + value.encode(errors="replace"))


def bit_string(bits: Iterable[bool]) -> bytes:
    """Encode a bit string, the first bit first."""
    digits = "".join("1" if bit else "0" for bit in bits)
    unused = -len(digits) % 8
    packed = int(digits + "0" * unused or "0", 2)
    return _tagged(
        _BITS, bytes([unused]) + packed.to_bytes((len(digits) + unused) // 8)
    )


def object_identifier(value: ObjectId) -> bytes:
    """Encode an object identifier."""
    return _tagged(_OBJECT_ID, struct.pack(">I", value.type << 22 | value.instance))


def read_property(ref: Ref) -> bytes:
    """Encode a ReadProperty request."""
    return context_object(0, ref.object) + _reference(0, ref)


def read_property_multiple(refs: Iterable[Ref]) -> bytes:
    """Encode a ReadPropertyMultiple request; neighbours of one object are grouped."""
    parts = bytearray()
    for target, group in groupby(refs, key=lambda ref: ref.object):
        parts += context_object(0, target) + b"\x1e"
        for ref in group:
            parts += _reference(-1, ref)
        parts += b"\x1f"
    return bytes(parts)


def write_property(ref: Ref, value: bytes, priority: int | None) -> bytes:
    """Encode a WriteProperty request of an encoded value."""
    request = (
        context_object(0, ref.object) + _reference(0, ref) + b"\x3e" + value + b"\x3f"
    )
    return request if priority is None else request + context_unsigned(4, priority)


def subscribe_cov(process: int, target: ObjectId, lifetime_s: int | None) -> bytes:
    """Encode a SubscribeCOV request; lifetime None cancels.

    Notifications are asked for unconfirmed: a controller keeps no queue for us when
    we are gone, and a lost one is made up for at the next renewal.
    """
    request = context_unsigned(0, process) + context_object(1, target)
    if lifetime_s is None:
        return request
    return request + context(2, b"\x00") + context_unsigned(3, lifetime_s)


def property_of(answer: bytes) -> tuple[Ref, Property]:
    """Decode the answer to a ReadProperty request, and what it is about."""
    parser = Parser(answer)
    target = object_id(parser.expect_context(0))
    number = int.from_bytes(parser.expect_context(1))
    element = parser.element(2)
    return Ref(target, number, element), parser.values(3)


def properties_of(answer: bytes) -> dict[Ref, Property | PropertyError]:
    """Decode the answer to a ReadPropertyMultiple request."""
    found: dict[Ref, Property | PropertyError] = {}
    parser = Parser(answer)
    while not parser.at_end:
        target = object_id(parser.expect_context(0))
        parser.expect_opening(1)
        while not parser.at_closing(1):
            number = int.from_bytes(parser.expect_context(2))
            ref = Ref(target, number, parser.element(3))
            if parser.at_opening(5):
                found[ref] = _error(parser.values(5))
            else:
                found[ref] = parser.values(4)
        parser.expect_closing(1)
    return found


def error_of(answer: bytes) -> PropertyError:
    """Decode the content of an Error."""
    return _error(
        tuple(primitive(tag.number, tag.length, tag.content) for tag in _tags(answer))
    )


def object_id(content: bytes) -> ObjectId:
    """Decode an object identifier; raises LinkProtocolError."""
    if len(content) != 4:
        raise LinkProtocolError("object identifier is malformed")
    packed = int.from_bytes(content)
    return ObjectId(packed >> 22, packed & 0x3FFFFF)


def _error(values: Property) -> PropertyError:
    match values:
        case (int(error_class), int(error_code)):
            return PropertyError(error_class, error_code)
    raise LinkProtocolError("error class and code expected")


class Tag(NamedTuple):
    """A tag with what it carries."""

    kind: str
    """ "application", "context", "opening" or "closing"."""
    number: int
    length: int
    content: bytes


class Parser:
    """Walks through the tags of a message; raises LinkProtocolError."""

    def __init__(self, answer: bytes) -> None:
        """Take all that follows the header."""
        self._tags = list(_tags(answer))
        self._next = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._next >= len(self._tags)

    def at_opening(self, number: int) -> bool:
        """Whether an opening tag is next."""
        return self._at("opening", number)

    def at_closing(self, number: int) -> bool:
        """Whether a closing tag is next."""
        return self._at("closing", number)

    def at_context(self, number: int) -> bool:
        """Whether a value with a context tag is next."""
        return self._at("context", number)

    def expect_context(self, number: int) -> bytes:
        """Take the content of a context tag."""
        return self._expect("context", number).content

    def expect_opening(self, number: int) -> None:
        """Take an opening tag."""
        self._expect("opening", number)

    def expect_closing(self, number: int) -> None:
        """Take a closing tag."""
        self._expect("closing", number)

    def element(self, number: int) -> int | None:
        """Take an array's index where there is one."""
        if not self._at("context", number):
            return None
        return int.from_bytes(self.expect_context(number))

    def unsigned(self, number: int) -> int:
        """Take an unsigned number of at most 32 bits."""
        content = self.expect_context(number)
        if not 0 < len(content) <= 4:
            raise LinkProtocolError("number is malformed")
        return int.from_bytes(content)

    def optional(self, number: int) -> int | None:
        """Take an unsigned number where there is one."""
        return self.unsigned(number) if self.at_context(number) else None

    def enclosed(self, number: int) -> list[Tag]:
        """Take the tags between an opening and a closing one."""
        self._expect("opening", number)
        found: list[Tag] = []
        depth = 0
        while depth or not self.at_closing(number):
            tag = self._take()
            depth += {"opening": 1, "closing": -1}.get(tag.kind, 0)
            found.append(tag)
        self._expect("closing", number)
        return found

    def end(self) -> None:
        """Check that nothing is left."""
        if not self.at_end:
            raise LinkProtocolError("more than expected")

    def values(self, number: int) -> Property:
        """Take what stands between an opening and a closing tag."""
        self._expect("opening", number)
        values: list[Primitive] = []
        depth = 0
        while depth or not self.at_closing(number):
            tag = self._take()
            if tag.kind == "opening":
                depth += 1
            elif tag.kind == "closing":
                depth -= 1
            elif tag.kind == "application" and not depth:
                values.append(primitive(tag.number, tag.length, tag.content))
        self._expect("closing", number)
        return tuple(values)

    def _at(self, kind: str, number: int) -> bool:
        if self.at_end:
            return False
        tag = self._tags[self._next]
        return tag.kind == kind and tag.number == number

    def _expect(self, kind: str, number: int) -> Tag:
        if not self._at(kind, number):
            raise LinkProtocolError(f"{kind} tag {number} expected")
        return self._take()

    def _take(self) -> Tag:
        if self.at_end:
            raise LinkProtocolError("the answer ends too early")
        self._next += 1
        return self._tags[self._next - 1]


def _tags(answer: bytes) -> Iterator[Tag]:
    position = 0
    try:
        while position < len(answer):
            first = answer[position]
            position += 1
            number, is_context, length = first >> 4, first & 8, first & 7
            if number == 15:
                number = answer[position]
                position += 1
            if is_context and length in (6, 7):
                yield Tag("opening" if length == 6 else "closing", number, 0, b"")
                continue
            if length == 5:
                length = answer[position]
                position += 1
                if length >= 254:
                    width = 2 if length == 254 else 4
                    length = int.from_bytes(answer[position : position + width])
                    position += width
            if not is_context and number == _BOOLEAN:
                yield Tag("application", number, length, b"")
                continue
            content = answer[position : position + length]
            if len(content) < length:
                raise LinkProtocolError("the answer ends too early")
            position += length
            yield Tag(
                "context" if is_context else "application", number, length, content
            )
    except IndexError as err:
        raise LinkProtocolError("the answer ends too early") from err


def _minimal(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 5:
        return bytes([tag << 4 | length]) + content
    if length < 254:
        return bytes([tag << 4 | 5, length]) + content
    return bytes([tag << 4 | 5, 254]) + length.to_bytes(2) + content


def context(number: int, content: bytes) -> bytes:
    """Encode a value of at most 4 bytes with a context tag."""
    return bytes([number << 4 | 8 | len(content)]) + content


def enclosed(number: int, content: bytes) -> bytes:
    """Put an opening and a closing tag around content."""
    return bytes([number << 4 | 0xE]) + content + bytes([number << 4 | 0xF])


def context_unsigned(number: int, value: int) -> bytes:
    """Encode an unsigned or enumerated value with a context tag."""
    return context(number, _minimal(value))


def context_object(number: int, target: ObjectId) -> bytes:
    """Encode an object identifier with a context tag."""
    return context(number, struct.pack(">I", target.type << 22 | target.instance))


def _reference(before: int, ref: Ref) -> bytes:
    """Encode property and index with the context numbers after ``before``."""
    encoded = context_unsigned(before + 1, ref.property)
    if ref.element is None:
        return encoded
    return encoded + context_unsigned(before + 2, ref.element)
