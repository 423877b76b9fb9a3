"""The house as a BACnet/IP device."""

import asyncio
from contextlib import suppress
import logging
from typing import Any

from bacpypes3.apdu import APDU, ConfirmedRequestPDU
from bacpypes3.app import Application
from bacpypes3.pdu import IPv4Address

from .answer_delay import AnswerDelay
from .bacnet_objects import (
    AnalogCommand,
    AnalogInput,
    BinaryCommand,
    BinaryInput,
    Command,
    GuardedDevice,
    GuardedNetworkPort,
    MultiStateCommand,
)
from .bacnet_points import (
    ANALOG_INPUTS,
    ANALOG_VALUES,
    BINARY_INPUTS,
    BINARY_VALUES,
    MODE_TEXTS,
    MULTI_STATE_VALUES,
    Input,
    Output,
)
from .commands import Mode, Setting
from .counters import Counters
from .extra_points import extra_inputs
from .house import House
from .ports import udp_port

_LOGGER = logging.getLogger(__name__)

DEVICE_INSTANCE = 3001
VENDOR_ID = 999
BIND_TIMEOUT_S = 5.0
NORMAL = {"eventState": "normal", "outOfService": False, "statusFlags": [0, 0, 0, 0]}


class _Application(Application):  # type: ignore[misc]
    """Counts what it serves and survives subscribers that are gone."""

    counters: Counters
    delay: AnswerDelay
    closed = False

    async def indication(self, apdu: APDU) -> None:
        if self.closed:
            return
        if isinstance(apdu, ConfirmedRequestPDU):
            await self.delay.hold()
        await super().indication(apdu)

    async def do_ReadPropertyRequest(self, apdu: APDU) -> None:
        await super().do_ReadPropertyRequest(apdu)
        self.counters.bacnet_reads += 1

    async def do_ReadPropertyMultipleRequest(self, apdu: APDU) -> None:
        await super().do_ReadPropertyMultipleRequest(apdu)
        self.counters.bacnet_reads += 1

    async def do_WritePropertyRequest(self, apdu: APDU) -> None:
        await super().do_WritePropertyRequest(apdu)
        self.counters.bacnet_writes += 1

    async def do_WritePropertyMultipleRequest(self, apdu: APDU) -> None:
        await super().do_WritePropertyMultipleRequest(apdu)
        self.counters.bacnet_writes += 1

    def cov_notification(self, cov: Any, apdu: APDU) -> None:
        super().cov_notification(cov, apdu)
        self.counters.bacnet_notifications += 1

    def cov_confirmation(self, cov: Any, future: asyncio.Future[Any]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            _LOGGER.debug("Subscriber %s does not answer: %s", cov.client_addr, error)

    def close(self) -> None:
        """Close the sockets; whatever they have received before is not heeded."""
        self.closed = True
        for detection in list(self._cov_detections.values()):
            for subscription in list(detection.cov_subscriptions):
                self.cancel_subscription(subscription)
        super().close()

    def stop_timers(self) -> None:
        """Cancel every timer that the stack leaves behind."""
        for transactions in (
            self.asap.clientTransactions,
            self.asap.serverTransactions,
        ):
            for transaction in transactions:
                transaction.stop_timer()
            transactions.clear()


class BacnetDevice:
    """Objects of the house; ``publish`` brings them up to date."""

    def __init__(
        self,
        house: House,
        counters: Counters,
        *,
        extra_points: int = 0,
        answer_delay_s: float = 0.0,
    ) -> None:
        self.port = 0
        self._analog_inputs = dict(enumerate(ANALOG_INPUTS, 1)) | extra_inputs(
            extra_points
        )
        self._delay = AnswerDelay(answer_delay_s)
        self._house = house
        self._counters = counters
        self._app: _Application | None = None
        self._inputs: list[tuple[AnalogInput | BinaryInput, Input]] = []
        self._commands: list[tuple[Command, Setting[Any]]] = []

    async def start(self, host: str, port: int = 0) -> None:
        """Listen on ``host``, on a free port where ``port`` is taken or 0.

        Raises OSError where the address cannot be used.
        """
        self.port = udp_port(host, port)
        prefix = 8 if host.startswith("127.") else 24
        objects = [
            GuardedDevice(
                objectIdentifier=("device", DEVICE_INSTANCE),
                objectName="Compute Heater test house",
                vendorIdentifier=VENDOR_ID,
                vendorName="Compute Heater",
                modelName="simulated house",
                firmwareRevision="1",
                applicationSoftwareVersion="1",
                maxApduLengthAccepted=1476,
                maxSegmentsAccepted=64,
                apduTimeout=1500,
                numberOfApduRetries=1,
            ),
            GuardedNetworkPort(
                IPv4Address(f"{host}/{prefix}:{self.port}"),
                objectIdentifier=("network-port", 1),
                objectName="Network port",
                networkNumber=0,
                networkNumberQuality="unknown",
            ),
            *self._make_inputs(),
            *self._make_commands(),
        ]
        app = self._app = _Application.from_object_list(objects)
        app.counters, app.delay = self._counters, self._delay
        self.publish()
        servers = [link.server for link in app.link_layers.values()]
        try:
            # bacpypes3 retries a failed bind for ever and without a word.
            async with asyncio.timeout(BIND_TIMEOUT_S):
                while any(server.local_transport is None for server in servers):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            await self.stop()
            raise OSError(f"cannot bind UDP {host}:{self.port}") from None

    async def stop(self) -> None:
        """Leave the network."""
        if self._app is None:
            return
        app, self._app = self._app, None
        tasks = [
            task
            for link in app.link_layers.values()
            for task in link.server._transport_tasks  # noqa: SLF001
        ]
        for task in tasks:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await self._delay.stop()
        app.close()
        # In the loop's next round the sockets close, and the last requests come up.
        await asyncio.sleep(0)
        app.stop_timers()

    def publish(self) -> None:
        """Show the house's present state to every reader and subscriber."""
        for obj, point in self._inputs:
            value = point.read(self._house)
            obj.presentValue = (
                round(value, 4)
                if isinstance(obj, AnalogInput)
                else ("active" if value else "inactive")
            )
        for command, setting in self._commands:
            command.set_default(_to_bacnet(setting.own))

    def _make_inputs(self) -> list[AnalogInput | BinaryInput]:
        for number, point in self._analog_inputs.items():
            analog = AnalogInput(
                objectIdentifier=("analog-input", number),
                objectName=point.name,
                description=point.description,
                presentValue=0.0,
                units=point.unit,
                covIncrement=point.increment,
                **NORMAL,
            )
            self._inputs.append((analog, point))
        for number, point in enumerate(BINARY_INPUTS, 1):
            binary = BinaryInput(
                objectIdentifier=("binary-input", number),
                objectName=point.name,
                description=point.description,
                presentValue="inactive",
                polarity="normal",
                **NORMAL,
            )
            self._inputs.append((binary, point))
        return [obj for obj, _ in self._inputs]

    def _make_commands(self) -> list[Command]:
        for number, point in enumerate(ANALOG_VALUES, 1):
            self._add_command(
                AnalogCommand,
                ("analog-value", number),
                point,
                units=point.unit,
                covIncrement=point.increment,
                minPresValue=point.limits[0],
                maxPresValue=point.limits[1],
            )
        for number, point in enumerate(BINARY_VALUES, 1):
            self._add_command(
                BinaryCommand,
                ("binary-value", number),
                point,
                activeText="on",
                inactiveText="off",
            )
        for number, point in enumerate(MULTI_STATE_VALUES, 1):
            self._add_command(
                MultiStateCommand,
                ("multi-state-value", number),
                point,
                numberOfStates=len(MODE_TEXTS),
                stateText=list(MODE_TEXTS),
            )
        return [command for command, _ in self._commands]

    def _add_command(
        self,
        kind: type[Command],
        identifier: tuple[str, int],
        point: Output,
        **properties: Any,
    ) -> None:
        setting = point.setting(self._house.commands)
        default = _to_bacnet(setting.own)
        command = kind(
            objectIdentifier=identifier,
            objectName=point.name,
            description=point.description,
            presentValue=default,
            relinquishDefault=default,
            **properties,
            **NORMAL,
        )
        command._on_command = lambda: _obey(command, setting)  # noqa: SLF001
        self._commands.append((command, setting))


def _to_bacnet(value: float | bool | Mode) -> float | int | str:
    if isinstance(value, bool):
        return "active" if value else "inactive"
    return int(value) if isinstance(value, Mode) else float(value)


def _obey(command: Command, setting: Setting[Any]) -> None:
    """Take over what the priority array says."""
    if not command.is_commanded:
        setting.override = None
    elif isinstance(command, AnalogCommand):
        setting.override = float(command.presentValue)
    elif isinstance(command, BinaryCommand):
        setting.override = bool(int(command.presentValue))
    else:
        setting.override = Mode(int(command.presentValue))
