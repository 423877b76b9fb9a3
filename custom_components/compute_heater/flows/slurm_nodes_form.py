"""What the dialogue asks of the nodes that are a heater, and checks."""

from collections.abc import Iterator, Mapping
from typing import Any

import probatio

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from ..const import (
    CONF_CAN_POWER_DOWN,
    CONF_NODE_FULL_POWER,
    CONF_NODE_IDLE_POWER,
    CONF_NODES,
    CONF_PARTITION,
    CONF_RETURNS_WITHOUT_US,
    CONF_RUNNING_JOBS,
    DOMAIN,
    SUBENTRY_HEATER,
)
from ..heaters.model import HeaterProtocolError
from ..heaters.slurm_cluster import Cluster, choose_nodes, missing_hosts
from ..heaters.slurm_settings import Leaving

_FIELDS = (
    CONF_NODE_IDLE_POWER,
    CONF_NODE_FULL_POWER,
    CONF_RUNNING_JOBS,
    CONF_CAN_POWER_DOWN,
    CONF_RETURNS_WITHOUT_US,
)


def nodes_schema(cluster: Cluster, *, is_new: bool) -> probatio.Schema:
    """Return the fields of nodes, powers and jobs.

    Only of a new heater the name is asked: nodes that rest are known by it.
    """
    name: dict[Any, Any] = {probatio.Required(CONF_NAME): TextSelector()}
    watts = NumberSelector(
        NumberSelectorConfig(
            min=0,
            max=100_000,
            step=1,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement="W",
        )
    )
    return probatio.Schema(
        {
            **(name if is_new else {}),
            probatio.Optional(CONF_PARTITION): SelectSelector(
                SelectSelectorConfig(
                    options=list(cluster.partitions), mode=SelectSelectorMode.DROPDOWN
                )
            ),
            probatio.Optional(CONF_NODES): SelectSelector(
                SelectSelectorConfig(
                    options=[node.name for node in cluster.nodes],
                    multiple=True,
                    # Of a hundred nodes nobody wants to choose one by one.
                    custom_value=True,
                    mode=SelectSelectorMode.DROPDOWN,
                )
            ),
            probatio.Required(CONF_NODE_IDLE_POWER): watts,
            probatio.Required(CONF_NODE_FULL_POWER): watts,
            probatio.Required(CONF_RUNNING_JOBS, default=Leaving.FINISH.value): (
                SelectSelector(
                    SelectSelectorConfig(
                        options=[each.value for each in Leaving],
                        translation_key="running_jobs",
                        mode=SelectSelectorMode.LIST,
                    )
                )
            ),
            probatio.Required(CONF_CAN_POWER_DOWN, default=False): BooleanSelector(),
            probatio.Required(CONF_RETURNS_WITHOUT_US, default=True): BooleanSelector(),
        }
    )


def nodes_suggestions(data: Mapping[str, Any], cluster: Cluster) -> dict[str, Any]:
    """Return what the form begins with for a heater that is changed."""
    values = {key: data[key] for key in _FIELDS if key in data}
    if data.get(CONF_PARTITION) in cluster.partitions:
        values[CONF_PARTITION] = data[CONF_PARTITION]
    if hosts := data.get(CONF_NODES):
        names = [
            node.name
            for node in choose_nodes(cluster.nodes, hosts=hosts, partition=None)
        ]
        values[CONF_NODES] = names
    return values


def nodes_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of the form, but the name."""
    data = {key: values[key] for key in _FIELDS}
    if hosts := values.get(CONF_NODES):
        return data | {CONF_NODES: ",".join(each.strip() for each in hosts)}
    return data | {CONF_PARTITION: values.get(CONF_PARTITION)}


@callback
def check_nodes(
    hass: HomeAssistant,
    cluster: Cluster,
    values: Mapping[str, Any],
    heater_id: str | None,
) -> dict[str, str]:
    """Return what is wrong with a choice of nodes, by field."""
    errors: dict[str, str] = {}
    data = nodes_data(values)
    others = list(_others(hass, cluster, heater_id))
    if bool(values.get(CONF_NODES)) == bool(values.get(CONF_PARTITION)):
        errors["base"] = "nodes_or_partition"
    elif not _are_there(cluster, data.get(CONF_NODES)):
        errors[CONF_NODES] = "no_such_node"
    else:
        taken = {name for other in others for name in _names(cluster, other.data)}
        if not taken.isdisjoint(_names(cluster, data)):
            errors["base"] = "nodes_in_use"
    if values[CONF_NODE_IDLE_POWER] >= values[CONF_NODE_FULL_POWER]:
        errors[CONF_NODE_FULL_POWER] = "full_not_above_idle"
    name = values.get(CONF_NAME)
    if name is not None and not name.strip():
        errors[CONF_NAME] = "no_name"
    elif name is not None and name.strip() in {o.data[CONF_NAME] for o in others}:
        errors[CONF_NAME] = "name_in_use"
    return errors


def _are_there(cluster: Cluster, hosts: str | None) -> bool:
    try:
        return not missing_hosts(cluster.nodes, hosts)
    except HeaterProtocolError:
        return False


def _names(cluster: Cluster, data: Mapping[str, Any]) -> set[str]:
    """Return the nodes that a heater's data stand for now."""
    chosen = choose_nodes(
        cluster.nodes, hosts=data.get(CONF_NODES), partition=data.get(CONF_PARTITION)
    )
    return {node.name for node in chosen}


def _others(
    hass: HomeAssistant, cluster: Cluster, heater_id: str | None
) -> Iterator[ConfigSubentry]:
    """Return the other heaters of this cluster."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        for heater in entry.get_subentries_of_type(SUBENTRY_HEATER):
            if heater.subentry_id != heater_id and (
                (heater.unique_id or "").startswith(cluster.uuid_prefix)
            ):
                yield heater
