"""Certificates of a building's own authority, made for one test."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

_MODBUS_ROLE = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")


class Authority:
    """Signs the certificates of devices and clients."""

    def __init__(self, folder: Path, name: str = "authority", days: float = 90) -> None:
        """All its certificates are valid for ``days``; below 0 they were."""
        self._folder = folder
        self._valid = timedelta(days=days)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.file = folder / f"{name}.pem"
        # Without these uses Python's strict verification refuses it.
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(
        self, name: str, address: str | None = None, role: bytes | None = None
    ) -> tuple[Path, Path]:
        """Make a certificate and its key.

        It is for an IP address and with a Modbus role, in DER, where they are given.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_named(name), key.public_key()).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
            critical=False,
        )
        if address is not None:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        if role is not None:
            extension = x509.UnrecognizedExtension(_MODBUS_ROLE, role)
            builder = builder.add_extension(extension, critical=False)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate = builder.sign(self._key, hashes.SHA256())
        files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return files

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, now + self._valid) - timedelta(hours=1))
            .not_valid_after(now + self._valid)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key), critical=False
            )
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
