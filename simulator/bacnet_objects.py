"""BACnet objects that protect themselves.

bacpypes3 lets anybody write any property of its objects, so each of ours says which
property may be written from outside and with which values.
"""

from typing import Any, ClassVar

from bacpypes3.basetypes import StatusFlags
from bacpypes3.errors import PropertyError
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject, BinaryValueObject
from bacpypes3.local.cmd import Commandable
from bacpypes3.local.cov import GenericCriteria
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateValueObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.primitivedata import Null

RESERVED_PRIORITY = 6
"""Of minimum on and off times; no one may command with it (standard, clause 19.2.3)."""


class Guarded:
    """Refuses every write but that of a whitelisted, valid present-value."""

    _commandable: ClassVar[bool] = False

    async def write_property(
        self,
        attr: int | str,
        value: Any,
        index: int | None = None,
        priority: int | None = None,
    ) -> None:
        """Write for a client; raises PropertyError for what it may not do."""
        name = self._property_identifier_class(attr).attr  # type: ignore[attr-defined]
        if not self._commandable or name != "presentValue":
            raise PropertyError("writeAccessDenied")
        if priority == RESERVED_PRIORITY:
            raise PropertyError("writeAccessDenied")
        if priority is not None and not 1 <= priority <= 16:
            raise PropertyError("valueOutOfRange")
        if not isinstance(value, Null) and not self._accepts(value):
            raise PropertyError("valueOutOfRange")
        await super().write_property(attr, value, index, priority)  # type: ignore[misc]
        self._commanded()

    def _accepts(self, value: Any) -> bool:
        return True

    def _commanded(self) -> None:
        """Tell the owner that the present value may have changed."""


class Sound(Guarded):
    """Never in alarm, at fault, overridden or out of service."""

    _flags = StatusFlags([0, 0, 0, 0])

    @property
    def statusFlags(self) -> StatusFlags:
        """Status flags, without the library's search for trouble at every read."""
        return self._flags

    @statusFlags.setter
    def statusFlags(self, _value: Any) -> None:
        pass


class GuardedDevice(Guarded, DeviceObject):  # type: ignore[misc]
    """The device object."""


class GuardedNetworkPort(Guarded, NetworkPortObject):  # type: ignore[misc]
    """The network port."""


class AnalogInput(Sound, AnalogInputObject):  # type: ignore[misc]
    """A measured value."""


class BinaryInput(Sound, BinaryInputObject):  # type: ignore[misc]
    """A measured state."""


class Command(Sound, Commandable):  # type: ignore[misc]
    """A value with a priority array; calls ``on_command`` after every write."""

    _commandable = True
    _on_command: Any = None

    @property
    def is_commanded(self) -> bool:
        """Some priority holds; otherwise the relinquish default does."""
        return bool(self.currentCommandPriority.null is None)

    def set_default(self, value: Any) -> None:
        """Change the relinquish default."""
        if self.relinquishDefault == value:  # type: ignore[has-type]
            return
        self.relinquishDefault = value
        self.recalculating()

    def _commanded(self) -> None:
        if self._on_command is not None:
            self._on_command()


class AnalogCommand(Command, AnalogValueObject):  # type: ignore[misc]
    """A commandable number within its limits."""

    def _accepts(self, value: Any) -> bool:
        # Not-a-number compares false, so it is refused as well.
        return bool(self.minPresValue <= value <= self.maxPresValue)


class BinaryCommand(Command, BinaryValueObject):  # type: ignore[misc]
    """A commandable switch."""


class MultiStateCommand(Command, MultiStateValueObject):  # type: ignore[misc]
    """A commandable choice."""

    # The stock class compares states by an increment that it does not have.
    _cov_criteria = GenericCriteria

    def _accepts(self, value: Any) -> bool:
        return 1 <= int(value) <= int(self.numberOfStates)
