"""Texts that the user uploads as a file."""

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.core import HomeAssistant

MOST_BYTES = 5_000_000


async def async_uploaded_text(hass: HomeAssistant, file_id: str) -> str:
    """Return the text of an uploaded file, which is removed.

    Raises ValueError when there is none, or when it is no text of a likely size.
    """

    def read() -> str:
        with process_uploaded_file(hass, file_id) as path:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("too large")
            return decoded(path.read_bytes())

    return await hass.async_add_executor_job(read)


def decoded(content: bytes) -> str:
    """Return bytes as text; spreadsheets write UTF-8, UTF-16 or the Windows set."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content:
        raise ValueError("not a text file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
