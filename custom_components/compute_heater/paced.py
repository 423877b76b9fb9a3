"""What is asked for again and again, and done no more often than is good."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_call_later


class Paced:
    """Does something at once, and what is asked for in the pause after it once at its end."""

    def __init__(
        self, hass: HomeAssistant, action: Callable[[], None], pause_s: float
    ) -> None:
        """Pace ``action``, which takes whatever is newest when it is called."""
        self._hass = hass
        self._action = action
        self._pause_s = pause_s
        self._done_at: float | None = None
        self._put_off: Callable[[], None] | None = None

    @callback
    def ask(self) -> None:
        """Have it done as soon as may be."""
        if self._put_off is not None:
            return
        now = self._hass.loop.time()
        if (
            self._done_at is None
            or (wait_s := self._done_at + self._pause_s - now) <= 0
        ):
            self.do()
        else:
            self._put_off = async_call_later(self._hass, wait_s, self._on_pause_over)

    @callback
    def do(self) -> None:
        """Do it now, whatever was before."""
        self._done_at = self._hass.loop.time()
        self._action()

    @callback
    def cancel(self) -> None:
        """Forget what was put off."""
        if self._put_off is not None:
            self._put_off()
            self._put_off = None

    @callback
    def _on_pause_over(self, _now: datetime) -> None:
        self._put_off = None
        self.do()
