"""Prices, weather and own electricity of the hours to come, from Home Assistant."""
