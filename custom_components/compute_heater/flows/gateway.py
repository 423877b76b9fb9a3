"""Add or change a gateway: what a building controller finds us as."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, CONF_PORT
from homeassistant.util import dt as dt_util

from ..building.points import LinkError
from ..const import (
    CONF_BBMD,
    CONF_BBMD_TTL,
    CONF_COMMANDS,
    CONF_DEVICE_INSTANCE,
    CONF_INTERFACE,
    CONF_KIND,
    CONF_LOCAL_PORT,
    CONF_PEERS,
    CONF_PRIORITY,
    CONF_ROLES,
    CONF_TLS,
    CONF_UNDERSTOOD,
    CONF_UNIT_ID,
    DOMAIN,
    GATEWAY_BACNET,
    GATEWAY_MODBUS,
    SUBENTRY_BACNET,
    SUBENTRY_GATEWAY,
)
from ..drivers import async_borrowed_stack, stacks
from ..gateway.modbus_tls import OPERATOR, tls_context
from ..gateway_tls import PEMS, async_tls_files, valid_until
from .bacnet_side import async_interfaces, local_side
from .gateway_form import (
    USUAL_PORT,
    USUAL_TLS_PORT,
    bacnet_schema,
    check_can_listen,
    checked_access,
    checked_priority,
    checked_roles,
    known_controllers,
    known_instances,
    modbus_schema,
    own_address,
    tls_schema,
)
from .link_errors import FormError
from .uploads import Uploads


class GatewaySubentryFlow(ConfigSubentryFlow):
    """Choose the protocol, then where we listen, and to whom."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._uploads = Uploads()
        self._title = ""
        self._data: dict[str, Any] = {}

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose the protocol."""
        return self.async_show_menu(
            step_id="user", menu_options=[GATEWAY_BACNET, GATEWAY_MODBUS]
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a gateway."""
        if self._get_reconfigure_subentry().data[CONF_KIND] == GATEWAY_BACNET:
            return await self.async_step_bacnet()
        return await self.async_step_modbus()

    async def async_step_bacnet(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what BACnet device we are to be."""
        if self._is_taken(GATEWAY_BACNET):
            return self.async_abort(reason="already_configured")
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            try:
                data = {
                    CONF_KIND: GATEWAY_BACNET,
                    CONF_DEVICE_INSTANCE: user_input[CONF_DEVICE_INSTANCE],
                    **local_side(user_input),
                    **checked_access(user_input),
                }
                self._check_instance(data[CONF_DEVICE_INSTANCE])
                await self._async_check_stack(data)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                return self._save(user_input[CONF_NAME], data, GATEWAY_BACNET)
        interfaces = await async_interfaces(self.hass)
        suggested = user_input or {**await self._async_suggested(), **self._stored()}
        return self.async_show_form(
            step_id="bacnet",
            data_schema=self.add_suggested_values_to_schema(
                bacnet_schema(interfaces), suggested
            ),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    def _check_instance(self, instance: int) -> None:
        """Raise FormError where another device that is known here has this number."""
        entries = self.hass.config_entries.async_entries(DOMAIN)
        if instance in known_instances(entries, but=self._own_id):
            raise FormError({CONF_DEVICE_INSTANCE: "instance_taken"})

    async def _async_check_stack(self, data: Mapping[str, Any]) -> None:
        """Try our side of BACnet; raises FormError."""
        address, port = own_address(data[CONF_INTERFACE]), data[CONF_LOCAL_PORT]
        is_own = self._is_own_port(address, CONF_LOCAL_PORT, port)
        if is_own and stacks(self.hass).users(f"{address}:{port}") == 1:
            # Nobody else minds what becomes of it, another BBMD for one.
            return
        try:
            async with async_borrowed_stack(self.hass, data) as stack:
                if not is_own:
                    stack.check_vacant()
        except LinkError as err:
            raise FormError({"base": "local_address"}, str(err)) from err

    async def async_step_modbus(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what Modbus server we are to be."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            try:
                return await self._async_modbus(user_input)
            except FormError as err:
                errors, detail = err.errors, err.detail
        stored = self._stored()
        suggested = user_input or {
            CONF_PORT: USUAL_PORT,
            CONF_UNIT_ID: 1,
            **await self._async_suggested(),
            **stored,
            CONF_TLS: CONF_TLS in stored,
        }
        return self.async_show_form(
            step_id="modbus",
            data_schema=self.add_suggested_values_to_schema(
                modbus_schema(await async_interfaces(self.hass)), suggested
            ),
            errors=errors,
            description_placeholders={
                "detail": detail,
                "port": str(USUAL_PORT),
                "tls_port": str(USUAL_TLS_PORT),
            },
        )

    async def _async_modbus(self, user_input: dict[str, Any]) -> SubentryFlowResult:
        """Take the answers about the Modbus server; raises FormError."""
        address, port = own_address(user_input[CONF_INTERFACE]), user_input[CONF_PORT]
        self._title = user_input[CONF_NAME]
        self._data = {
            CONF_KIND: GATEWAY_MODBUS,
            CONF_INTERFACE: user_input[CONF_INTERFACE].strip(),
            CONF_PORT: port,
            CONF_UNIT_ID: user_input[CONF_UNIT_ID],
            **checked_access(user_input),
        }
        if user_input[CONF_COMMANDS]:
            self._data[CONF_PRIORITY] = checked_priority(user_input)
        if self._is_taken(_modbus_id(with_tls=user_input[CONF_TLS])):
            raise FormError({CONF_TLS: "already_configured"})
        if not self._is_own_port(address, CONF_PORT, port):
            await self.hass.async_add_executor_job(check_can_listen, address, port)
        if user_input[CONF_TLS]:
            return await self.async_step_tls()
        return self._save(self._title, self._data, _modbus_id(with_tls=False))

    async def async_step_tls(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for our certificate, and for what clients' certificates must say."""
        errors: dict[str, str] = {}
        detail = ""
        stored = self._stored().get(CONF_TLS, {})
        if user_input is not None:
            try:
                roles = checked_roles(user_input[CONF_ROLES])
                tls = await self._async_tls(user_input, stored, roles)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                data = {**self._data, CONF_TLS: tls}
                return self._save(self._title, data, _modbus_id(with_tls=True))
        return self.async_show_form(
            step_id="tls",
            data_schema=self.add_suggested_values_to_schema(
                tls_schema(is_stored=bool(stored)),
                user_input or {CONF_ROLES: stored.get(CONF_ROLES, [OPERATOR])},
            ),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    async def _async_tls(
        self,
        user_input: Mapping[str, Any],
        stored: Mapping[str, Any],
        roles: list[str],
    ) -> dict[str, Any]:
        """Return certificates and roles as they are stored; raises FormError."""
        tls: dict[str, Any] = {key: stored[key] for key in PEMS if key in stored}
        try:
            for key in PEMS:
                if file_id := user_input.get(key):
                    tls[key] = await self._uploads.async_text(self.hass, file_id)
        except ValueError as err:
            raise FormError({"base": "invalid_file"}, str(err)) from err
        tls[CONF_ROLES] = roles
        async with async_tls_files(self.hass, tls) as files:
            try:
                await self.hass.async_add_executor_job(tls_context, files)
            except OSError as err:
                raise FormError({"base": "invalid_certificate"}, str(err)) from err
        until = valid_until(tls)
        if until is not None and until <= dt_util.utcnow():
            date = dt_util.as_local(until).date().isoformat()
            raise FormError({"base": "certificate_expired"}, date)
        return tls

    async def _async_suggested(self) -> dict[str, Any]:
        """Return answers for a new gateway, as narrow as they can be."""
        if self.source == SOURCE_RECONFIGURE:
            return {}
        entry = self._get_entry()
        suggested: dict[str, Any] = {
            CONF_NAME: entry.title,
            CONF_PEERS: known_controllers(entry),
            CONF_COMMANDS: False,
            CONF_TLS: False,
            CONF_UNDERSTOOD: False,
        }
        for link in entry.get_subentries_of_type(SUBENTRY_BACNET):
            # One port serves both: what we read others by, and what we are read by.
            keys = (CONF_INTERFACE, CONF_LOCAL_PORT, CONF_BBMD, CONF_BBMD_TTL)
            return suggested | {key: link.data[key] for key in keys if key in link.data}
        if interfaces := await async_interfaces(self.hass):
            suggested[CONF_INTERFACE] = interfaces[0]["value"]
        return suggested

    def _stored(self) -> dict[str, Any]:
        """Return what is saved of the gateway that is changed; nothing of a new one."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        subentry = self._get_reconfigure_subentry()
        return {**subentry.data, CONF_NAME: subentry.title, CONF_UNDERSTOOD: True}

    def _is_own_port(self, address: str, key: str, port: int) -> bool:
        """Whether the gateway that is changed holds this port now."""
        entry = self._get_entry()
        if self._own_id is None or entry.state is not ConfigEntryState.LOADED:
            return False
        server = entry.runtime_data.gateway.servers.get(self._own_id)
        if server is None or not server.running:
            return False
        data = server.subentry.data
        return (own_address(data[CONF_INTERFACE]), data[key]) == (address, port)

    @property
    def _own_id(self) -> str | None:
        """The gateway that is changed; None: it is a new one."""
        if self.source != SOURCE_RECONFIGURE:
            return None
        return self._get_reconfigure_subentry().subentry_id

    def _is_taken(self, unique_id: str) -> bool:
        """Whether the site has another gateway of this kind."""
        return any(
            each.unique_id == unique_id and each.subentry_id != self._own_id
            for each in self._get_entry().get_subentries_of_type(SUBENTRY_GATEWAY)
        )

    def _save(
        self, title: str, data: dict[str, Any], unique_id: str
    ) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                title=title,
                data=data,
                unique_id=unique_id,
            )
        return self.async_create_entry(title=title, data=data, unique_id=unique_id)


def _modbus_id(*, with_tls: bool) -> str:
    return f"{GATEWAY_MODBUS}_tls" if with_tls else GATEWAY_MODBUS
