"""Bytes of BACnet requests and answers, held against the library's own coding."""

from contextlib import suppress
import struct
from typing import Any

from bacpypes3.apdu import (
    APCISequence,
    ConfirmedRequestPDU,
    ReadPropertyACK,
    ReadPropertyMultipleACK,
    SubscribeCOVRequest,
)
from bacpypes3.basetypes import (
    ErrorType,
    PropertyIdentifier,
    ReadAccessResult,
    ReadAccessResultElement,
    ReadAccessResultElementChoice,
    StatusFlags,
)
from bacpypes3.constructeddata import Any as AnyValue, ArrayOf, SequenceOf
from bacpypes3.primitivedata import (
    BitString,
    CharacterString,
    Double,
    Enumerated,
    Integer,
    Null,
    ObjectIdentifier,
    OctetString,
    Real,
    Unsigned,
)
from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.building import bacnet_apdu as ours
from custom_components.compute_heater.building.bacnet_apdu import (
    ObjectId,
    PropertyError,
    Ref,
)
from custom_components.compute_heater.building.bacnet_objects import (
    BY_NAME,
    decode,
    encode,
    is_sound,
    unit_text,
)
from custom_components.compute_heater.building.points import LinkProtocolError

ANALOG = ObjectId(2, 7)
numbers = st.integers(0, 4194302)
refs = st.builds(
    Ref,
    st.builds(ObjectId, st.integers(0, 1023), numbers),
    numbers,
    st.none() | st.integers(0, 70_000),
)


def library_request(service: int, content: bytes) -> Any:
    request = ConfirmedRequestPDU(service)
    request.put_data(content)
    return APCISequence.decode(request)


def content(sequence: Any) -> bytes:
    return bytes(sequence.encode().pduData)


@given(ref=refs)
def test_read_property_is_understood_by_the_library(ref: Ref) -> None:
    request = library_request(ours.READ_PROPERTY, ours.read_property(ref))
    kind, instance = request.objectIdentifier
    assert ObjectId(int(kind), int(instance)) == ref.object
    assert int(request.propertyIdentifier) == ref.property
    assert request.propertyArrayIndex == ref.element


@given(wanted=st.lists(refs, min_size=1, max_size=20))
def test_read_property_multiple_is_understood_by_the_library(wanted: list[Ref]) -> None:
    request = library_request(
        ours.READ_PROPERTY_MULTIPLE, ours.read_property_multiple(wanted)
    )
    understood = [
        Ref(
            ObjectId(*map(int, spec.objectIdentifier)),
            int(one.propertyIdentifier),
            one.propertyArrayIndex,
        )
        for spec in request.listOfReadAccessSpecs
        for one in spec.listOfPropertyReferences
    ]
    assert understood == wanted


@pytest.mark.parametrize(
    ("encoded", "kind", "value"),
    [
        (ours.real(21.5), Real, 21.5),
        (ours.double(1e200), Double, 1e200),
        (ours.unsigned(0), Unsigned, 0),
        (ours.unsigned(300), Unsigned, 300),
        (ours.integer(-3), Integer, -3),
        (ours.enumerated(1), Enumerated, 1),
        (ours.null(), Null, ()),
    ],
)
def test_write_property_is_understood_by_the_library(
    encoded: bytes, kind: type, value: object
) -> None:
    for priority in (None, 16):
        request = library_request(
            ours.WRITE_PROPERTY, ours.write_property(Ref(ANALOG, 85), encoded, priority)
        )
        assert request.propertyValue.cast_out(kind) == value
        assert request.priority == priority


