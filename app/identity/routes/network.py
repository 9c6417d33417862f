"""The endpoints of the libraries' network, together."""

from __future__ import annotations

from app.identity.routes.applications import applications
from app.identity.routes.audit import audit
from app.identity.routes.cards import cards
from app.identity.routes.desk import desk
from app.identity.routes.libraries import libraries
from app.identity.routes.library_networks import library_networks
from app.identity.routes.library_profiles import library_profiles
from app.identity.routes.policies import policies
from app.identity.routes.reader_imports import reader_imports
from app.identity.routes.readers import readers
from app.identity.routes.staff import staff
from app.identity.routes.uses import library_uses

NETWORK = (
    libraries, library_profiles, library_networks, policies, applications, library_uses, desk,
    reader_imports, cards, staff, readers, audit,
)  # fmt: skip
