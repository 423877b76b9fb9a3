"""Tests of the building links, against real servers on loopback."""
