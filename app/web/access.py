"""How the edge learns who calls; ``identity`` implements it, the factory wires it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Request
from sqlalchemy.orm import Session

from app.permissions import Caller, Permission

__all__ = ["Authenticate", "Caller", "Permission"]

Authenticate = Callable[[Request, Session], Caller]
"""Who sent this request.

:raises UnauthenticatedError: when credentials are given that do not hold; none at all is fine.
"""
