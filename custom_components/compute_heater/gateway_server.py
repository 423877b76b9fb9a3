"""One server of the gateway: runs as its subentry says, and tells what is written."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable
import contextlib
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from .building.points import LinkError
from .const import CONF_COMMANDS, CONF_PEERS, CONF_WATCHDOG, LOGGER
from .gateway.gateway import Gateway, WriteEvent
from .gateway.guard import Guard
from .gateway.write_log import WriteLog
from .issues import async_tell_gateway

FIRST_RETRY_S, LONGEST_RETRY_S = 5.0, 300.0
KINDS = ("accepted", "refused", "silent")
"""Of what is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that a person may want to know of a controller."""

    kind: str
    """One of ``KINDS``."""
    peer: str
    event: WriteEvent | None = None
    count: int = 1
    """How many like it there were."""


class GatewayServer(ABC):
    """Starts, and when it fails starts again; runs until it is closed."""

    protocol: str
    """As events of writes have it."""
    model: str

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry
    ) -> None:
        """Nothing runs before ``start``."""
        self.hass = hass
        self.subentry = subentry
        self.running = False
        self.error: str | None = None
        """Why it does not run; None: nothing is wrong."""
        data = subentry.data
        self.guard = Guard(
            [IPv4Network(peer) for peer in data[CONF_PEERS]],
            commands=data[CONF_COMMANDS],
            watchdog_s=data.get(CONF_WATCHDOG),
        )
        self._entry = entry
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._listeners: list[Callable[[Told | None], None]] = []
        # A flood of what is refused shall not hide what is accepted.
        self._accepted = WriteLog(self._tell_write)
        self._refused = WriteLog(self._tell_write)

    @abstractmethod
    async def _async_start(self, gateway: Gateway) -> None:
        """Begin to serve; raises LinkError or OSError."""

    @abstractmethod
    async def _async_stop(self) -> None:
        """Stop what runs, all or part of it."""

    @property
    def valid_until(self) -> datetime | None:
        """When its certificates expire; None: never, or nobody knows."""
        return None

    @property
    @abstractmethod
    def counters(self) -> dict[str, Any]:
        """What is known of it, for diagnostics."""

    @callback
    def listen(self, listener: Callable[[Told | None], None]) -> Callable[[], None]:
        """Hear of what is told, and with None that it runs or does not any more."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def start(self, gateway: Gateway) -> None:
        """Serve ``gateway``, now or as soon as it can be."""
        self._task = self._entry.async_create_background_task(
            self.hass, self._async_run(gateway), f"{self.subentry.title} gateway"
        )

    async def _async_run(self, gateway: Gateway) -> None:
        retry_s = FIRST_RETRY_S
        while not self._closing.is_set():
            try:
                await self._async_start(gateway)
            except (LinkError, OSError, ValueError) as err:
                await self._async_stop()
                self._note(str(err))
            except Exception as err:  # noqa: BLE001
                # Of a stack of others; it is tried again like what is expected.
                LOGGER.exception("%s could not be started", self.subentry.title)
                await self._async_stop()
                self._note(str(err) or type(err).__name__)
            else:
                self.running = True
                self._note(None)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    @callback
    def _note(self, error: str | None) -> None:
        if error is not None and self.error is None:
            LOGGER.warning("%s does not run: %s", self.subentry.title, error)
        elif error is None and self.error is not None:
            LOGGER.info("%s runs", self.subentry.title)
        self.error = error
        async_tell_gateway(self.hass, self._entry.entry_id, self.subentry, error)
        self._tell(None)

    async def async_close(self) -> None:
        """Stop; commands are not taken back."""
        self._closing.set()
        if self._task is not None:
            # Not cancelled: a port that is half bound would be taken for whoever is next.
            await asyncio.wait({self._task})
        self.running = False
        await self._async_stop()
        self._accepted.close()
        self._refused.close()

    @callback
    def take(self, event: WriteEvent, now: float) -> None:
        """Tell of a write, or count it."""
        if event.refusal is not None:
            self._refused.take(event, now)
        elif event.point is None or not event.point.is_heartbeat:
            self._accepted.take(event, now)

    @callback
    def flush(self, now: float) -> None:
        """Tell of writes that were only counted so far."""
        self._accepted.flush(now)
        self._refused.flush(now)

    @callback
    def tell_silent(self, peer: str) -> None:
        """Tell that a controller is silent."""
        self._tell(Told(kind="silent", peer=peer))

    def _tell_write(self, event: WriteEvent, count: int) -> None:
        kind = "accepted" if event.refusal is None else "refused"
        self._tell(Told(kind=kind, peer=event.peer, event=event, count=count))

    def _tell(self, told: Told | None) -> None:
        for listener in list(self._listeners):
            listener(told)
