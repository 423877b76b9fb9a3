"""Blueprints, run by Home Assistant's own automation engine."""
