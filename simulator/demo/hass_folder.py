"""The configuration folder of a Home Assistant that speaks to this machine only."""

from datetime import UTC, datetime
import json
from pathlib import Path
import shutil
from typing import Any

from homeassistant.components.http.config import (
    HTTP_STORAGE_SCHEMA,
    STORAGE_MINOR_VERSION as HTTP_MINOR_VERSION,
    STORAGE_VERSION as HTTP_VERSION,
)

from .children import CHECKOUT

BLUEPRINTS = Path("blueprints/automation/compute_heater")

# No default_config: it brings bluetooth, cloud, discovery by multicast and the like.
CONFIGURATION = """\
homeassistant:
  name: Demo house
  latitude: 48.14
  longitude: 11.57
  elevation: 520
  unit_system: metric
  currency: EUR
  country: DE
  time_zone: Europe/Berlin

frontend:
config:
history:
logbook:
energy:
recorder:
  commit_interval: 1
automation: !include automations.yaml

logger:
  default: warning
  logs:
    custom_components.compute_heater: info
    # Cameras need libraries that this demo does without.
    haffmpeg: fatal
    homeassistant.components.camera.img_util: fatal
"""


def prepare_hass_folder(folder: Path, port: int) -> None:
    """Fill ``folder`` so that Home Assistant starts on 127.0.0.1:``port``.

    Some things are stored in advance, as a user's choices: the address (a changed one
    would have to be confirmed within five minutes), the loopback as the only network,
    the two onboarding steps that would set up weather, radio and analytics from the
    internet, and a Marketplace turned off.
    """
    (folder / ".storage").mkdir(parents=True)
    (folder / "configuration.yaml").write_text(CONFIGURATION)
    (folder / "automations.yaml").write_text("[]\n")
    (folder / "custom_components").symlink_to(CHECKOUT / "custom_components")
    if (CHECKOUT / BLUEPRINTS).is_dir():
        shutil.copytree(CHECKOUT / BLUEPRINTS, folder / BLUEPRINTS)
    now = datetime.now(UTC).isoformat()
    address = HTTP_STORAGE_SCHEMA(
        {
            "server_host": ["127.0.0.1"],
            "server_port": port,
            "cors_allowed_origins": [],
            "ip_ban_enabled": False,
        }
    )
    address |= {"created_at": now, "error": None, "error_message": None}
    _store(
        folder,
        "http",
        {"stable": address, "pending": None, "yaml_migration_done": True},
        HTTP_VERSION,
        HTTP_MINOR_VERSION,
    )
    _store(folder, "core.network", {"configured_adapters": ["lo"]}, 1)
    _store(folder, "onboarding", {"done": ["core_config", "analytics"]}, 4)
    _store(
        folder, "core.config_entries", {"entries": [_disabled_marketplace(now)]}, 1, 5
    )


def _disabled_marketplace(now: str) -> dict[str, Any]:
    return {
        "entry_id": "marketplace",
        "version": 1,
        "minor_version": 1,
        "domain": "marketplace",
        "title": "Marketplace",
        "data": {},
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "system",
        "unique_id": None,
        "disabled_by": "user",
        "discovery_keys": {},
        "created_at": now,
        "modified_at": now,
        "subentries": [],
    }


def _store(
    folder: Path, key: str, data: dict[str, Any], version: int, minor_version: int = 1
) -> None:
    (folder / ".storage" / key).write_text(
        json.dumps(
            {
                "version": version,
                "minor_version": minor_version,
                "key": key,
                "data": data,
            }
        )
    )
