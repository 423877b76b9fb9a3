"""The one account, given on the command line, and the standard roles. All read-only."""

from functools import partial

from ..heater import Heater
from ..messages import Json
from ..resource import ROOT, Resource, collection, entity, link

SERVICE = f"{ROOT}/AccountService"
ACCOUNTS = f"{SERVICE}/Accounts"
ROLES = f"{SERVICE}/Roles"

_PRIVILEGES = {
    "Administrator": [
        "Login",
        "ConfigureManager",
        "ConfigureUsers",
        "ConfigureComponents",
        "ConfigureSelf",
    ],
    "Operator": ["Login", "ConfigureComponents", "ConfigureSelf"],
    "ReadOnly": ["Login", "ConfigureSelf"],
}


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the service, the account and the roles."""

    def show_service() -> Json:
        return entity(
            SERVICE,
            "AccountService",
            "AccountService",
            "Account service",
            ServiceEnabled=True,
            HTTPBasicAuth="Enabled",
            Status={"State": "Enabled", "Health": "OK"},
            Accounts=link(ACCOUNTS),
            Roles=link(ROLES),
        )

    def show_account() -> Json:
        return entity(
            f"{ACCOUNTS}/1",
            "ManagerAccount",
            "1",
            "Account of the agent",
            UserName=heater.user,
            Password=None,
            RoleId="Administrator",
            AccountTypes=["Redfish"],
            Enabled=True,
            Locked=False,
            Links={"Role": link(f"{ROLES}/Administrator")},
        )

    def show_role(name: str) -> Json:
        return entity(
            f"{ROLES}/{name}",
            "Role",
            name,
            f"Role {name}",
            RoleId=name,
            IsPredefined=True,
            AssignedPrivileges=_PRIVILEGES[name],
        )

    return {
        SERVICE: Resource(get=show_service),
        ACCOUNTS: Resource(
            get=lambda: collection(
                ACCOUNTS, "ManagerAccountCollection", "Accounts", ["1"]
            )
        ),
        f"{ACCOUNTS}/1": Resource(get=show_account),
        ROLES: Resource(
            get=lambda: collection(ROLES, "RoleCollection", "Roles", _PRIVILEGES)
        ),
    } | {
        f"{ROLES}/{name}": Resource(get=partial(show_role, name))
        for name in _PRIVILEGES
    }
