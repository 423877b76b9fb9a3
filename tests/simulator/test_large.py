"""A house with many points that takes its time, as large plants do."""

import asyncio
from collections.abc import Callable
import struct

from bac_py import Client
from pyModbusTCP.client import ModbusClient
import pytest

from simulator.__main__ import main
from simulator.answer_delay import AnswerDelay
from simulator.running import RunningHouse, Settings, running_house
from simulator.weather import Conditions

LONG_S = 1.0
"""Shorter than the patience of the clients."""


def client_of(house: RunningHouse) -> ModbusClient:
    host, port = house.addresses.modbus.split(":")
    return ModbusClient(host=host, port=int(port), unit_id=1, timeout=5)


async def test_extra_points(bacnet: Client) -> None:
    """The same values on both buses, in registers without gaps, and nothing beyond."""
    async with running_house(Settings(extra_points=300)) as running:
        running.task.cancel()
        running.house.conditions = Conditions(outdoor_c=-7.3, irradiance_w_m2=0)
        running.publish()
        address = running.addresses.bacnet
        for number in (1, 2, 300):
            shown = await bacnet.read(address, f"ai,{1000 + number}", "pv")
            assert shown == pytest.approx(-7.3 + number / 10, abs=0.051)
        name = await bacnet.read(address, "ai,1300", "object-name")
        assert name == "Extra 300"
        modbus = client_of(running)
        raw = await asyncio.to_thread(modbus.read_input_registers, 1500, 100)
        values = struct.unpack(">50f", struct.pack(">100H", *raw))
        assert values == pytest.approx(
            [-7.3 + number / 10 for number in range(251, 301)], abs=0.051
        )
        assert not await asyncio.to_thread(modbus.read_input_registers, 1599, 2)
        modbus.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the house tells no one
            await asyncio.sleep(0.01)


async def test_requests_are_held_back_side_by_side(bacnet: Client) -> None:
    """Three readers wait at the same time; a house that stops lets them go."""
    async with running_house(Settings(answer_delay_s=LONG_S)) as running:
        held = running._bacnet._delay._held
        address = running.addresses.bacnet
        readers = [
            asyncio.create_task(bacnet.read(address, f"ai,{number}", "pv"))
            for number in (1, 2, 3)
        ]
        await until(lambda: len(held) == 3)
        assert not any(reader.done() for reader in readers)
        assert len(set(await asyncio.gather(*readers))) > 1
        assert not held
        lost = asyncio.create_task(bacnet.read(address, "ai,1", "pv"))
        await until(lambda: len(held) == 1)
    assert not held
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)


async def test_a_write_over_modbus_is_held_back_once() -> None:
    async with running_house(Settings(answer_delay_s=0.2)) as running:
        delay, holds = running._modbus._delay, []
        hold = delay.hold

        async def counted() -> None:
            holds.append(1)
            await hold()

        delay.hold = counted  # type: ignore[method-assign]
        modbus = client_of(running)
        assert await asyncio.to_thread(modbus.write_single_register, 0, 485)
        assert await asyncio.to_thread(modbus.write_single_coil, 0, True)
        assert len(holds) == 2
        assert await asyncio.to_thread(modbus.read_holding_registers, 0, 1) == [485]
        assert len(holds) == 3
        modbus.close()


async def test_without_a_delay_nothing_waits() -> None:
    """Not even one round of the loop: figures at 0 ms are the stack's own."""
    with pytest.raises(StopIteration):
        AnswerDelay(0).hold().send(None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--extra-points", "-1"), "0 to 10000"),
        (("--extra-points", "10001"), "0 to 10000"),
        (("--answer-delay", "2001"), "0 to 2000"),
        (("--answer-delay", "nan"), "0 to 2000"),
    ],
)
def test_wrong_options(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(list(options))
    assert message in capsys.readouterr().err
