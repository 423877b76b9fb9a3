"""What a form says when something went wrong between us and a controller."""

from collections.abc import Mapping


class FormError(Exception):
    """Errors by field, and what is known of the cause."""

    def __init__(self, errors: Mapping[str, str], detail: str = "") -> None:
        """Take keys of texts by field; ``detail`` fills their placeholder."""
        super().__init__(detail)
        self.errors = dict(errors)
        self.detail = detail
