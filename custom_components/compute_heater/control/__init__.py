"""Demand, dispatch and safety. Nothing here imports Home Assistant or does I/O."""
