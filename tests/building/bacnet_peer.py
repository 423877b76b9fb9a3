"""A BACnet/IP controller on loopback: bacpypes3, with the habits of real ones."""

import asyncio
from collections.abc import Iterable
import math
from typing import Any

from bacpypes3.app import Application
from bacpypes3.basetypes import HostNPort, IPMode, StatusFlags
from bacpypes3.errors import ObjectError, PropertyError, UnrecognizedService
from bacpypes3.local.analog import (
    AnalogInputObject,
    AnalogOutputObject,
    AnalogValueObject,
)
from bacpypes3.local.binary import BinaryInputObject, BinaryValueObject
from bacpypes3.local.cmd import Commandable
from bacpypes3.local.cov import GenericCriteria
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateValueObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.object import (
    IntegerValueObject,
    LargeAnalogValueObject,
    PositiveIntegerValueObject,
)
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import Null, ObjectIdentifier

from .ports import free_udp_port

NORMAL = {"statusFlags": [0, 0, 0, 0], "eventState": "normal", "outOfService": False}


class _Guarded:
    """The library lets anybody write anything."""

    writable = False
    _ignores_writes = False
    """Acknowledges and does nothing."""

    async def write_property(
        self, attr: Any, value: Any, index: Any = None, priority: Any = None
    ) -> None:
        if not self.writable:
            raise PropertyError(errorCode="writeAccessDenied")
        if self._ignores_writes:
            return
        if isinstance(value, float) and not math.isfinite(value):
            raise PropertyError(errorCode="valueOutOfRange")
        high = getattr(self, "maxPresValue", None)
        if isinstance(value, float) and high is not None and value > high:
            value = high  # limits in silence
        if isinstance(value, Null) and not isinstance(self, Commandable):
            return
        await super().write_property(attr, value, index, priority)  # type: ignore[misc]


class AnalogInput(_Guarded, AnalogInputObject):
    _flags: list[int] | None = None
    """Status flags that do not follow from the object's state."""

    @property
    def statusFlags(self) -> Any:
        return super().statusFlags if self._flags is None else StatusFlags(self._flags)

    @statusFlags.setter
    def statusFlags(self, value: Any) -> None:
        pass


class BinaryInput(_Guarded, BinaryInputObject):
    pass


class AnalogOutput(_Guarded, AnalogOutputObject):
    writable = True


class AnalogValue(_Guarded, Commandable, AnalogValueObject):
    writable = True
    _lags = False
    """The present value stays where it is whatever is commanded."""

    def recalculating(self) -> None:
        if not self._lags:
            super().recalculating()


class PlainValue(_Guarded, AnalogValueObject):
    """An analog value without priority array."""

    writable = True


class BinaryValue(_Guarded, Commandable, BinaryValueObject):
    writable = True


class MultiStateValue(_Guarded, Commandable, MultiStateValueObject):
    writable = True
    _cov_criteria = GenericCriteria


class Device(_Guarded, DeviceObject):
    _has_revision = True

    async def read_property(self, attr: Any, index: Any = None) -> Any:
        if not self._has_revision and str(attr) == "database-revision":
            raise PropertyError(errorCode="unknownProperty")
        return await super().read_property(attr, index)


class NetworkPort(_Guarded, NetworkPortObject):
    pass


