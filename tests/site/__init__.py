"""The integration in Home Assistant, on real peers."""
