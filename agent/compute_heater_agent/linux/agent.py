"""Runs the agent on a Linux machine.

async with running_linux(load_config(path)) as agent:
    print(agent.url, agent.machine.power_w)
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import SettingsError
from ..meters import load_meters
from ..serving import RunningAgent, served
from ..settings import AgentSettings
from . import systemd
from .actuators import Actuators, choose_back_ends
from .config import Config, ServiceConfig
from .files import LinuxError, Root
from .hardware import Hardware, find_hardware
from .machine import LinuxMachine
from .originals import original_limits
from .probe import Probe
from .secrets import find_password, keep_uuid, make_state
from .settings import BackEnd, LinuxSettings
from .steering import Steering


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxAgent:
    """The running agent, and where its password is."""

    agent: RunningAgent
    machine: LinuxMachine
    back_ends: frozenset[BackEnd]
    password_file: Path


@asynccontextmanager
async def running_linux(
    config: Config, root: Root | None = None
) -> AsyncGenerator[LinuxAgent]:
    """Steer and serve this machine until the block ends, then leave it as configured.

    Raises SettingsError for what the machine does not have.
    """
    root = root or Root()
    state = config.service.state
    hardware = await prepared_hardware(root, config.machine)
    await asyncio.to_thread(make_state, state)
    password, password_file = await asyncio.to_thread(
        find_password, config.service.password_file, state
    )
    settings = _agent_settings(config.service, hardware, password)
    settings = replace(
        settings,
        uuid=settings.uuid or await asyncio.to_thread(keep_uuid, state),
    )
    machine, steering, back_ends = await _parts(config, root, hardware)
    try:
        async with served(settings, machine, [steering.run()]) as agent:
            systemd.notify("READY=1")
            try:
                yield LinuxAgent(
                    agent=agent,
                    machine=machine,
                    back_ends=back_ends,
                    password_file=password_file,
                )
            finally:
                systemd.notify("STOPPING=1")
    finally:
        # The loop has ended: nobody overwrites what is left behind.
        await steering.release()


async def release(config: Config, root: Root | None = None) -> None:
    """Leave the machine as configured for the time without an agent.

    For after a crash; raises SettingsError as at the start.
    """
    root = root or Root()
    hardware = await find_hardware(root, config.machine.slice)
    await asyncio.to_thread(make_state, config.service.state)
    _, steering, _ = await _parts(config, root, hardware)
    await steering.release()


async def prepared_hardware(root: Root, settings: LinuxSettings) -> Hardware:
    """Find what there is; the work's control group is made where systemd does not."""
    hardware = await find_hardware(root, settings.slice)
    group = hardware.group
    if group is not None and not group.exists and not hardware.has_systemd:
        try:
            await asyncio.to_thread(group.create)
        except LinuxError as err:
            raise SettingsError(str(err)) from err
    return hardware


async def _parts(
    config: Config, root: Root, hardware: Hardware
) -> tuple[LinuxMachine, Steering, frozenset[BackEnd]]:
    settings = config.machine
    back_ends = choose_back_ends(settings, hardware)
    probe = Probe(settings, hardware)
    originals = await asyncio.to_thread(
        original_limits,
        hardware.packages,
        root,
        config.service.state / "limits.json" if BackEnd.RAPL in back_ends else None,
    )
    meters = await asyncio.to_thread(load_meters, _meters_file(config.service))
    group = hardware.group
    machine = LinuxMachine(
        settings,
        hardware,
        probe.source,
        # A group that is not there yet will have one, too.
        can_freeze=group is not None and (group.has_freezer or not group.exists),
        energy_j=meters.energy_j,
    )
    actuators = Actuators(settings, hardware, back_ends, originals)
    steering = Steering(settings, hardware, machine, probe, actuators)
    return machine, steering, back_ends


def _agent_settings(
    service: ServiceConfig, hardware: Hardware, password: str
) -> AgentSettings:
    own = service.tls and service.certificate is None
    return AgentSettings(
        user=service.user,
        password=password,
        host=service.host,
        port=service.port,
        name=service.name or hardware.name,
        uuid=service.uuid,
        announce=service.announce,
        tls_certificate=service.certificate,
        tls_key=service.key,
        tls_folder=service.state if own else None,
        state=_meters_file(service),
    )


def _meters_file(service: ServiceConfig) -> Path:
    return service.state / "meters.json"
