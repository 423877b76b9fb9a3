"""Texts that the user uploads as a file."""

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.core import HomeAssistant

MOST_BYTES = 5_000_000


class Uploads:
    """Texts by the ids of their files, which can be fetched only once."""

    def __init__(self) -> None:
        """Start without any."""
        self._texts: dict[str, str] = {}

    async def async_text(self, hass: HomeAssistant, file_id: str) -> str:
        """Return the text of an uploaded file, also when a form is sent again.

        Raises ValueError when there is none, or when it is no text of a likely size.
        """

        def read() -> str:
            with process_uploaded_file(hass, file_id) as path:
                if path.stat().st_size > MOST_BYTES:
                    raise ValueError("too large")
                return decoded(path.read_bytes())

        if file_id not in self._texts:
            self._texts[file_id] = await hass.async_add_executor_job(read)
        return self._texts[file_id]


def decoded(content: bytes) -> str:
    """Return bytes as text; spreadsheets write UTF-8, UTF-16 or the Windows set.

    Raises ValueError.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content:
        raise ValueError("not a text file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
