"""Session service: log in, log out, time-out."""

from collections.abc import Callable

from ..heater import Heater
from ..messages import Json, RedfishError, message
from ..patching import check_patch, whole_number_between
from ..resource import ROOT, Caller, Reply, Resource, collection, entity, link
from ..sessions import Session

SERVICE = f"{ROOT}/SessionService"
SESSIONS = f"{SERVICE}/Sessions"
_SHORTEST_S, _LONGEST_S = 30, 86400


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the service and the collection; members come from ``finder``."""

    def show_service() -> Json:
        return entity(
            SERVICE,
            "SessionService",
            "SessionService",
            "Session service",
            ServiceEnabled=True,
            SessionTimeout=heater.sessions.timeout_s,
            Status={"State": "Enabled", "Health": "OK"},
            Sessions=link(SESSIONS),
        )

    def patch_service(body: Json) -> None:
        check_patch(
            body,
            {"SessionTimeout": whole_number_between(_SHORTEST_S, _LONGEST_S)},
            show_service(),
        )
        heater.sessions.timeout_s = body["SessionTimeout"]

    async def log_in(body: Json, caller: Caller) -> Reply:
        user, password = (_text(body, name) for name in ("UserName", "Password"))
        await heater.authenticator.login(user, password, caller.address)
        heater.machine.renew_lease()
        session, token = heater.sessions.create(user)
        shown = _show(session)
        return Reply(
            status=201,
            body=shown,
            headers={"X-Auth-Token": token, "Location": shown["@odata.id"]},
        )

    sessions = Resource(
        get=lambda: collection(
            SESSIONS, "SessionCollection", "Sessions", heater.sessions.ids()
        ),
        post=log_in,
        public=frozenset({"POST"}),
    )
    return {
        SERVICE: Resource(get=show_service, patch=patch_service),
        SESSIONS: sessions,
        # The standard lets clients create members at this URI too.
        f"{SESSIONS}/Members": Resource(post=log_in, public=frozenset({"POST"})),
    }


def finder(heater: Heater) -> Callable[[str], Resource | None]:
    """Find the members of the collection."""

    def find(path: str) -> Resource | None:
        parent, _, session_id = path.rpartition("/")
        session = heater.sessions.get(session_id) if parent == SESSIONS else None
        if session is None:
            return None
        return Resource(
            get=lambda: _show(session),
            delete=lambda: heater.sessions.close(session_id),
        )

    return find


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if value is None:
        raise RedfishError(400, message("PropertyMissing", name, pointer=f"#/{name}"))
    if not isinstance(value, str):
        # The value may be a password: it is not repeated.
        raise RedfishError(
            400, message("PropertyValueTypeError", "…", name, pointer=f"#/{name}")
        )
    return value


def _show(session: Session) -> Json:
    return entity(
        f"{SESSIONS}/{session.id}",
        "Session",
        session.id,
        f"Session of {session.user}",
        UserName=session.user,
        Password=None,
        CreatedTime=session.created,
        SessionType="Redfish",
    )
