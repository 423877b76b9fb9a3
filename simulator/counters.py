"""Requests that the house has served, for reports."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Counters:
    """A request counts once however many points it carries; refused ones do not."""

    bacnet_reads: int = 0
    bacnet_writes: int = 0
    bacnet_notifications: int = 0
    """Change-of-value notifications sent."""
    modbus_reads: int = 0
    modbus_writes: int = 0
