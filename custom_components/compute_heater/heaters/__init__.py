"""Drivers of compute heaters: one model, several ways to steer it."""
