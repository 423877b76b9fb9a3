"""Tells whether an object is still the one that a point was made of.

After a controller was programmed anew something else may be at the same place.
"""

from .bacnet_point import BacnetPoint


class ObjectNames:
    """How the objects of one device call themselves, and how they did."""

    def __init__(self, revision: int | None) -> None:
        """Take the revision of the device's database when the points were browsed."""
        self.changed: set[str] = set()
        """Keys of points whose object has another name now."""
        self._revision = revision
        self._must_compare = True
        self._compared: set[str] = set()
        """Keys of points whose objects told their names since the database changed."""
        self._names: dict[str, str] = {}
        """What they told, by key."""

    def doubt(self, revision: int | None) -> None:
        """Compare anew, unless the database is the one that was browsed."""
        self._compared.clear()
        self._must_compare = self._revision is None or revision != self._revision
        if not self._must_compare:
            self._names.clear()
            self.changed.clear()

    def is_doubtful(self, point: BacnetPoint) -> bool:
        """Tell whether the object has to say its name before it is trusted."""
        return (
            self._must_compare
            and point.object_name is not None
            and point.key not in self._compared
        )

    def note(self, point: BacnetPoint, name: str | None) -> None:
        """Take what the object calls itself; None = it does not tell just now."""
        if name is None:
            return
        self._compared.add(point.key)
        self._names[point.key] = name
        if self.is_other(point):
            self.changed.add(point.key)
        else:
            self.changed.discard(point.key)

    def is_other(self, point: BacnetPoint) -> bool:
        """Tell whether another object is there, as far as is known."""
        names = (point.object_name, self._names.get(point.key))
        return None not in names and names[0] != names[1]
