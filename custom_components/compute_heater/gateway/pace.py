"""What controllers command together reaches each machine no more often than is good."""

from ..control.building import BuildingRequest, SiteRequest
from .guard import BURST, PER_S
from .points import SITE


class Pace:
    """Holds back what a heater, or the site, would be asked for too often.

    A guard bounds what each controller changes, this what all of them do to one machine:
    as much as one of them may. The newest is not lost, it only comes later. Times are
    seconds of a clock that nobody sets.
    """

    def __init__(self) -> None:
        """Begin with nothing asked for."""
        self._asked: dict[str, float | BuildingRequest | None] = {}
        self._tokens: dict[str, tuple[float, float]] = {}
        """Of each part: changes that may still come, and when that was so."""

    def take(
        self, wanted: SiteRequest | None, now: float
    ) -> tuple[SiteRequest | None, float | None]:
        """Return what may be asked for now, and in how many seconds there may be more.

        None: nothing is held back.
        """
        parts = _parts(wanted)
        waits = []
        for part in self._asked | parts:
            if parts.get(part) == self._asked.get(part):
                continue
            left, at = self._tokens.get(part, (BURST, now))
            left = min(left + max(now - at, 0.0) * PER_S, BURST)
            if left < 1:
                waits.append((1 - left) / PER_S)
                continue
            self._tokens[part] = left - 1, now
            self._asked[part] = parts.get(part)
        return self._request, min(waits, default=None)

    @property
    def _request(self) -> SiteRequest | None:
        heat_w = self._asked.get(SITE)
        heaters = {
            part: request
            for part, request in self._asked.items()
            if isinstance(request, BuildingRequest)
        }
        if heat_w is None and not heaters:
            return None
        assert not isinstance(heat_w, BuildingRequest)
        return SiteRequest(heat_w=heat_w, heaters=heaters)


def _parts(request: SiteRequest | None) -> dict[str, float | BuildingRequest | None]:
    return {} if request is None else {SITE: request.heat_w, **request.heaters}
