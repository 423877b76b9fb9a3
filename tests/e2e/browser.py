"""A browser that has logged in to the running demo."""

import json
from pathlib import Path
import time

from playwright.async_api import Browser, Page
import pytest

from .plant import Plant

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no browser: please install Debian's chromium"
)


async def open_page(
    browser: Browser, plant: Plant, path: str, height: int = 900
) -> Page:
    """Open a page as somebody who has logged in before."""
    client = plant.client
    tokens = {
        "access_token": client.access_token,
        "token_type": "Bearer",
        "expires_in": 1800,
        "expires": (time.time() + 1800) * 1000,
        "refresh_token": client.refresh_token,
        "hassUrl": client.url,
        "clientId": f"{client.url}/",
    }
    context = await browser.new_context(viewport={"width": 1500, "height": height})
    await context.add_init_script(
        f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})"
    )
    page = await context.new_page()
    await page.goto(f"{client.url}/{path}")
    return page
