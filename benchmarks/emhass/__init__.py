"""EMHASS, the optimiser that Home Assistant users run today, side by side with ours."""
