"""Our device object, as controllers read it (clause 12.11)."""

from collections.abc import Callable, Sequence

from ..building import bacnet_apdu as apdu
from ..building.bacnet_apdu import ObjectId
from ..building.bacnet_app import VENDOR_ID
from ..building.bacnet_objects import (
    DATABASE_REVISION,
    DESCRIPTION,
    DEVICE,
    FIRMWARE_REVISION,
    MAX_APDU_LENGTH_ACCEPTED,
    MODEL_NAME,
    OBJECT_IDENTIFIER,
    OBJECT_LIST,
    OBJECT_NAME,
    SEGMENTATION_SUPPORTED,
    VENDOR_NAME,
)
from .bacnet_objects import OBJECT_TYPE, PROPERTY_LIST, Content, listed

APDU_SEGMENT_TIMEOUT = 10
APDU_TIMEOUT = 11
APPLICATION_SOFTWARE_VERSION = 12
DEVICE_ADDRESS_BINDING = 30
NUMBER_OF_APDU_RETRIES = 73
PROTOCOL_OBJECT_TYPES_SUPPORTED = 96
PROTOCOL_SERVICES_SUPPORTED = 97
PROTOCOL_VERSION = 98
SYSTEM_STATUS = 112
VENDOR_IDENTIFIER = 120
PROTOCOL_REVISION = 139
ACTIVE_COV_SUBSCRIPTIONS = 152
MAX_SEGMENTS_ACCEPTED = 167

NETWORK_PORT = ObjectId(56, 1)
_SERVICES = {
    1,  # ConfirmedCOVNotification
    5,  # SubscribeCOV
    12,  # ReadProperty
    14,  # ReadPropertyMultiple
    15,  # WriteProperty
    16,  # WritePropertyMultiple
    26,  # I-Am
    28,  # UnconfirmedCOVNotification
    33,  # Who-Has
    34,  # Who-Is
    38,  # SubscribeCOVProperty
}
"""What we execute, by the bits of BACnetServicesSupported."""
_SERVICE_BITS = 49
_OBJECT_TYPES = {0, 2, 3, 5, 8, 13, 19, 40, 56}
_OBJECT_TYPE_BITS = 65
_SEGMENTED_BOTH = 0


class DeviceObject:
    """What the device says of itself."""

    def __init__(
        self,
        device: object,
        *,
        instance: int,
        name: str,
        description: str,
        version: str,
        revision: int,
        objects: Sequence[ObjectId],
        subscriptions: Callable[[], bytes],
    ) -> None:
        """``device`` is the library's, for the limits that it works with."""
        self.identifier = ObjectId(DEVICE, instance)
        self.name = name
        all_objects = [self.identifier, NETWORK_PORT, *objects]
        self._active = subscriptions
        self._properties: dict[int, Content] = {
            OBJECT_IDENTIFIER: apdu.object_identifier(self.identifier),
            OBJECT_NAME: apdu.character_string(name),
            OBJECT_TYPE: apdu.enumerated(DEVICE),
            DESCRIPTION: apdu.character_string(description),
            SYSTEM_STATUS: apdu.enumerated(0),
            VENDOR_NAME: apdu.character_string("Compute Heater"),
            VENDOR_IDENTIFIER: apdu.unsigned(VENDOR_ID),
            MODEL_NAME: apdu.character_string("Compute Heater gateway"),
            FIRMWARE_REVISION: apdu.character_string(version),
            APPLICATION_SOFTWARE_VERSION: apdu.character_string(version),
            PROTOCOL_VERSION: apdu.unsigned(1),
            PROTOCOL_REVISION: apdu.unsigned(_limit(device, "protocolRevision")),
            PROTOCOL_SERVICES_SUPPORTED: apdu.bit_string(
                bit in _SERVICES for bit in range(_SERVICE_BITS)
            ),
            PROTOCOL_OBJECT_TYPES_SUPPORTED: apdu.bit_string(
                bit in _OBJECT_TYPES for bit in range(_OBJECT_TYPE_BITS)
            ),
            OBJECT_LIST: tuple(apdu.object_identifier(one) for one in all_objects),
            MAX_APDU_LENGTH_ACCEPTED: apdu.unsigned(
                _limit(device, "maxApduLengthAccepted")
            ),
            SEGMENTATION_SUPPORTED: apdu.enumerated(_SEGMENTED_BOTH),
            MAX_SEGMENTS_ACCEPTED: apdu.unsigned(_limit(device, "maxSegmentsAccepted")),
            APDU_SEGMENT_TIMEOUT: apdu.unsigned(_limit(device, "apduSegmentTimeout")),
            APDU_TIMEOUT: apdu.unsigned(_limit(device, "apduTimeout")),
            NUMBER_OF_APDU_RETRIES: apdu.unsigned(
                _limit(device, "numberOfApduRetries")
            ),
            DEVICE_ADDRESS_BINDING: b"",
            DATABASE_REVISION: apdu.unsigned(revision),
            ACTIVE_COV_SUBSCRIPTIONS: b"",
        }

    @property
    def numbers(self) -> list[int]:
        """The properties that it has, without the list of them."""
        return list(self._properties)

    def read(self, number: int) -> Content | None:
        """Return a property; None: it has no such."""
        if number == ACTIVE_COV_SUBSCRIPTIONS:
            return self._active()
        if number == PROPERTY_LIST:
            return listed(self._properties)
        return self._properties.get(number)


def _limit(device: object, name: str) -> int:
    return int(getattr(device, name))
