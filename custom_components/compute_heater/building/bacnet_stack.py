"""Our own BACnet/IP devices, one for each local address and port."""


class BacnetStack:
    """One BACnet/IP application on one local address."""

    def __init__(self, local_address: str) -> None:
        """``local_address`` is "ip/prefix:port", e.g. "192.168.1.7/24:47808".

        Raises LinkAddressError when it is malformed.
        """
        raise NotImplementedError

    async def start(self) -> None:
        """Bind; raises LinkAddressError when the address or port cannot be used."""

    async def close(self) -> None:
        """Stop; requests in flight end with LinkConnectionError."""


class StackRegistry:
    """The running stacks, shared by all that need them; kept in hass.data."""

    async def acquire(self, local_address: str) -> BacnetStack:
        """The running stack of this address, started for the first user.

        Raises LinkAddressError.
        """
        raise NotImplementedError

    async def release(self, stack: BacnetStack) -> None:
        """Give one acquire back; the last one closes the stack."""
