"""What a Redfish service says when it does not do as asked."""

from .model import HeaterProtocolError, HeaterRefusedError
from .redfish_json import JsonObject, obj, objects, text
from .redfish_transport import Reply

MAX_TEXT = 300

GOOD_SEVERITIES = {"OK", None}


class RedfishStatusError(HeaterProtocolError):
    """A resource could not be had; ``status`` is that of HTTP."""

    def __init__(self, path: str, reply: Reply) -> None:
        super().__init__(f"{reply.status} at {path}: {message(reply)}")
        self.status = reply.status


class RedfishRefusedError(HeaterRefusedError):
    """A command was refused; ``message_ids`` are short names of Redfish messages."""

    def __init__(self, path: str, reply: Reply) -> None:
        super().__init__(f"{message(reply)} ({reply.status} at {path})")
        self.status = reply.status
        self.message_ids = message_ids(reply.body)

    @property
    def not_writable(self) -> bool:
        """The property is read-only or unknown at this place, not the value wrong."""
        return self.status in (404, 405, 501) or bool(
            self.message_ids
            & {
                "PropertyNotWritable",
                "PropertyNotUpdated",
                "PropertyUnknown",
                "OperationNotAllowed",
                "ResourceNotWritable",
            }
        )


def extended_info(body: JsonObject) -> list[JsonObject]:
    """All messages of an error body or of an annotated good one."""
    found = objects(body, "error", "@Message.ExtendedInfo")
    found += objects(body, "@Message.ExtendedInfo")
    for key, value in body.items():
        if key.endswith("@Message.ExtendedInfo") and not key.startswith("@"):
            found += objects({"all": value}, "all")
    return found


def message_ids(body: JsonObject) -> frozenset[str]:
    """Last part of each MessageId: ``Base.1.18.PropertyUnknown`` → PropertyUnknown."""
    found = {
        name.rsplit(".", 1)[-1]
        for info in extended_info(body)
        if (name := text(info, "MessageId"))
    }
    if code := text(body, "error", "code"):
        found.add(code.rsplit(".", 1)[-1])
    return frozenset(found)


def message(reply: Reply) -> str:
    """Return what the service says for people, one line, bounded."""
    body = reply.body
    said = [
        text(info, "Message") or text(info, "MessageId") or ""
        for info in extended_info(body)
        if text(info, "Severity") not in GOOD_SEVERITIES or "error" in body
    ]
    if not any(said):
        said = [text(obj(body, "error"), "message") or f"HTTP status {reply.status}"]
    line = " ".join(
        "".join(c if c.isprintable() else " " for c in " ".join(said)).split()
    )
    return line[:MAX_TEXT]
