"""The limits of an installation, and who a request is counted for."""

from __future__ import annotations

from app.adapters import Adapters
from app.config import PREFIX, SettingError, Settings
from app.counting import Limit, Spent
from app.identity.services.limits import DEFAULTS, Limiter, network_of
from app.permissions import Caller
from app.sealing import Sealer
from app.web.limits import Count, Limited


def open_limiter(settings: Settings, adapters: Adapters) -> Limiter:
    """Spends the limits that are usual, with those that the settings change.

    :raises SettingError: for a limit that there is none of.
    """
    limits = dict(DEFAULTS)
    for name, limit in settings.limits.items():
        if name not in DEFAULTS:
            wanted = "limits of these names: " + ", ".join(DEFAULTS)
            raise SettingError(PREFIX + "LIMITS", name, wanted)
        limits[name] = Limit(*limit)
    sealer = Sealer(settings.identity_key)
    return Limiter(adapters.database, adapters.cache, sealer, limits)


def count_by(limiter: Limiter) -> Count:
    """Counts a request for its caller: the account of its session or token, else the network."""

    def count(limited: Limited, caller: Caller) -> Spent | None:
        if caller.account_id is not None:
            return limiter.spend(limited.what, "account", caller.account_id)
        network = network_of(caller.address)
        return limiter.spend(limited.what, "address", network) if network else None

    return count
