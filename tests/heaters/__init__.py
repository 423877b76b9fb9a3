"""Tests of the drivers of compute heaters."""
