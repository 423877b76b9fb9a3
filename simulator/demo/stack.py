"""The three parts of the demo as child processes: house, heater and Home Assistant."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
import secrets
import sys
import time
from types import TracebackType
from typing import Any, Self
import uuid

from .children import Child
from .errors import ChildError
from .hass_client import HassClient
from .hass_folder import prepare_hass_folder
from .ports import ReservedPort, free_udp_port

HASS_START_SECONDS = 240.0
HASS_STOP_SECONDS = 60.0
PART_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """What is started, and how."""

    folder: Path
    """An empty or new folder for Home Assistant's configuration and all logs."""
    lease_s: float = 300.0
    """The heater falls back to its floor when it hears nothing for so long."""
    dead_house: bool = False
    """No house: its addresses are ports on which nobody listens."""
    dead_agent: bool = False
    """No heater: its address is a port on which nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseAddress:
    """Where the house answers."""

    bacnet_port: int
    bacnet_device: int
    modbus_port: int
    modbus_unit: int
    pipe_port: int
    status_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAddress:
    """Where the heater answers, and to whom."""

    port: int
    user: str
    password: str

    @property
    def url(self) -> str:
        """Address of the Redfish service."""
        return f"http://127.0.0.1:{self.port}"


def _port(address: str) -> int:
    return int(address.rpartition(":")[2].partition("/")[0])


class DemoStack:
    """Starts, stops, kills and restarts the parts; the addresses stay the same.

    As a context manager it starts everything and leaves nothing running.
    """

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.hass: Child | None = None
        self.house: Child | None = None
        self.agent: Child | None = None
        self.hass_start_s: float | None = None
        """How long Home Assistant took from its launch until it said RUNNING."""
        self.username = "demo"
        self.password = secrets.token_hex(4)
        self._agent_uuid = str(uuid.uuid4())
        self.house_address: HouseAddress
        self.agent_address: AgentAddress
        self._reserved: list[ReservedPort] = []
        self._hass_port = self._reserve()
        self.client = HassClient(f"http://127.0.0.1:{self._hass_port.number}")

    async def __aenter__(self) -> Self:
        """Start everything."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything."""
        await self.stop()

    @property
    def children(self) -> list[Child]:
        """All parts that have been started."""
        return [part for part in (self.hass, self.agent, self.house) if part]

    async def start(self) -> None:
        """Start everything from nothing, with a first user in Home Assistant."""
        folder = self.settings.folder
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(
            prepare_hass_folder, folder / "hass", self._hass_port.number
        )
        # Home Assistant takes longest, and the other two do not need it.
        launched = time.monotonic()
        await self._launch_hass()
        if self.settings.dead_house:
            self.house_address = self._dead_house()
        else:
            await self.start_house()
        if self.settings.dead_agent:
            self.agent_address = self._dead_agent()
        else:
            await self.start_agent()
        await self._wait_for(self.client.is_up)
        await self.client.onboard("Demo", self.username, self.password)
        await self.client.connect()
        await self._wait_for(self._hass_runs)
        self.hass_start_s = time.monotonic() - launched

    async def stop(self) -> None:
        """End everything that runs; Home Assistant first, it gives back what it holds."""
        try:
            await self.client.close()
            if self.hass is not None:
                await self.hass.stop(timeout=HASS_STOP_SECONDS)
        finally:
            await asyncio.gather(*(child.stop() for child in self.children))
        for port in self._reserved:
            port.release()

    def check(self) -> None:
        """Raise ChildError when a part has ended by itself."""
        for child in self.children:
            child.check()

    async def start_hass(self) -> None:
        """Start Home Assistant again, in its old folder, and log in."""
        await self._launch_hass()
        await self._wait_for(self.client.is_up)
        await self.client.connect()
        await self._wait_for(self._hass_runs)

    async def stop_hass(self) -> None:
        """End Home Assistant as its user would."""
        await self.client.disconnect()
        if self.hass is not None:
            await self.hass.stop(timeout=HASS_STOP_SECONDS)

    async def kill_hass(self) -> None:
        """End Home Assistant as a power failure would."""
        if self.hass is not None:
            await self.hass.kill()
        await self.client.disconnect()

    async def start_house(self) -> None:
        """Start the house, the second time at the addresses of the first."""
        command = [sys.executable, "-m", "simulator", "--no-agent", "--json"]
        command += ["--house", "demo"]
        if hasattr(self, "house_address"):
            old = self.house_address
            command += [f"--bacnet-port={old.bacnet_port}"]
            command += [f"--modbus-port={old.modbus_port}"]
            command += [f"--pipe-port={old.pipe_port}"]
            command += [f"--status-port={_port(old.status_url)}"]
        self.house = await Child.start("house", command, self._log("house"))
        told = await self.house.json_line(PART_START_SECONDS)
        self.house_address = HouseAddress(
            bacnet_port=_port(told["bacnet"]),
            bacnet_device=told["bacnet_device"],
            modbus_port=_port(told["modbus"]),
            modbus_unit=told["modbus_unit"],
            pipe_port=_port(told["pipe"]),
            status_url=told["status"],
        )

    async def stop_house(self) -> None:
        """End the house."""
        if self.house is not None:
            await self.house.stop()

    async def start_agent(self) -> None:
        """Start the heater, the second time at the address of the first."""
        again = hasattr(self, "agent_address")
        user, password = "heating", secrets.token_hex(8)
        if again:
            user, password = self.agent_address.user, self.agent_address.password
        command = [sys.executable, "-m", "compute_heater_agent", "--simulated"]
        command += ["--host", "127.0.0.1"]
        command += ["--port", str(self.agent_address.port if again else 0)]
        command += ["--user", user, "--password", password]
        command += ["--max-watts", "3000", "--boot-seconds", "5"]
        command += ["--uuid", self._agent_uuid]
        command += ["--lease", str(self.settings.lease_s)]
        command += ["--pipe", f"127.0.0.1:{self.house_address.pipe_port}"]
        # It has been running before: a cold bath would first take minutes of heat itself.
        command += ["--oil-celsius", "54", "--verbose"]
        command += ["--state", str(self.settings.folder / "agent.json")]
        self.agent = await Child.start("heater", command, self._log("heater"))
        told = await self.agent.json_line(PART_START_SECONDS)
        self.agent_address = AgentAddress(
            port=_port(told["redfish"]), user=user, password=password
        )

    async def stop_agent(self) -> None:
        """End the heater's Redfish service."""
        if self.agent is not None:
            await self.agent.stop()

    def _log(self, name: str) -> Path:
        return self.settings.folder / f"{name}.log"

    async def _launch_hass(self) -> None:
        hass = Path(sys.executable).with_name("hass")
        command = [sys.executable, str(hass), "-c", str(self.settings.folder / "hass")]
        # scripts/setup has installed what it needs.
        command += ["--skip-pip", "--log-no-color"]
        self.hass = await Child.start("Home Assistant", command, self._log("hass"))

    async def _hass_runs(self) -> bool:
        config: dict[str, Any] = await self.client.command("get_config")
        return bool(config["state"] == "RUNNING")

    async def _wait_for(self, condition: Any) -> None:
        assert self.hass is not None
        deadline = time.monotonic() + HASS_START_SECONDS
        while not await condition():
            self.hass.check()
            if time.monotonic() > deadline:
                raise ChildError(
                    f"Home Assistant was not ready in {HASS_START_SECONDS:.0f} s:\n"
                    + self.hass.log_tail()
                )
            await asyncio.sleep(0.1)

    def _reserve(self) -> ReservedPort:
        port = ReservedPort()
        self._reserved.append(port)
        return port

    def _dead_house(self) -> HouseAddress:
        return HouseAddress(
            bacnet_port=free_udp_port(),
            bacnet_device=3001,
            modbus_port=self._reserve().number,
            modbus_unit=1,
            pipe_port=self._reserve().number,
            status_url=f"http://127.0.0.1:{self._reserve().number}/status",
        )

    def _dead_agent(self) -> AgentAddress:
        return AgentAddress(
            port=self._reserve().number, user="heating", password=secrets.token_hex(8)
        )
