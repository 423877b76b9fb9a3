"""What can go wrong with the demo."""


class DemoError(Exception):
    """Anything that ends the demo; the text tells a person what happened."""


class ChildError(DemoError):
    """A part did not start, or ended by itself."""


class HassApiError(DemoError):
    """Home Assistant did not answer, or answered with an error."""


class FlowError(DemoError):
    """A dialogue asked something unexpected, showed an error or was aborted."""


class MissingEntityError(DemoError):
    """An entity that must be there did not appear."""


class OperatorError(DemoError):
    """The house did not answer on BACnet, or refused."""
