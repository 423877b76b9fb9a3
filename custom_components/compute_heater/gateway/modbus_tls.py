"""Modbus over TLS (mbaps): certificates, and what their roles allow."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
import ssl

from cryptography import x509
from tmodbus.server import extract_modbus_role

OPERATOR = "Operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Files in PEM, and the roles of clients that may write."""

    certificate: Path
    """Ours, with what is between it and the authority."""
    key: Path
    """Not encrypted."""
    client_authority: Path
    """What has signed the certificates of clients."""
    roles: AbstractSet[str] = frozenset({OPERATOR})


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Read the certificates, which blocks; raises OSError, ssl.SSLError among them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    # Without a password an encrypted key would have OpenSSL ask for one on the terminal.
    context.load_cert_chain(settings.certificate, settings.key, password="")
    context.load_verify_locations(settings.client_authority)
    return context


def role_of(certificate: bytes) -> str | None:
    """Return the Modbus role in a DER certificate; None where there is none."""
    try:
        return extract_modbus_role(x509.load_der_x509_certificate(certificate))
    except ValueError:
        # An extension that cannot be read gives no rights.
        return None
