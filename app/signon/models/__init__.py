"""Sign-on's tables."""

from app.signon.models.clients import Client, SignOn

__all__ = ["Client", "SignOn"]
