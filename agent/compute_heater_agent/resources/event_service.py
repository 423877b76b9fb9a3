"""Event service: a stream of server-sent events, and who listens to it."""

from collections.abc import Callable

from ..events import Subscription
from ..heater import Heater
from ..messages import Json
from ..resource import ROOT, Resource, collection, entity, link

SERVICE = f"{ROOT}/EventService"
SUBSCRIPTIONS = f"{SERVICE}/Subscriptions"
STREAM = f"{SERVICE}/SSE"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the service and the collection; members come from ``finder``."""

    def show_service() -> Json:
        return entity(
            SERVICE,
            "EventService",
            "EventService",
            "Event service",
            ServiceEnabled=True,
            ServerSentEventUri=STREAM,
            EventFormatTypes=["Event"],
            RegistryPrefixes=["ResourceEvent", "Environmental", "ComputeHeater"],
            ResourceTypes=["Chassis", "ComputerSystem", "EnvironmentMetrics"],
            IncludeOriginOfConditionSupported=False,
            SSEFilterPropertiesSupported={
                "EventFormatType": False,
                "MessageId": False,
                "MetricReportDefinition": False,
                "OriginResource": False,
                "RegistryPrefix": False,
                "ResourceType": False,
            },
            Status={"State": "Enabled", "Health": "OK"},
            Subscriptions=link(SUBSCRIPTIONS),
        )

    return {
        SERVICE: Resource(get=show_service),
        SUBSCRIPTIONS: Resource(
            get=lambda: collection(
                SUBSCRIPTIONS,
                "EventDestinationCollection",
                "Event streams",
                heater.events.ids(),
            )
        ),
    }


def finder(heater: Heater) -> Callable[[str], Resource | None]:
    """Find the members of the collection."""

    def find(path: str) -> Resource | None:
        parent, _, ident = path.rpartition("/")
        subscription = heater.events.get(ident) if parent == SUBSCRIPTIONS else None
        if subscription is None:
            return None
        return Resource(
            get=lambda: _show(subscription),
            delete=lambda: heater.events.close(ident),
        )

    return find


def _show(subscription: Subscription) -> Json:
    return entity(
        f"{SUBSCRIPTIONS}/{subscription.id}",
        "EventDestination",
        subscription.id,
        "Event stream",
        Context=subscription.context,
        Protocol="Redfish",
        SubscriptionType="SSE",
        EventFormatType="Event",
        Status={"State": "Enabled", "Health": "OK"},
    )
