"""A house with floor heating that others have written: EnergyPlus."""
