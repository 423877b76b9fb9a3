"""Tests of control: pure functions of time and readings."""
