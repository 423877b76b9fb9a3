"""Command line of the agent."""

import argparse
import asyncio
from collections.abc import Coroutine, Sequence
import json
import logging
import sys
from typing import Any

from .errors import AgentError
from .linux.command_line import linux_command, linux_parser
from .running import serve_until_signal
from .service import running_agent
from .serving import RunningAgent
from .simulated_options import simulated_parser, simulated_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    simulated = "--simulated" in arguments
    parser = simulated_parser() if simulated else linux_parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if not options.verbose:
        # It logs a traceback for every malformed request.
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    command: Coroutine[Any, Any, None]
    command = _simulated(options) if simulated else linux_command(options)
    try:
        asyncio.run(command)
    except (AgentError, OSError) as err:
        print(f"compute-heater-agent: {err}", file=sys.stderr)
        return 1
    return 0


async def _simulated(options: argparse.Namespace) -> None:
    async with running_agent(simulated_settings(options)) as agent:
        await serve_until_signal(agent, lambda: _print(agent))


def _print(agent: RunningAgent) -> None:
    print(json.dumps(agent.greeting), flush=True)


if __name__ == "__main__":
    sys.exit(main())
