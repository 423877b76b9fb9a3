"""A real Linux machine as a compute heater: what it measures and how it is held back."""
