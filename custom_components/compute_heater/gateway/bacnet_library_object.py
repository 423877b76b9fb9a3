"""Objects of the library that belong to our device: the network port."""

import inspect
from typing import Any

from bacpypes3.constructeddata import Any as Encoded, Array

from ..building.bacnet_apdu import ObjectId
from ..building.bacnet_app import BuildingApplication
from .bacnet_objects import PROPERTY_LIST, Content, listed


class LibraryObject:
    """Reads an object that the library keeps."""

    def __init__(self, app: BuildingApplication, target: ObjectId) -> None:
        """Take one that exists."""
        self._object = next(
            one
            for (kind, instance), one in app.objectIdentifier.items()
            if (int(kind), int(instance)) == target
        )
        self.name = str(self._object.objectName)
        self._attributes: dict[int, str] = {}
        for attribute in self._object._elements:  # noqa: SLF001
            number = int(self._object._property_identifier_class(attribute))  # noqa: SLF001
            is_there = inspect.getattr_static(self._object, attribute, None) is not None
            if is_there and number != PROPERTY_LIST:
                self._attributes[number] = attribute

    @property
    def numbers(self) -> list[int]:
        """The properties that it has, without the list of them."""
        return [one for one in self._attributes if self.read(one) is not None]

    def read(self, number: int) -> Content | None:
        """Return a property; None: it has no such."""
        if number == PROPERTY_LIST:
            return listed(self.numbers)
        if (attribute := self._attributes.get(number)) is None:
            return None
        value = getattr(self._object, attribute)
        if value is None:
            return None
        if isinstance(value, Array):
            return tuple(_encoded(one) for one in value)
        return _encoded(value)


def _encoded(value: Any) -> bytes:
    return bytes(Encoded(value).tagList.encode().pduData)
