"""Redfish service of a compute heater: a computer whose heat warms a home."""

__version__ = "0.1.0"
