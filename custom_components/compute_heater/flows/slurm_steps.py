"""The steps that make a heater of nodes of a Slurm cluster."""

from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, CONF_URL

from ..const import CONF_DRIVER, CONF_FINGERPRINT, DRIVER_SLURM
from ..drivers import slurm_settings
from ..heaters.slurm_cluster import Cluster, describe
from .heater_steps import HeaterSteps
from .slurm_form import async_try_slurm, normal_slurm_url, slurm_schema, token_data
from .slurm_nodes_form import check_nodes, nodes_data, nodes_schema, nodes_suggestions


class SlurmSteps(
    HeaterSteps[SubentryFlowContext, SubentryFlowResult, tuple[str, str]],
    ConfigSubentryFlow,
):
    """Where slurmrestd is; then which nodes, what they draw, and their jobs."""

    def __init__(self) -> None:
        """Start with nothing known."""
        super().__init__()
        self._cluster: Cluster | None = None

    async def async_step_slurm(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the cluster is and try it."""
        former = self._former_settings() or {}
        if user_input is None:
            self._connection = {**former}
            return self._ask_slurm({})
        url = normal_slurm_url(user_input[CONF_URL])
        if url is None:
            self._connection = user_input
            errors = {CONF_URL: "invalid_url"}
            return self._ask_slurm(errors)
        known = former.get(CONF_FINGERPRINT) if former.get(CONF_URL) == url else None
        self._connection = {
            CONF_DRIVER: DRIVER_SLURM,
            CONF_URL: url,
            **token_data(user_input),
            CONF_FINGERPRINT: known,
        }
        return await self._async_connect()

    def _ask_slurm(self, errors: dict[str, str]) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=DRIVER_SLURM,
            data_schema=self.add_suggested_values_to_schema(
                slurm_schema(), self._connection
            ),
            errors=errors,
            description_placeholders={
                "example_url": "https://head.example/slurm-rest",
                "command": "scontrol token username=heat lifespan=31536000",
            },
        )

    @override
    async def _async_connect(self) -> SubentryFlowResult:
        if self._connection.get(CONF_DRIVER) != DRIVER_SLURM:
            return await super()._async_connect()
        found = await async_try_slurm(self.hass, self._connection)
        if found.fingerprint:
            self._untrusted = found.fingerprint
            return await self.async_step_certificate()
        if found.errors:
            return self._ask_slurm(found.errors)
        assert found.cluster is not None
        if self.source == SOURCE_RECONFIGURE and not (
            self._get_reconfigure_subentry().unique_id or ""
        ).startswith(found.cluster.uuid_prefix):
            return self._ask_slurm({"base": "other_cluster"})
        self._cluster = found.cluster
        return await self.async_step_slurm_nodes()

    async def async_step_slurm_nodes(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which nodes are the heater, and what becomes of their jobs."""
        assert self._cluster is not None
        former = self._former_settings()
        errors: dict[str, str] = {}
        if user_input is not None:
            heater_id = self._get_reconfigure_subentry().subentry_id if former else None
            errors = check_nodes(self.hass, self._cluster, user_input, heater_id)
            if not errors:
                name = former[CONF_NAME] if former else user_input[CONF_NAME].strip()
                self._connection |= {CONF_NAME: name, **nodes_data(user_input)}
                settings = slurm_settings(self._connection)
                self._identity, self._capabilities = describe(self._cluster, settings)
                return await self.async_step_settings()
        suggested = user_input
        if suggested is None:
            suggested = nodes_suggestions(former or {}, self._cluster)
        return self.async_show_form(
            step_id="slurm_nodes",
            data_schema=self.add_suggested_values_to_schema(
                nodes_schema(self._cluster, is_new=former is None), suggested
            ),
            errors=errors,
            description_placeholders={
                "cluster": self._cluster.name or "Slurm",
                "release": self._cluster.release or "–",
                "nodes": str(len(self._cluster.nodes)),
            },
        )
