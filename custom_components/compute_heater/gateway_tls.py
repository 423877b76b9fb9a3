"""Certificates of the Modbus server, as a site stores them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
import tempfile
from typing import Any

from cryptography import x509

from homeassistant.core import HomeAssistant

from .const import CONF_CERTIFICATE, CONF_CLIENT_CA, CONF_PRIVATE_KEY, CONF_ROLES
from .gateway.modbus_tls import TlsSettings

PEMS = (CONF_CERTIFICATE, CONF_PRIVATE_KEY, CONF_CLIENT_CA)
"""Texts that are stored."""


@asynccontextmanager
async def async_tls_files(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> AsyncIterator[TlsSettings]:
    """Have the texts in files as long as the context lasts.

    OpenSSL reads certificates and keys from files only.
    """
    # Nobody else may look into it.
    folder = await hass.async_add_executor_job(_write, data)
    try:
        certificate, key, authority = (Path(folder.name) / name for name in PEMS)
        yield TlsSettings(
            certificate=certificate,
            key=key,
            client_authority=authority,
            roles=frozenset(data[CONF_ROLES]),
        )
    finally:
        await hass.async_add_executor_job(folder.cleanup)


def valid_until(data: Mapping[str, Any]) -> datetime | None:
    """Return until when server and clients can prove who they are.

    Later OpenSSL goes on to serve, but whoever checks certificates stays away. None:
    OpenSSL takes more kinds of files than can be looked into here.
    """
    try:
        return min(
            certificate.not_valid_after_utc
            for name in (CONF_CERTIFICATE, CONF_CLIENT_CA)
            for certificate in x509.load_pem_x509_certificates(data[name].encode())
        )
    except ValueError:
        return None


def _write(data: Mapping[str, Any]) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    for name in PEMS:
        (Path(folder.name) / name).write_text(data[name], "utf-8")
    return folder
