"""Files as the browser sends them to Home Assistant."""

from typing import Any

from aiohttp import FormData


async def upload(hass_client: Any, content: bytes, name: str = "points.csv") -> str:
    """Send a file; return the id that the form gets."""
    form = FormData()
    form.add_field("file", content, filename=name)
    response = await (await hass_client()).post("/api/file_upload", data=form)
    assert response.status == 200
    return str((await response.json())["file_id"])
