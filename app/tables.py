"""Every table of the schema, for migrations and for tests that make a database."""

from __future__ import annotations

from app.catalog import models as catalog
from app.database import Base
from app.identity import models as identity
from app.jobs import models as jobs
from app.signon import models as signon
from app.usage import models as usage
from app.web import idempotency

MODULES = (catalog, identity, jobs, signon, usage, idempotency)
TABLES = tuple(Base.metadata.sorted_tables)