class _Application(Application):
    """Counts requests and can refuse services."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.requests: list[str] = []
        self.mute = False
        """Hangs: takes every request and answers none."""
        self.multiple = True
        """Knows ReadPropertyMultiple."""
        self.strict = False
        """Refuses the whole request for one unknown object."""
        self.wildcard = True
        """Answers for device instance 4194303."""
        self.delay_s = 0.0
        """Thinks so long about every request."""

    async def indication(self, apdu: Any) -> None:
        self.requests.append(type(apdu).__name__)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if not self.mute:
            await super().indication(apdu)

    async def do_ReadPropertyRequest(self, apdu: Any) -> None:
        if not self.wildcard and apdu.objectIdentifier == ("device", 4194303):
            raise ObjectError(errorCode="unknownObject")
        await super().do_ReadPropertyRequest(apdu)

    async def do_ReadPropertyMultipleRequest(self, apdu: Any) -> None:
        if not self.multiple:
            raise UnrecognizedService("not here")
        if self.strict and any(
            not self.get_object_id(spec.objectIdentifier)
            for spec in apdu.listOfReadAccessSpecs
        ):
            raise ObjectError(errorCode="unknownObject")
        await super().do_ReadPropertyMultipleRequest(apdu)


class BacnetPeer:
    """One controller; everything may be changed while it runs."""

    def __init__(
        self,
        instance: int = 3001,
        *,
        is_bbmd: bool = False,
        bbmd: str | None = None,
        **device: Any,
    ) -> None:
        """Make a controller; with ``bbmd`` it is a foreign device registered there."""
        self.port = free_udp_port()
        self.instance = instance
        self._is_bbmd = is_bbmd
        self._bbmd = bbmd
        self._device = device
        self._app: _Application | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def app(self) -> _Application:
        assert self._app is not None
        return self._app

    def object(self, kind: str, instance: int) -> Any:
        return self.app.get_object_id(ObjectIdentifier(f"{kind},{instance}"))

    async def start(self, objects: Iterable[Any] | None = None) -> None:
        device = {
            "objectName": f"controller-{self.instance}",
            "vendorIdentifier": 999,
            "vendorName": "Vendor",
            "modelName": "DDC",
            "firmwareRevision": "1.2",
            "maxApduLengthAccepted": 1476,
            "maxSegmentsAccepted": 64,
            **self._device,
        }
        self._app = _Application.from_object_list(
            [
                Device(objectIdentifier=("device", self.instance), **device),
                self._network_port(),
                *(usual_objects() if objects is None else objects),
            ]
        )
        async with asyncio.timeout(3):
            while any(  # noqa: ASYNC110
                link.server.local_transport is None
                or link.server.broadcast_transport is None
                for link in self._app.link_layers.values()
            ):
                await asyncio.sleep(0.01)

    def _network_port(self) -> NetworkPort:
        port = NetworkPort(
            IPv4Address(f"127.0.0.1/8:{self.port}"),
            objectIdentifier=("network-port", 1),
            objectName="port",
            networkNumber=0,
            networkNumberQuality="unknown",
        )
        if self._is_bbmd:
            port.bacnetIPMode = IPMode.bbmd
            port.bbmdAcceptFDRegistrations = True
            port.bbmdForeignDeviceTable = []
            port.bbmdBroadcastDistributionTable = []
        elif self._bbmd is not None:
            port.bacnetIPMode = IPMode.foreign
            port.fdBBMDAddress = HostNPort(self._bbmd)
            port.fdSubscriptionLifetime = 60
        return port

    async def registered(self) -> None:
        """Wait until the BBMD has taken us up."""
        (link,) = self.app.link_layers.values()
        async with asyncio.timeout(3):
            await link._registration_event.wait()

    async def stop(self) -> None:
        """Vanish without a word; no timer stays."""
        if self._app is None:
            return
        app, self._app = self._app, None
        for link in app.link_layers.values():
            if self._bbmd is not None:
                link._stop_tracking_registration()
            if self._is_bbmd and link._fdt_clock_handle is not None:
                link._fdt_clock_handle.cancel()
        app.close()
        for detection in app._cov_detections.values():
            for subscription in detection.cov_subscriptions:
                subscription.cancel_subscription()
        for machine in app.asap.clientTransactions + app.asap.serverTransactions:
            machine.stop_timer()
        await asyncio.sleep(0.01)


def usual_objects() -> list[Any]:
    return [
        AnalogInput(
            objectIdentifier=("analog-input", 1), objectName="TWW oben °C",
            presentValue=48.3, units="degreesCelsius", covIncrement=0.1,
            description="Speicher, oben", **NORMAL,
        ),
        BinaryInput(
            objectIdentifier=("binary-input", 1), objectName="Anforderung",
            presentValue="active", polarity="normal", **NORMAL,
        ),
        AnalogOutput(
            objectIdentifier=("analog-output", 1), objectName="Ventil",
            presentValue=0.0, units="percent", covIncrement=1.0,
            relinquishDefault=0.0, **NORMAL,
        ),
        AnalogValue(
            objectIdentifier=("analog-value", 1), objectName="Leistung",
            presentValue=1500.0, minPresValue=0.0, maxPresValue=3000.0,
            units="watts", covIncrement=10.0, relinquishDefault=1500.0, **NORMAL,
        ),
        PlainValue(
            objectIdentifier=("analog-value", 2), objectName="Sollwert",
            presentValue=50.0, units="degreesCelsius", covIncrement=0.1, **NORMAL,
        ),
        BinaryValue(
            objectIdentifier=("binary-value", 1), objectName="Freigabe",
            presentValue="active", relinquishDefault="active", **NORMAL,
        ),
        MultiStateValue(
            objectIdentifier=("multi-state-value", 1), objectName="Stufe",
            presentValue=1, numberOfStates=4, relinquishDefault=1,
            stateText=["off", "eco", "normal", "boost"], **NORMAL,
        ),
    ]  # fmt: skip


def rare_objects() -> list[Any]:
    """Integers and doubles, as few controllers have them."""
    return [
        IntegerValueObject(
            objectIdentifier=("integer-value", 1), objectName="Offset",
            presentValue=-3, units="deltaDegreesKelvin", **NORMAL,
        ),
        PositiveIntegerValueObject(
            objectIdentifier=("positive-integer-value", 1), objectName="Starts",
            presentValue=123456789, units="noUnits", **NORMAL,
        ),
        LargeAnalogValueObject(
            objectIdentifier=("large-analog-value", 1), objectName="Zähler",
            presentValue=123456789.125, units="kilowattHours", **NORMAL,
        ),
    ]  # fmt: skip


def many_inputs(count: int) -> list[Any]:
    return [
        AnalogInput(
            objectIdentifier=("analog-input", 1000 + n), objectName=f"point {n}",
            presentValue=float(n), units="degreesCelsius", covIncrement=0.1, **NORMAL,
        )
        for n in range(count)
    ]  # fmt: skip
