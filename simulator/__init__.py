"""The house to try compute heaters on: physics, BACnet/IP device, Modbus TCP server.

``running.running_house`` starts a whole house inside the caller's event loop;
``python -m simulator`` runs one by itself. ``house.House`` is the pure physics.
"""
