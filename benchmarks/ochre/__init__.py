"""A hot-water tank that others have written: NREL's OCHRE."""
