"""Let pytest-homeassistant-custom-component 0.13.375 (made for 2026.10) load on 2026.11.

Drop this file when a release for 2026.11 is out.
"""

import homeassistant  # noqa: F401  (aliases httpx and voluptuous before anything imports them)
from homeassistant.components import logger
from homeassistant.components.logger import helpers

if not hasattr(logger, "_clear_logger_overwrites"):
    logger._clear_logger_overwrites = helpers._clear_logger_overwrites
