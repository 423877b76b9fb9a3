"""Objects of the library that belong to our device: the network port."""

import inspect
from typing import Any

from bacpypes3.constructeddata import Any as Encoded, Array

from ..building.bacnet_apdu import ObjectId
from ..building.bacnet_app import BuildingApplication
from .bacnet_objects import PROPERTY_LIST, Content, listed


class LibraryObject:
    """What an object that the library keeps was when we began; it does not change.

    The library takes a hundred times as long for each read.
    """

    def __init__(self, app: BuildingApplication, target: ObjectId) -> None:
        """Take one that exists."""
        kept = next(
            one
            for (kind, instance), one in app.objectIdentifier.items()
            if (int(kind), int(instance)) == target
        )
        self.name = str(kept.objectName)
        self._properties = {
            number: content
            for number, content in _properties(kept)
            if number != PROPERTY_LIST
        }
        self._properties[PROPERTY_LIST] = listed(self._properties)

    @property
    def numbers(self) -> list[int]:
        """The properties that it has, without the list of them."""
        return [one for one in self._properties if one != PROPERTY_LIST]

    def read(self, number: int) -> Content | None:
        """Return a property; None: it has no such."""
        return self._properties.get(number)


def _properties(kept: Any) -> list[tuple[int, Content]]:
    found: list[tuple[int, Content]] = []
    for attribute in kept._elements:  # noqa: SLF001
        if inspect.getattr_static(kept, attribute, None) is None:
            continue
        number = int(kept._property_identifier_class(attribute))  # noqa: SLF001
        value = getattr(kept, attribute)
        if isinstance(value, Array):
            found.append((number, tuple(_encoded(one) for one in value)))
        elif value is not None:
            found.append((number, _encoded(value)))
    return found


def _encoded(value: Any) -> bytes:
    return bytes(Encoded(value).tagList.encode().pduData)
