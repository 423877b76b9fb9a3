"""Command line: a house by itself, with a compute heater of its own or without."""

import argparse
import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import datetime
import json
import secrets
import signal
import sys

from compute_heater_agent.service import running_agent
from compute_heater_agent.settings import AgentSettings, RackSettings
from compute_heater_agent.simulated import Rack

from . import answer_delay, extra_points
from .parameters import PRESETS
from .running import RunningHouse, Settings, running_house

REDFISH_USER = "operator"
LIVE_LINE_S = 5.0
LEASE_S = 300.0


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.speed != 1 and options.no_agent:
        parser.error("--speed needs the simulator's own heater: the pipe is real time")
    try:
        asyncio.run(_run(options))
    except OSError as err:
        print(f"simulator: {err}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="simulator", description="A simulated house with BACnet/IP and Modbus TCP."
    )
    add = parser.add_argument
    add("--json", action="store_true", help="print the addresses as one JSON line")
    add("--speed", type=_speed, default=1.0, help="seconds per second (%(default)s)")
    add(
        "--no-agent",
        action="store_true",
        help="no compute heater of its own; an agent connects by the pipe",
    )
    add("--house", choices=sorted(PRESETS), default="house", help="%(default)s")
    add("--seed", type=int, default=1, help="of weather, prices and habits")
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    for name in ("bacnet", "modbus", "pipe", "status"):
        add(f"--{name}-port", type=int, default=0, help="default a free one")
    add(
        "--start-time",
        type=datetime.fromisoformat,
        metavar="ISO",
        help="local time in the house at the start; default now",
    )
    add(
        "--extra-points",
        type=_extra_points,
        default=0,
        metavar="N",
        help="that many more measured values, for a large plant",
    )
    add(
        "--answer-delay",
        type=_answer_delay_ms,
        default=0.0,
        metavar="MS",
        help="BACnet and Modbus answer each request after this time (%(default)s)",
    )
    return parser


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= 10000:
        raise argparse.ArgumentTypeError("must be above 0 and at most 10000")
    return speed


def _extra_points(text: str) -> int:
    count = int(text)
    if not 0 <= count <= extra_points.MOST:
        raise argparse.ArgumentTypeError(f"must be 0 to {extra_points.MOST}")
    return count


def _answer_delay_ms(text: str) -> float:
    delay_ms = float(text)
    if not 0 <= delay_ms <= answer_delay.MOST_S * 1000:
        raise argparse.ArgumentTypeError(
            f"must be 0 to {answer_delay.MOST_S * 1000:.0f}"
        )
    return delay_ms


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    settings = Settings(
        parameters=PRESETS[options.house],
        seed=options.seed,
        host=options.host,
        bacnet_port=options.bacnet_port,
        modbus_port=options.modbus_port,
        pipe_port=options.pipe_port,
        status_port=options.status_port,
        start=options.start_time,
        speed=options.speed,
        extra_points=options.extra_points,
        answer_delay_s=options.answer_delay / 1000,
    )
    async with AsyncExitStack() as stack:
        rack, redfish = None, {}
        if not options.no_agent:
            rack = Rack(_rack_settings(settings))
            redfish = await _serve_heater(stack, settings, rack)
        running = await stack.enter_async_context(running_house(settings, heater=rack))
        addresses = asdict(running.addresses) | redfish
        if options.json:
            print(json.dumps(addresses), flush=True)
        else:
            for name, value in addresses.items():
                print(f"{name.replace('_', ' '):17} {value}", flush=True)
        await _wait(running, stop, live=not options.json)


def _rack_settings(settings: Settings) -> RackSettings:
    # The client of a fast house lives in real time, and so does its lease.
    return RackSettings(
        max_w=settings.parameters.heater_w, lease_s=LEASE_S * max(1.0, settings.speed)
    )


async def _serve_heater(
    stack: AsyncExitStack, settings: Settings, rack: Rack
) -> dict[str, str]:
    password = secrets.token_urlsafe(12)
    agent = await stack.enter_async_context(
        running_agent(
            AgentSettings(user=REDFISH_USER, password=password, host=settings.host),
            rack=rack,
        )
    )
    return {
        "redfish": agent.url,
        "redfish_user": REDFISH_USER,
        "redfish_password": password,
    }


async def _wait(running: RunningHouse, stop: asyncio.Event, *, live: bool) -> None:
    """Wait for the end; a house that breaks down ends it too."""
    waiting = asyncio.create_task(stop.wait())
    try:
        while not waiting.done() and not running.task.done():
            if live:
                print(_live_line(running), flush=True)
            await asyncio.wait(
                (waiting, running.task),
                timeout=LIVE_LINE_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
    finally:
        waiting.cancel()


def _live_line(running: RunningHouse) -> str:
    house = running.house
    sink = "DHW" if house.loop.valve_at_dhw else "floor"
    return (
        f"{house.time:%a %H:%M:%S}"
        f"  tank {house.tank.top_c:4.1f}/{house.tank.bottom_c:4.1f} °C"
        f"  room {house.floor.room_c:4.1f} °C"
        f"  outdoors {house.conditions.outdoor_c:5.1f} °C"
        f"  demand {house.commands.heat_demand_percent.value:3.0f} %"
        f"  compute {house.compute_power_w / 1000:4.2f} kW to {sink}"
        f" at {house.loop.flow_lpm:3.1f} L/min"
        f"  heat pump {house.heat_pump.status.name.lower()}"
    )


if __name__ == "__main__":
    sys.exit(main())
