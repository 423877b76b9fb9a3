"""A building operator's workstation: writes to the house over real BACnet/IP."""

import asyncio
from types import TracebackType
from typing import Self

from bacpypes3.apdu import ErrorRejectAbortNack
from bacpypes3.app import Application
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import Null, ObjectIdentifier

from .errors import OperatorError
from .ports import free_udp_port

MANUAL_OPERATOR = 8
"""BACnet's priority for a person at a workstation; the integration writes below it."""
TAP_FLOW = "analog-value,4"
HEAT_DEMAND = "analog-value,3"
DHW_SETPOINT = "analog-value,1"


class Operator:
    """A BACnet client of its own, on its own port."""

    def __init__(self, house_port: int) -> None:
        self._house = Address(f"127.0.0.1:{house_port}")
        self._application: Application | None = None

    async def __aenter__(self) -> Self:
        """Open the port."""
        application = Application.from_object_list(
            [
                DeviceObject(
                    objectIdentifier=("device", 3998),
                    objectName="Operator",
                    vendorIdentifier=999,
                    apduTimeout=2000,
                    numberOfApduRetries=1,
                ),
                NetworkPortObject(
                    IPv4Address(f"127.0.0.1/8:{free_udp_port()}"),
                    objectIdentifier=("network-port", 1),
                    objectName="Loopback",
                ),
            ]
        )
        self._application = application
        async with asyncio.timeout(5):
            while any(  # noqa: ASYNC110 - bacpypes3 tells nobody
                layer.server.local_transport is None
                for layer in application.link_layers.values()
            ):
                await asyncio.sleep(0.01)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the port."""
        if self._application is not None:
            self._application.close()

    async def read(self, point: str) -> float:
        """Return the present value of an analog point; raises OperatorError."""
        assert self._application is not None
        try:
            return float(
                await self._application.read_property(
                    self._house, ObjectIdentifier(point), "present-value"
                )
            )
        except ErrorRejectAbortNack as error:
            raise OperatorError(f"{point}: {error}") from error

    async def write(self, point: str, value: float) -> None:
        """Command a point, e.g. "analog-value,4"; raises OperatorError."""
        await self._write(point, value)

    async def relinquish(self, point: str) -> None:
        """Give a point back to whoever comes next in its priority array."""
        await self._write(point, Null(()))

    async def draw_off(self, litres: float, litres_per_minute: float = 12.0) -> None:
        """Open the tap and close it again."""
        await self.write(TAP_FLOW, litres_per_minute)
        try:
            await asyncio.sleep(litres / litres_per_minute * 60)
        finally:
            await self.relinquish(TAP_FLOW)

    async def _write(self, point: str, value: object) -> None:
        assert self._application is not None
        try:
            await self._application.write_property(
                self._house,
                ObjectIdentifier(point),
                "present-value",
                value,
                priority=MANUAL_OPERATOR,
            )
        except ErrorRejectAbortNack as error:
            raise OperatorError(f"{point} = {value}: {error}") from error
