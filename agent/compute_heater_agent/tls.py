"""Transport security: a certificate from files, one made at the start, or a kept one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
import socket
import ssl
from tempfile import TemporaryDirectory

from .errors import SettingsError
from .settings import AgentSettings

_VALID = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Server context and the SHA-256 of its certificate as hex."""

    context: ssl.SSLContext
    fingerprint: str


def load_tls(settings: AgentSettings) -> Tls | None:
    """Prepare what the settings ask for; None for plain HTTP. Reads and writes files.

    Raises SettingsError when the certificate cannot be used.
    """
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return _load(settings.tls_certificate, settings.tls_key)
    if settings.tls_folder is not None:
        return _load_kept(settings.tls_folder, settings.host)
    if settings.tls_self_signed:
        with TemporaryDirectory() as folder:
            certificate, key = Path(folder) / "cert.pem", Path(folder) / "key.pem"
            _make_certificate(settings.host, certificate, key)
            return _load(certificate, key)
    return None


def _load_kept(folder: Path, host: str) -> Tls:
    """Load the certificate of a folder; made there if there is none yet."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if certificate.exists() != key.exists():
        raise SettingsError(
            f"of {certificate.name} and {key.name} in {folder} one is missing: "
            "put it back, or delete the other for a new certificate"
        )
    if not certificate.exists():
        with TemporaryDirectory(dir=folder) as unfinished:
            made = Path(unfinished) / certificate.name, Path(unfinished) / key.name
            _make_certificate(host, *made)
            made[1].replace(key)
            made[0].replace(certificate)
    return _load(certificate, key)


def _load(certificate: Path, key: Path) -> Tls:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
        pem = certificate.read_text(encoding="ascii")
        first = pem[: pem.index("-----END CERTIFICATE-----") + 25]
        der = ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN") :])
    except (OSError, ValueError) as err:
        raise SettingsError(f"certificate not usable: {err}") from err
    return Tls(context=context, fingerprint=sha256(der).hexdigest())


def _make_certificate(host: str, certificate: Path, key: Path) -> None:
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as err:
        raise SettingsError("a self-signed certificate needs cryptography") from err
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "compute-heater-agent")]
    )
    names: list[x509.GeneralName] = [
        x509.DNSName(text) for text in sorted({"localhost", _host_name()})
    ]
    try:
        if not ip_address(host).is_unspecified:
            names.append(x509.IPAddress(ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _host_name() -> str:
    """Return the machine's name as far as a certificate can hold it."""
    name = socket.gethostname()
    return name if name.isascii() and name else "localhost"
