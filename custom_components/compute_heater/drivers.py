"""Make the drivers of heaters and links from what the flows stored."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from homeassistant.const import (
    CONF_HOST,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_TOKEN,
    CONF_URL,
    CONF_USERNAME,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util.hass_dict import HassKey

from .building.bacnet_stack import BacnetStack, Bbmd, StackRegistry
from .building.profile import Profile, load_profiles
from .const import (
    CONF_ALARM,
    CONF_BBMD,
    CONF_BBMD_TTL,
    CONF_CAN_POWER_DOWN,
    CONF_COOLANT,
    CONF_CUTS_MAINS,
    CONF_DRIVER,
    CONF_ECO_POWER,
    CONF_ENERGY,
    CONF_ENTITIES,
    CONF_FINGERPRINT,
    CONF_FLOW,
    CONF_FULL_POWER,
    CONF_IDENTITY,
    CONF_INTERFACE,
    CONF_LOAD_THRESHOLD,
    CONF_LOCAL_PORT,
    CONF_MIN_OFF_TIME,
    CONF_MODE_SELECT,
    CONF_MODES,
    CONF_NODE_FULL_POWER,
    CONF_NODE_IDLE_POWER,
    CONF_NODES,
    CONF_OUTLETS,
    CONF_PARTITION,
    CONF_PAUSES_WITHOUT_US,
    CONF_POWER,
    CONF_POWER_LIMIT,
    CONF_POWER_SWITCH,
    CONF_PROFILE,
    CONF_RAMP,
    CONF_RATED_POWER,
    CONF_RETURN,
    CONF_RETURNS_WITHOUT_US,
    CONF_RUNNING_JOBS,
    CONF_STANDBY_POWER,
    CONF_SUPPLY,
    CONF_SWITCH_TIME,
    CONF_UNLOAD_TIME,
    CONF_WORK,
    DOMAIN,
    DRIVER_COMPOSED,
    DRIVER_SLURM,
)
from .entity_port import HassEntityPort
from .heaters.boinc import BoincWork
from .heaters.composed import ComposedHeater, ComposedSettings
from .heaters.layered import LayeredHeater, NominalPower
from .heaters.model import PowerDriver, PowerState, WorkDriver
from .heaters.redfish import REST_S, RedfishHeater
from .heaters.redfish_outlets import OutletHeater
from .heaters.slurm import SlurmHeater
from .heaters.slurm_client import SlurmClient, fixed_token
from .heaters.slurm_settings import Leaving, SlurmSettings

DATA_PROFILES: HassKey[Mapping[str, Profile]] = HassKey(f"{DOMAIN}_profiles")
DATA_STACKS: HassKey[StackRegistry] = HassKey(f"{DOMAIN}_bacnet_stacks")


def create_heater(hass: HomeAssistant, data: Mapping[str, Any]) -> PowerDriver:
    """Return the driver of a heater with its work layers; nothing is sent yet."""
    power = create_power(hass, data)
    if not (works := [create_work(work) for work in data.get(CONF_WORK, ())]):
        return power
    return LayeredHeater(power, works, nominal=nominal_power(data))


def nominal_power(data: Mapping[str, Any]) -> NominalPower:
    """Return what a heater with work layers draws without and with work."""
    return NominalPower(paused_w=data[CONF_STANDBY_POWER], full_w=data[CONF_FULL_POWER])


def create_work(data: Mapping[str, Any]) -> WorkDriver:
    """Return the driver of a work layer; nothing is sent yet."""
    return BoincWork(
        data[CONF_HOST],
        data[CONF_PORT],
        data[CONF_PASSWORD],
        pauses_without_us=data[CONF_PAUSES_WITHOUT_US],
    )


def create_power(hass: HomeAssistant, data: Mapping[str, Any]) -> PowerDriver:
    """Return the driver of a heater without its work; nothing is sent yet."""
    driver = data.get(CONF_DRIVER)
    if driver == DRIVER_COMPOSED:
        return ComposedHeater(HassEntityPort(hass), composed_settings(data))
    if driver == DRIVER_SLURM:
        return SlurmHeater(slurm_client(hass, data), slurm_settings(data))
    if outlets := data.get(CONF_OUTLETS):
        return OutletHeater(
            async_get_clientsession(hass),
            data[CONF_URL],
            data[CONF_USERNAME],
            data[CONF_PASSWORD],
            outlets,
            fingerprint=data.get(CONF_FINGERPRINT),
        )
    return RedfishHeater(
        async_get_clientsession(hass),
        data[CONF_URL],
        data[CONF_USERNAME],
        data[CONF_PASSWORD],
        fingerprint=data.get(CONF_FINGERPRINT),
        rest_s=max(REST_S, data.get(CONF_MIN_OFF_TIME, 0)),
    )


def composed_settings(data: Mapping[str, Any]) -> ComposedSettings:
    """Return what a heater is put together from; its levels may not be known yet."""
    identity, entities = data[CONF_IDENTITY], data[CONF_ENTITIES]
    levels = {
        PowerState.STANDBY: data.get(CONF_STANDBY_POWER),
        PowerState.ECO: data.get(CONF_ECO_POWER),
        PowerState.FULL: data.get(CONF_FULL_POWER),
    }
    return ComposedSettings(
        uuid=identity["uuid"],
        name=identity["name"],
        manufacturer=identity["manufacturer"],
        model=identity["model"],
        power_switch=entities.get(CONF_POWER_SWITCH),
        power_limit=entities.get(CONF_POWER_LIMIT),
        mode_select=entities.get(CONF_MODE_SELECT),
        power=entities.get(CONF_POWER),
        energy=entities.get(CONF_ENERGY),
        supply=entities.get(CONF_SUPPLY),
        return_=entities.get(CONF_RETURN),
        coolant=entities.get(CONF_COOLANT),
        flow=entities.get(CONF_FLOW),
        alarm=entities.get(CONF_ALARM),
        modes={PowerState(state): mode for state, mode in data[CONF_MODES].items()},
        levels_w={state: watts for state, watts in levels.items() if watts is not None},
        rated_w=data.get(CONF_RATED_POWER),
        cuts_mains=data[CONF_CUTS_MAINS],
        load_share=data[CONF_LOAD_THRESHOLD] / 100,
        unload_s=data[CONF_UNLOAD_TIME],
        switch_s=data[CONF_SWITCH_TIME],
        ramp_w_per_s=data.get(CONF_RAMP) or None,
    )


def slurm_client(hass: HomeAssistant, data: Mapping[str, Any]) -> SlurmClient:
    """Return what talks to the slurmrestd of a heater; nothing is sent yet."""
    return SlurmClient(
        async_get_clientsession(hass),
        data[CONF_URL],
        fixed_token(data[CONF_TOKEN]),
        user=data.get(CONF_USERNAME),
        fingerprint=data.get(CONF_FINGERPRINT),
    )


def slurm_settings(data: Mapping[str, Any]) -> SlurmSettings:
    """Return which nodes of a cluster are a heater."""
    return SlurmSettings(
        # Not the title, which may change: by this name drained nodes are known again.
        name=data[CONF_NAME],
        nodes=data.get(CONF_NODES),
        partition=data.get(CONF_PARTITION),
        idle_w=data[CONF_NODE_IDLE_POWER],
        full_w=data[CONF_NODE_FULL_POWER],
        leaving=Leaving(data[CONF_RUNNING_JOBS]),
        can_power_down=data[CONF_CAN_POWER_DOWN],
        returns_without_us=data[CONF_RETURNS_WITHOUT_US],
    )


@callback
def stacks(hass: HomeAssistant) -> StackRegistry:
    """Return the BACnet stacks that all sites and flows share."""
    return hass.data.setdefault(DATA_STACKS, StackRegistry())


def local_address(data: Mapping[str, Any]) -> str:
    """Return "ip/prefix:port" of our side of a BACnet link."""
    return f"{data[CONF_INTERFACE]}:{data[CONF_LOCAL_PORT]}"


async def async_acquire_stack(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> BacnetStack:
    """Return the running stack of a link's side of things; raises LinkAddressError."""
    bbmd = None
    if address := data.get(CONF_BBMD):
        bbmd = Bbmd(address, data[CONF_BBMD_TTL])
    return await stacks(hass).acquire(local_address(data), bbmd)


@asynccontextmanager
async def async_borrowed_stack(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> AsyncIterator[BacnetStack]:
    """Hold the stack of a local address for the context; raises LinkAddressError."""
    stack = await async_acquire_stack(hass, data)
    try:
        yield stack
    finally:
        await stacks(hass).release(stack)


async def async_profiles(hass: HomeAssistant) -> Mapping[str, Profile]:
    """Return the Modbus profiles that we ship, by id."""
    if DATA_PROFILES not in hass.data:
        hass.data[DATA_PROFILES] = await hass.async_add_executor_job(load_profiles)
    return hass.data[DATA_PROFILES]


@callback
def profile_of(hass: HomeAssistant, data: Mapping[str, Any]) -> Profile | None:
    """Return the profile that a Modbus link was made from; load them first."""
    return hass.data.get(DATA_PROFILES, {}).get(data.get(CONF_PROFILE, ""))
