"""Sign-on's tables."""

from app.signon.models.authorizations import Approval, Authorization
from app.signon.models.clients import Client, ClientOrigin, SignOn
from app.signon.models.device_requests import DeviceRequest
from app.signon.models.providers import Provider, ProviderIdentity, ProviderVisit
from app.signon.models.tickets import Ticket

__all__ = [
    "Approval", "Authorization", "Client", "ClientOrigin", "DeviceRequest", "Provider",
    "ProviderIdentity", "ProviderVisit", "SignOn", "Ticket",
]  # fmt: skip
