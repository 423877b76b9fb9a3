"""What the dialogue asks of the way to a Slurm cluster, and tries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import probatio

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import CONF_FINGERPRINT, LOGGER
from ..drivers import slurm_client
from ..heaters.model import (
    HeaterAuthError,
    HeaterCertificateError,
    HeaterError,
    HeaterProtocolError,
)
from ..heaters.slurm_client import slurm_url
from ..heaters.slurm_cluster import Cluster, may_command, read_cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCluster:
    """What a try found at an address: a cluster, or why there is none."""

    errors: dict[str, str]
    cluster: Cluster | None = None
    fingerprint: str | None = None
    """Of a certificate that is not trusted yet."""


def token_schema() -> probatio.Schema:
    """Return the fields of who we are."""
    return probatio.Schema(
        {
            probatio.Optional(CONF_USERNAME): TextSelector(
                TextSelectorConfig(autocomplete="off")
            ),
            probatio.Required(CONF_TOKEN): TextSelector(
                TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
            ),
        }
    )


def slurm_schema() -> probatio.Schema:
    """Return the fields of a connection."""
    return probatio.Schema(
        {probatio.Required(CONF_URL): TextSelector(TextSelectorConfig())}
    ).extend(token_schema().schema)


def token_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of who we are; the user only where one is needed."""
    # As scontrol prints it, and as it is pasted.
    token = values[CONF_TOKEN].strip().removeprefix("SLURM_JWT=").strip()
    return {
        CONF_USERNAME: values.get(CONF_USERNAME, "").strip() or None,
        CONF_TOKEN: token,
    }


def normal_slurm_url(text: str) -> str | None:
    """Return the address of slurmrestd; a bare host means HTTPS, None is not one."""
    try:
        return str(slurm_url(text)).rstrip("/")
    except HeaterProtocolError:
        return None


async def async_try_slurm(hass: HomeAssistant, data: Mapping[str, Any]) -> FoundCluster:
    """Ask for the nodes as the integration will; never raises."""
    try:
        client = slurm_client(hass, data)
        cluster = await read_cluster(client)
        if not cluster.nodes:
            return FoundCluster(errors={"base": "not_slurm"})
        if not cluster.api.can_command:
            return FoundCluster(errors={"base": "slurm_too_old"})
        if not await may_command(client, cluster):
            return FoundCluster(errors={"base": "slurm_forbids"})
    except HeaterAuthError as err:
        LOGGER.debug("Slurm does not take the token: %s", err)
        return FoundCluster(errors={"base": "invalid_token"})
    except HeaterCertificateError as err:
        error = "certificate_changed" if data.get(CONF_FINGERPRINT) else "certificate"
        return FoundCluster(errors={"base": error}, fingerprint=err.fingerprint)
    except HeaterProtocolError as err:
        LOGGER.debug("No Slurm: %s", err)
        return FoundCluster(errors={"base": "not_slurm"})
    except HeaterError as err:
        LOGGER.debug("Slurm does not answer: %s", err)
        return FoundCluster(errors={"base": "slurm_cannot_connect"})
    except Exception:  # noqa: BLE001 - a form shows an error, never a traceback
        LOGGER.exception("Unexpected error from Slurm")
        return FoundCluster(errors={"base": "unknown"})
    return FoundCluster(errors={}, cluster=cluster)