def test_subscribe_cov_is_understood_by_the_library() -> None:
    request = library_request(ours.SUBSCRIBE_COV, ours.subscribe_cov(300, ANALOG, 120))
    assert isinstance(request, SubscribeCOVRequest)
    assert request.subscriberProcessIdentifier == 300
    assert request.lifetime == 120
    assert request.issueConfirmedNotifications == 0
    cancel = library_request(ours.SUBSCRIBE_COV, ours.subscribe_cov(1, ANALOG, None))
    assert cancel.lifetime is None
    assert cancel.issueConfirmedNotifications is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Real(21.5), (21.5,)),
        (Double(1e200), (1e200,)),
        (Unsigned(4711), (4711,)),
        (Integer(-4711), (-4711,)),
        (Enumerated(3), (3,)),
        (Null(()), (None,)),
        (CharacterString("Warmwasser °C"), ("Warmwasser °C",)),
        (CharacterString("x" * 300), ("x" * 300,)),
        (OctetString(b"\1\2"), (b"\1\2",)),
        (BitString([1, 0, 1]), ((True, False, True),)),
        (StatusFlags([0, 1, 0, 1]), ((False, True, False, True),)),
        (ObjectIdentifier("analog-value,7"), (ANALOG,)),
        (ArrayOf(CharacterString)(["off", "on"]), ("off", "on")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_the_library(value: Any, expected: object) -> None:
    answer = ReadPropertyACK(
        objectIdentifier=("analog-value", 7),
        propertyIdentifier="presentValue",
        propertyArrayIndex=3,
        propertyValue=AnyValue(value),
    )
    assert ours.property_of(content(answer))[1] == expected


@pytest.mark.parametrize(
    ("charset", "text", "raw"),
    [
        (0, "Süd", "Süd".encode()),
        (4, "Süd", "Süd".encode("utf-16-be")),
        (5, "Süd", "Süd".encode("latin-1")),
        (3, "Süd", "Süd".encode("utf-32-be")),
        (2, "S", b"S\0"),
    ],
)
def test_character_sets(charset: int, text: str, raw: bytes) -> None:
    assert ours.primitive(7, len(raw) + 1, bytes([charset]) + raw) == text


def test_application_tagged_boolean() -> None:
    assert ours.property_of(b"\x0c\0\x80\0\7\x19\x55\x3e\x11\x3f") == (
        Ref(ObjectId(2, 7), 85),
        (True,),
    )


def test_constructed_content_is_left_out() -> None:
    nested = b"\x0e\x21\x05\x0f" + ours.real(1.5)
    _, values = ours.property_of(b"\x0c\0\x80\0\7\x19\x55\x3e" + nested + b"\x3f")
    assert values == (1.5,)


def results() -> bytes:
    def element(number: str, **choice: Any) -> ReadAccessResultElement:
        return ReadAccessResultElement(
            propertyIdentifier=PropertyIdentifier(number),
            readResult=ReadAccessResultElementChoice(**choice),
        )

    answer = ReadPropertyMultipleACK(
        listOfReadAccessResults=SequenceOf(ReadAccessResult)(
            [
                ReadAccessResult(
                    objectIdentifier=("analog-value", 7),
                    listOfResults=[
                        element("presentValue", propertyValue=AnyValue(Real(1.5))),
                        element(
                            "reliability",
                            propertyAccessError=ErrorType(
                                errorClass="property", errorCode="unknownProperty"
                            ),
                        ),
                    ],
                )
            ]
        )
    )
    return content(answer)


def test_results_of_the_library() -> None:
    assert ours.properties_of(results()) == {
        Ref(ANALOG, 85): (1.5,),
        Ref(ANALOG, 103): PropertyError(2, 32),
    }


@pytest.mark.parametrize("length", range(1, len(results())))
def test_truncated_results_are_an_error(length: int) -> None:
    with pytest.raises(LinkProtocolError):
        ours.properties_of(results()[:length])


@given(garbage=st.binary(max_size=60))
def test_garbage_raises_nothing_else(garbage: bytes) -> None:
    for parse in (ours.properties_of, ours.property_of, ours.error_of):
        with suppress(LinkProtocolError):
            parse(garbage)


@given(position=st.integers(0, len(results()) - 1), byte=st.integers(0, 255))
def test_a_flipped_byte_raises_nothing_else(position: int, byte: int) -> None:
    damaged = bytearray(results())
    damaged[position] = byte
    with suppress(LinkProtocolError):
        ours.properties_of(bytes(damaged))


@pytest.mark.parametrize("wrong", [b"\x91\x02", b"\x44\0\0\0\0\x91\x20", b""])
def test_error_without_class_and_code(wrong: bytes) -> None:
    with pytest.raises(LinkProtocolError):
        ours.error_of(wrong)


def test_numbers_with_a_wrong_length() -> None:
    for tag in (4, 5, 12):
        with pytest.raises(LinkProtocolError):
            ours.primitive(tag, 3, b"\1\2\3")
    with pytest.raises(LinkProtocolError):
        ours.primitive(7, 0, b"")
    with pytest.raises(LinkProtocolError):
        ours.primitive(8, 0, b"")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("analog-value", 21.3),
        ("binary-value", True),
        ("binary-value", False),
        ("multi-state-value", 3.0),
        ("integer-value", -40.0),
        ("positive-integer-value", 70_000.0),
        ("large-analog-value", 123456789.125),
    ],
)
def test_present_value_there_and_back(name: str, value: float) -> None:
    kind = BY_NAME[name]
    answer = b"\x0c\0\x80\0\7\x19\x55\x3e" + encode(kind, value) + b"\x3f"
    _, (read,) = ours.property_of(answer)
    assert decode(kind, read) == value


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("analog-value", None),
        ("analog-value", "21"),
        ("analog-value", float("nan")),
        ("analog-value", True),
        ("binary-value", 2),
        ("binary-value", "on"),
        ("multi-state-value", 0),
    ],
)
def test_present_value_that_is_none(name: str, raw: Any) -> None:
    assert decode(BY_NAME[name], raw) is None


def test_flags_that_are_missing_or_odd_do_not_hide_a_value() -> None:
    assert is_sound(None, None)
    assert is_sound((), None)
    assert is_sound(ANALOG, 0)
    assert not is_sound((False, True, False, False), None)
    assert not is_sound(None, 1)


def test_units() -> None:
    assert unit_text(62) == "°C"
    assert unit_text(98) == "%"
    assert unit_text(95) is None
    assert unit_text(60_000) is None
    assert unit_text(183) == "joule seconds"


def test_real_is_four_bytes() -> None:
    assert ours.real(1.0) == b"\x44" + struct.pack(">f", 1.0)
    with pytest.raises(OverflowError):
        ours.real(1e39)
