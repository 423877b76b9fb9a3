"""What building controllers read and command, whatever protocol they speak."""
