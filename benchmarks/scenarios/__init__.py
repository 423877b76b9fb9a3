"""Fortnights of a house in fast time, to compare controllers on."""
