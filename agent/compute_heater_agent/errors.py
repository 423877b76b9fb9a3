"""What can go wrong; one family."""


class AgentError(Exception):
    """Anything that went wrong in the agent."""


class RackError(AgentError):
    """The rack does not take a command."""


class CapRangeError(RackError):
    """A power cap outside floor and maximum."""


class TrippedError(RackError):
    """Modules stay off as long as the over-temperature trip holds."""


class SettingsError(AgentError):
    """The agent cannot start with these settings."""
