"""Command line of the simulated heater."""

import argparse
from pathlib import Path
from uuid import UUID

from .settings import AgentSettings, RackSettings


def simulated_parser() -> argparse.ArgumentParser:
    """Return the parser of the simulated heater."""
    parser = argparse.ArgumentParser(
        prog="compute-heater-agent",
        description="Redfish service of a simulated compute heater.",
    )
    add = parser.add_argument
    add(
        "--simulated",
        action="store_true",
        required=True,
        help="serve a simulated immersed rack",
    )
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=8000, help="0 chooses a free one (%(default)s)")
    add("--user", required=True)
    add("--password", required=True)
    add("--name", default="Compute heater", help="name of the heater (%(default)s)")
    add(
        "--uuid",
        type=_uuid,
        help="identity; default derived from host name, name and port",
    )
    add(
        "--announce",
        action="store_true",
        help="let Home Assistant find the heater in the network of --host",
    )
    rack = RackSettings()
    add("--modules", type=int, default=rack.modules, metavar="N", help="%(default)s")
    add(
        "--max-watts",
        type=float,
        default=rack.max_w,
        metavar="W",
        help="power of the whole rack at full load (%(default)s)",
    )
    add(
        "--idle-watts",
        type=float,
        metavar="W",
        help="lowest running power per module (a tenth of its maximum)",
    )
    add(
        "--default-watts",
        type=float,
        metavar="W",
        help="power limit while no client is there (the lowest)",
    )
    add(
        "--lease",
        type=float,
        default=rack.lease_s,
        metavar="S",
        help="time without a request until the limit falls back (%(default)s)",
    )
    add(
        "--boot-seconds",
        type=float,
        default=rack.boot_s,
        metavar="S",
        help="%(default)s",
    )
    add(
        "--drain-seconds",
        type=float,
        default=rack.drain_s,
        metavar="S",
        help="time to finish work before a shutdown (%(default)s)",
    )
    add(
        "--trip-celsius",
        type=float,
        default=rack.trip_c,
        metavar="C",
        help="coolant temperature at which the rack shuts down (%(default)s)",
    )
    add(
        "--oil-celsius",
        type=float,
        default=rack.oil_c,
        metavar="C",
        help="coolant temperature at the start (%(default)s)",
    )
    add(
        "--speed",
        type=float,
        default=1.0,
        metavar="S",
        help="simulated seconds per second (%(default)s)",
    )
    add(
        "--pipe",
        type=_address,
        metavar="HOST:PORT",
        help="simulated house that takes the heat; default a built-in load",
    )
    add(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep the energy and heat meters over restarts",
    )
    add("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    add("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    add(
        "--tls-self-signed",
        action="store_true",
        help="make a certificate at the start and print its SHA-256",
    )
    add("--verbose", action="store_true", help="log what happens")
    return parser


def simulated_settings(options: argparse.Namespace) -> AgentSettings:
    """Build settings from what was parsed; raises SettingsError."""
    return AgentSettings(
        user=options.user,
        password=options.password,
        host=options.host,
        port=options.port,
        name=options.name,
        uuid=options.uuid,
        announce=options.announce,
        rack=RackSettings(
            modules=options.modules,
            max_w=options.max_watts,
            idle_w=options.idle_watts,
            default_w=options.default_watts,
            boot_s=options.boot_seconds,
            drain_s=options.drain_seconds,
            trip_c=options.trip_celsius,
            lease_s=options.lease,
            oil_c=options.oil_celsius,
        ),
        speed=options.speed,
        pipe=options.pipe,
        tls_certificate=options.tls_cert,
        tls_key=options.tls_key,
        tls_self_signed=options.tls_self_signed,
        state=options.state,
    )


def _uuid(text: str) -> str:
    return str(UUID(text))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        raise ValueError(text)
    return host.strip("[]"), int(port)
