"""The Redfish driver with a foreign service: the emulator of OpenStack's sushy-tools."""

import asyncio
from pathlib import Path
import time

from custom_components.compute_heater.heaters.model import Command

from .conftest import MakeHeater
from .sushy import UUID, running_emulator


async def test_connect_on_off(
    unused_tcp_port: int, tmp_path: Path, make_heater: MakeHeater
) -> None:
    async with running_emulator(unused_tcp_port, tmp_path) as url:
        await connect_on_off(make_heater, url)


async def connect_on_off(make_heater: MakeHeater, emulator: str) -> None:
    heater = make_heater(emulator)
    identity, capabilities = await heater.connect()
    assert identity.uuid == UUID
    assert identity.manufacturer == "Contoso"
    assert capabilities.can_switch
    assert not capabilities.can_cap
    assert not capabilities.has_coolant
    assert capabilities.modules == 1
    reading = await heater.read()
    assert (reading.is_on, reading.modules_on, reading.problem) == (False, 0, False)
    assert reading.power_w is None

    for on in (True, False):
        before = heater.writes
        end = time.monotonic() + 60
        while True:
            await heater.apply(Command(on=on))
            reading = await heater.read()
            if not reading.is_changing:
                break
            assert time.monotonic() < end, reading
            await asyncio.sleep(0.3)
        assert reading.is_on is on
        assert reading.modules_on == int(on)
        assert heater.writes == before + 1, "told once, however long it takes"
