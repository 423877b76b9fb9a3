"""The whole plant on this machine: house, heater and Home Assistant, set up and running."""
