"""Links to the controllers of the building."""
