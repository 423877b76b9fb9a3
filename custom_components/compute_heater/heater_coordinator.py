"""Polls one compute heater and carries out what control decides for it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .const import (
    CONF_CAPABILITIES,
    CONF_STANDBY_POWER,
    DOMAIN,
    HEATER_INTERVAL_EACH,
    HEATER_INTERVAL_LONGEST,
    HEATER_INTERVAL_SHORTEST,
    LOGGER,
    SUBENTRY_HEATER,
)
from .control.ledger import EnergyCounter
from .control.limit_watch import LimitWatch
from .heaters.layered import LayeredHeater
from .heaters.model import (
    Capabilities,
    Command,
    HeaterAuthError,
    HeaterBusyError,
    HeaterCertificateError,
    HeaterError,
    PowerDriver,
    PowerState,
    Reading,
)
from .issues import async_tell_certificate, async_tell_limit

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

# A command that failed or did not last is tried again, more and more seldom.
_RETRY_S = 10.0
_LONGEST_RETRY_S = 600.0
_MOST_DOUBLINGS = 6
_LIMIT_TOLERANCE_W = 0.5


@dataclass(slots=True)
class _Attempt:
    """The last try to carry out a command."""

    command: Command
    at: float
    error: HeaterError | None
    count: int
    """Tries of the same command in a row that did not make it hold."""


class HeaterCoordinator(DataUpdateCoordinator[Reading]):
    """Readings of one heater, its counters, and its commands."""

    config_entry: ComputeHeaterConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        subentry: ConfigSubentry,
        driver: PowerDriver,
    ) -> None:
        """Poll ``driver``."""
        heaters = [
            each.subentry_id for each in entry.get_subentries_of_type(SUBENTRY_HEATER)
        ]
        self._together = min(
            max(HEATER_INTERVAL_EACH * len(heaters), HEATER_INTERVAL_SHORTEST),
            HEATER_INTERVAL_LONGEST,
        )
        self._turn = 0.0
        """Its share of the interval, among all heaters of the site."""
        if subentry.subentry_id in heaters:
            self._turn = heaters.index(subentry.subentry_id) / len(heaters)
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{entry.title} {subentry.title}",
            update_interval=self._together,
        )
        self.subentry = subentry
        self.driver = driver
        self.capabilities = Capabilities(**subentry.data[CONF_CAPABILITIES])
        self.energy = EnergyCounter()
        self.heat = EnergyCounter()
        self.read_at: float | None = None
        """Loop time of the last reading that succeeded."""
        self._identified = False
        self._wanted: Command | None = None
        self._attempt: _Attempt | None = None
        self._limit = LimitWatch()
        self._failing = False
        """Commands fail, and the log says so."""
        self._worker: asyncio.Task[None] | None = None

    @override
    async def _async_update_data(self) -> Reading:
        started = self.hass.loop.time()
        try:
            if not self._identified:
                await self._async_identify()
            reading = await self.driver.read()
        except HeaterAuthError as err:
            self._ask_for_credentials()
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="heater_refused_login",
                translation_placeholders={"heater": self.subentry.title},
            ) from err
        except HeaterError as err:
            if isinstance(err, HeaterCertificateError):
                self._tell_certificate(changed=True)
            # Whoever answers next at this address has to show again who it is.
            self._identified = False
            if self._shutdown_requested and self.data is not None:
                # The poll was under way when the driver was closed.
                return self.data
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="heater_unreachable",
                translation_placeholders={
                    "heater": self.subentry.title,
                    "error": str(err),
                },
                retry_after=err.retry_after_s
                if isinstance(err, HeaterBusyError)
                else None,
            ) from err
        self._tell_certificate(changed=False)
        now = self.hass.loop.time()
        self.update_interval = self._next_interval(now - started)
        self.read_at = now
        self._watch_limit(reading, now)
        self._watch_work()
        if reading.energy_kwh is not None:
            self.energy.follow_meter(reading.energy_kwh)
        else:
            self.energy.integrate(reading.power_w, now)
        if reading.heat_kwh is not None:
            self.heat.follow_meter(reading.heat_kwh)
        else:
            self.heat.integrate(reading.heat_w, now)
        return reading

    def _next_interval(self, took_s: float) -> timedelta:
        interval = min(
            max(timedelta(seconds=10 * took_s), self._together),
            HEATER_INTERVAL_LONGEST,
        )
        if self._together == HEATER_INTERVAL_SHORTEST:
            return interval
        # Set-up and commands have many read at the same time: back to taking turns.
        turn = interval * self._turn
        wait = (turn - timedelta(seconds=self.hass.loop.time())) % interval
        return wait if wait >= HEATER_INTERVAL_SHORTEST else wait + interval

    @callback
    def _tell_certificate(self, *, changed: bool) -> None:
        subentry = self.subentry
        async_tell_certificate(
            self.hass, subentry.subentry_id, subentry.title, changed=changed
        )

    @callback
    def _watch_limit(self, reading: Reading, now: float) -> None:
        was_ignored = self._limit.ignored
        ignored = self._limit.see(reading.power_w, reading.power_limit_w, now)
        if ignored is not was_ignored:
            subentry = self.subentry
            async_tell_limit(
                self.hass, subentry.subentry_id, subentry.title, ignored=ignored
            )

    @callback
    def _watch_work(self) -> None:
        """Ask for the password of a work layer that refuses ours."""
        if isinstance(self.driver, LayeredHeater):
            for index, error in enumerate(self.driver.work_errors):
                if isinstance(error, HeaterAuthError):
                    self._ask_for_credentials(work=index)

    @callback
    def _ask_for_credentials(self, **which: int) -> None:
        # Not ConfigEntryAuthFailed: the site and its other heaters go on. A flow
        # that is already open for another heater is waited for, poll by poll.
        entry = self.config_entry
        if not any(entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})):
            entry.async_start_reauth(
                self.hass, data={"subentry_id": self.subentry.subentry_id, **which}
            )

    async def _async_identify(self) -> None:
        """Make sure that no other machine has got the heater's address."""
        identity, _ = await self.driver.connect()
        if identity.uuid != self.subentry.unique_id:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="other_heater_answers",
                translation_placeholders={
                    "heater": self.subentry.title,
                    "other": identity.name,
                },
            )
        self._identified = True

    async def async_follow_events(self) -> None:
        """Look at once when the heater tells of a change; polling stays the base."""

        @callback
        def on_event() -> None:
            self.config_entry.async_create_background_task(
                self.hass, self.async_request_refresh(), f"{self.name} event"
            )

        while True:
            try:
                await self.driver.follow(on_event)
            except HeaterError:
                # Not there yet; the polls tell why.
                await asyncio.sleep(HEATER_INTERVAL_LONGEST.total_seconds())
            else:
                return

    @property
    def available(self) -> bool:
        """The last poll succeeded."""
        return self.last_update_success and self.data is not None

    @property
    def command_error(self) -> HeaterError | None:
        """Why the heater is not yet what it should be."""
        return self._attempt.error if self._attempt else None

    @callback
    def request(self, command: Command) -> None:
        """Have the heater brought to ``command``; the latest request wins."""
        self._wanted = command
        if (self._worker is None or self._worker.done()) and self._is_due(command):
            self._worker = self.config_entry.async_create_background_task(
                self.hass, self._async_work(), f"{self.name} command"
            )

    def _is_due(self, command: Command) -> bool:
        if not self.available:
            return False
        last = self._attempt
        if _holds(command, self.data, self.capabilities):
            if last is not None and last.command != command:
                # What became of another command is of no interest any more.
                self._attempt = None
            elif last is not None:
                # A command that failed may come true by itself.
                last.count, last.error = 0, None
            return False
        if last is None or last.command != command:
            return True
        # The same command again: a try that failed, or a device that has gone its
        # own way since (a lease ran out, someone else wrote).
        if last.error is None and (self.read_at or 0.0) <= last.at:
            return False
        doublings = min(max(last.count - 1, 0), _MOST_DOUBLINGS)
        pause: float = min(_RETRY_S * 2.0**doublings, _LONGEST_RETRY_S)
        return self.hass.loop.time() - last.at >= pause

    async def _async_work(self) -> None:
        while True:
            await self._async_apply_wanted()
            await self.async_refresh()
            self._log_failing_commands()
            # Something else may have been asked for while the heater was read.
            last, wanted = self._attempt, self._wanted
            if wanted is None or (last is not None and wanted == last.command):
                return
            if not self._is_due(wanted):
                return

    async def _async_apply_wanted(self) -> None:
        done: Command | None = None
        while (command := self._wanted) is not None and command != done:
            error: HeaterError | None = None
            try:
                await self.driver.apply(command)
            except HeaterError as err:
                error = err
            last = self._attempt
            count = last.count + 1 if last and last.command == command else 1
            self._attempt = _Attempt(command, self.hass.loop.time(), error, count)
            done = command

    def _log_failing_commands(self) -> None:
        """Log once that commands fail, and once that they succeed again.

        Of a heater that does not answer at all the poll has told already.
        """
        error = self.command_error
        if error is not None and self.available and not self._failing:
            LOGGER.warning("%s: command failed: %s", self.name, error)
            self._failing = True
        elif error is None and self._failing:
            LOGGER.info("%s: command succeeded again", self.name)
            self._failing = False

    async def async_finish(self) -> None:
        """Wait for the command under way; raise what it met."""
        if self._worker is not None and not self._worker.done():
            # Not awaited itself: a reload that cancels it must not cancel the caller.
            await asyncio.wait({self._worker})
        if (error := self.command_error) is not None:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="heater_command_failed",
                translation_placeholders={
                    "heater": self.subentry.title,
                    "error": str(error),
                },
            ) from error

    async def async_release(self) -> None:
        """Put a running heater to its standby power: nobody watches its heat.

        One that takes no cap is shut down, as far as it can be.
        """
        self._wanted = None
        if self._worker is not None and not self._worker.done():
            self._worker.cancel()
        try:
            reading = await self.driver.read()
            if reading.is_on is False:
                return
            if self._can_stand_by:
                standby = self.subentry.data[CONF_STANDBY_POWER]
                await self.driver.apply(
                    Command(
                        on=True, power_limit_w=standby, may_split=self.modules_may_rest
                    )
                )
            elif self.capabilities.can_switch:
                keep_cap = not self.capabilities.can_cap
                await self.driver.apply(Command(on=False, keep_cap=keep_cap))
        except HeaterError as err:
            LOGGER.warning("%s: could not be put to standby: %s", self.name, err)

    @property
    def modules_may_rest(self) -> bool:
        """The owner's standby is less than the heater draws with all modules on."""
        floor_w = self.capabilities.floor_w
        if self.capabilities.module_floor_w is None or floor_w is None:
            return False
        standby_w: float = self.subentry.data[CONF_STANDBY_POWER]
        return standby_w < floor_w - _LIMIT_TOLERANCE_W

    @property
    def _can_stand_by(self) -> bool:
        """It need not be off to be left to itself."""
        capabilities = self.capabilities
        if PowerState.STANDBY in capabilities.levels:
            return True
        return capabilities.can_cap and not capabilities.works_at_floor

    async def async_close(self) -> None:
        """Poll no more, and leave the device as it is."""
        await self.async_shutdown()
        if self._worker is not None and not self._worker.done():
            self._worker.cancel()
        await self.driver.close()

    @property
    def memory(self) -> dict[str, Any]:
        """The counters, for the store."""
        return {"energy": self.energy.memory, "heat": self.heat.memory}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take the counters over."""
        self.energy.restore(memory.get("energy", {}))
        self.heat.restore(memory.get("heat", {}))


def _holds(command: Command, reading: Reading, capabilities: Capabilities) -> bool:
    """Whether the heater is already what the command asks for, as far as it shows."""
    if reading.fulfils == command:
        return True
    if not command.on:
        # A module that hangs on its way down still has to be told again.
        return reading.is_on is False and not reading.is_changing
    if reading.is_on is False:
        return False
    modules_on, changing = reading.modules_on, reading.is_changing
    if not changing and modules_on not in (None, capabilities.modules):
        return False
    if not (capabilities.can_cap or capabilities.levels):
        # A cap that we may not set is somebody else's.
        return True
    wanted, held = command.power_limit_w, reading.power_limit_w
    if wanted is None:
        most = capabilities.max_w
        return held is None or (most is not None and held >= most - _LIMIT_TOLERANCE_W)
    if held is None:
        return False
    # A cap that comes in steps is as close below as a step allows.
    short_w = wanted - held
    return -_LIMIT_TOLERANCE_W <= short_w <= _LIMIT_TOLERANCE_W or (
        0 <= short_w < (capabilities.step_w or 0.0)
    )
