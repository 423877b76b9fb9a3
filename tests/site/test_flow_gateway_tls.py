"""Certificates of a gateway: what fits is taken, kept and never shown."""

import asyncio
from datetime import timedelta
from pathlib import Path
import ssl
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.compute_heater.const import (
    DOMAIN,
    SAVE_INTERVAL,
    SUBENTRY_GATEWAY,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from tests.building.certificates import Authority
from tests.gateway.modbus_raw import RawClient

from .dialogue import answer, begin, expect_abort, expect_form, suggested
from .gateway_parts import (
    CONTROLLER,
    add_gateway,
    gateway_form,
    gateways,
    modbus_answers,
    serving,
)
from .plant import add_subentry
from .upload import upload

HOST = "127.0.0.1"
HEARTBEAT = 1
"""A holding register that whoever may command writes to."""
OPERATOR, MAINTAINER = b"\x0c\x08Operator", b"\x0c\x0aMaintainer"
VIEWER = b"\x0c\x06Viewer"
"""Roles in certificates, as DER."""


class Desk:
    """Where the owner has the certificates of the plant, and uploads them."""

    def __init__(self, hass_client: Any, folder: Path) -> None:
        self._client = hass_client
        self._folder = folder
        self.have_issued(days=90)

    def have_issued(self, *, days: float) -> None:
        """Get new certificates from a new authority."""
        self.authority = Authority(self._folder, days=days)
        certificate, key = self.authority.issue("gateway", HOST)
        self.pems = {
            "certificate": certificate.read_bytes(),
            "private_key": key.read_bytes(),
            "client_ca": self.authority.file.read_bytes(),
        }

    async def upload(self, **pems: bytes) -> dict[str, str]:
        """Upload files; return what the form gets."""
        return {
            key: await upload(self._client, pem, f"{key}.pem")
            for key, pem in pems.items()
        }

    async def add(self, hass: HomeAssistant, site: ConfigEntry) -> tuple[str, int]:
        """Add a gateway; return its id and its port."""
        answers = modbus_answers(tls=True)
        files = await self.upload(**self.pems)
        gateway_id = await add_subentry(
            hass,
            site,
            "gateway",
            {"next_step_id": "modbus"},
            answers,
            files | {"roles": ["Operator"]},
        )
        await serving(site)
        return gateway_id, answers["port"]

    async def writes(self, port: int, role: bytes) -> bool:
        """Whether a client with this role may command; it must be able to read."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        context.load_cert_chain(*self.authority.issue("client", role=role))
        client = RawClient(
            *await asyncio.open_connection(
                HOST, port, ssl=context, local_addr=(CONTROLLER, 0)
            )
        )
        assert await client.read(4, 0, 2) == [0x4348, 1]
        written = await client.write(HEARTBEAT, 7) == 0
        client.close()
        return written


@pytest.fixture
def desk(socket_enabled: None, hass_client: Any, tmp_path: Path) -> Desk:
    return Desk(hass_client, tmp_path)


async def tls_form(hass: HomeAssistant, site: ConfigEntry) -> Any:
    """Go as far as to the form of the certificates."""
    result = await gateway_form(hass, site, "modbus")
    result = await answer(hass, result, modbus_answers(tls=True))
    expect_form(result, "tls")
    return result


async def test_tls(hass: HomeAssistant, site: ConfigEntry, desk: Desk) -> None:
    """Clients come in with a certificate, and command with a role."""
    result = await tls_form(hass, site)
    assert suggested(result) == {"roles": ["Operator"]}
    files = await desk.upload(**desk.pems)
    roles = ["Operator", " Operator ", "", "Maintainer"]
    result = await answer(hass, result, files | {"roles": roles})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (gateway,) = gateways(site)
    assert gateway.unique_id == "modbus_tls"
    assert gateway.data["tls"] == {
        **{key: pem.decode() for key, pem in desk.pems.items()},
        "roles": ["Operator", "Maintainer"],
    }
    await serving(site)
    port = gateway.data["port"]
    assert await desk.writes(port, OPERATOR)
    assert await desk.writes(port, MAINTAINER)
    assert not await desk.writes(port, VIEWER)
    plain = await RawClient.open(port, CONTROLLER)
    plain.send(bytes.fromhex("0400000002"))
    assert b"\x43\x48" not in await plain.ended()


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("other key", "invalid_certificate"),
        ("key with password", "invalid_certificate"),
        ("key in place of certificate", "invalid_certificate"),
        ("certificate in place of key", "invalid_certificate"),
        ("no PEM", "invalid_certificate"),
        ("no authority", "invalid_certificate"),
        ("DER", "invalid_file"),
        ("gone", "invalid_file"),
    ],
)
async def test_certificates_that_do_not_fit(
    hass: HomeAssistant, site: ConfigEntry, desk: Desk, what: str, error: str
) -> None:
    """They are refused, and told why; the files need not be uploaded again."""
    pems = desk.pems
    wrong: dict[str, bytes] = {}
    match what:
        case "other key":
            _, key = desk.authority.issue("other")
            wrong["private_key"] = key.read_bytes()
        case "key with password":
            wrong["private_key"] = load_pem_private_key(
                pems["private_key"], None
            ).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
            )
        case "key in place of certificate":
            wrong["certificate"] = pems["private_key"]
        case "certificate in place of key":
            wrong["private_key"] = pems["certificate"]
        case "no PEM":
            wrong["certificate"] = b"our certificate"
        case "no authority":
            wrong["client_ca"] = b""
        case "DER":
            wrong["certificate"] = ssl.PEM_cert_to_DER_cert(
                pems["certificate"].decode()
            )
    good = await desk.upload(**pems)
    ids = good | await desk.upload(**wrong)
    if what == "gone":
        ids["certificate"] = "0" * 32
    result = await tls_form(hass, site)
    values = {"roles": ["Operator"]}
    result = await answer(hass, result, ids | values)
    expect_form(result, "tls", base=error)
    assert result["description_placeholders"]["detail"]
    assert not gateways(site)
    result = await answer(hass, result, good | {"roles": [" "]})
    expect_form(result, "tls", roles="no_roles")
    result = await answer(hass, result, good | values)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_certificates_that_expire(
    hass: HomeAssistant, site: ConfigEntry, desk: Desk
) -> None:
    """Expired ones are refused; the owner hears of those that soon will be."""
    desk.have_issued(days=-1)
    result = await tls_form(hass, site)
    values = {"roles": ["Operator"]}
    result = await answer(hass, result, await desk.upload(**desk.pems) | values)
    expect_form(result, "tls", base="certificate_expired")
    assert not gateways(site)
    desk.have_issued(days=5)
    gateway_id, _ = await desk.add(hass, site)

    async def look() -> ir.IssueEntry | None:
        async_fire_time_changed(hass, dt_util.utcnow() + SAVE_INTERVAL, fire_all=True)
        await hass.async_block_till_done()
        return ir.async_get(hass).async_get_issue(
            DOMAIN, f"certificate_expires_{gateway_id}"
        )

    found = await look()
    assert found is not None
    assert found.is_fixable
    date = dt_util.now().date() + timedelta(days=5)
    assert found.translation_placeholders == {
        "gateway": gateways(site)[0].title,
        "date": date.isoformat(),
    }
    desk.have_issued(days=90)
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    result = await answer(hass, result, suggested(result))
    result = await answer(hass, result, await desk.upload(**desk.pems) | values)
    expect_abort(result, "reconfigure_successful")
    await serving(site)
    assert await look() is None


async def test_an_authority_that_only_openssl_understands(
    hass: HomeAssistant, site: ConfigEntry, desk: Desk
) -> None:
    """When it expires is unknown; it serves all the same."""
    desk.pems["client_ca"] = desk.pems["client_ca"].replace(
        b"CERTIFICATE", b"TRUSTED CERTIFICATE"
    )
    gateway_id, port = await desk.add(hass, site)
    assert site.runtime_data.gateway.servers[gateway_id].valid_until is None
    assert await desk.writes(port, OPERATOR)


async def test_reconfigure_tls(
    hass: HomeAssistant, site: ConfigEntry, desk: Desk
) -> None:
    """Files that are left out stay, and what is stored is never shown."""
    gateway_id, port = await desk.add(hass, site)
    stored = dict(gateways(site)[0].data["tls"])
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    first = suggested(result)
    assert first["tls"] is True
    result = await answer(hass, result, first)
    expect_form(result, "tls")
    assert suggested(result) == {"roles": ["Operator"]}
    result = await answer(hass, result, {"roles": ["Maintainer"]})
    expect_abort(result, "reconfigure_successful")
    assert gateways(site)[0].data["tls"] == stored | {"roles": ["Maintainer"]}
    await serving(site)
    assert await desk.writes(port, MAINTAINER)
    assert not await desk.writes(port, OPERATOR)
    certificate, key = desk.authority.issue("second", HOST)
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    result = await answer(hass, result, first)
    new = await desk.upload(private_key=key.read_bytes())
    # Alone it does not fit to the certificate that is stored.
    result = await answer(hass, result, new | {"roles": ["Operator"]})
    expect_form(result, "tls", base="invalid_certificate")
    assert gateways(site)[0].data["tls"] == stored | {"roles": ["Maintainer"]}
    new |= await desk.upload(certificate=certificate.read_bytes())
    result = await answer(hass, result, new | {"roles": ["Operator"]})
    expect_abort(result, "reconfigure_successful")
    assert gateways(site)[0].data["tls"] == {
        **stored,
        "certificate": certificate.read_text(),
        "private_key": key.read_text(),
    }


async def test_from_tls_to_none_and_back(
    hass: HomeAssistant, site: ConfigEntry, desk: Desk
) -> None:
    """Without TLS nothing is kept of the key, and each kind is there once."""
    gateway_id, port = await desk.add(hass, site)
    plain = await add_gateway(hass, site, "modbus", modbus_answers())
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    values = suggested(result) | {"tls": False}
    result = await answer(hass, result, values)
    expect_form(result, "modbus", tls="already_configured")
    hass.config_entries.async_remove_subentry(site, plain)
    await hass.async_block_till_done()
    await serving(site)
    result = await answer(hass, result, values)
    expect_abort(result, "reconfigure_successful")
    (gateway,) = gateways(site)
    assert gateway.unique_id == "modbus"
    assert "tls" not in gateway.data
    await serving(site)
    client = await RawClient.open(port, CONTROLLER)
    assert await client.read(4, 0, 2) == [0x4348, 1]
    result = await begin(hass, site, SUBENTRY_GATEWAY, gateway_id)
    result = await answer(hass, result, suggested(result) | {"tls": True})
    with pytest.raises(InvalidData) as refusal:
        await answer(hass, result, {"roles": ["Operator"]})
    assert refusal.value.schema_errors.keys() == desk.pems.keys()
    files = await desk.upload(**desk.pems)
    result = await answer(hass, result, files | {"roles": ["Operator"]})
    expect_abort(result, "reconfigure_successful")
    assert gateways(site)[0].unique_id == "modbus_tls"
    await serving(site)
    assert await desk.writes(port, OPERATOR)
