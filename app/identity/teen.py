"""What the teen mode asks, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from app.identity.policies import Clock, Hours

Minutes = Annotated[int, Meta(ge=5, le=1440)]


class TeenRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """From ``opens`` until just before ``closes`` of every day (UTC+8), and so many minutes a day.

    Without anything, the mode is off.
    """

    opens: Clock | None = None
    closes: Clock | None = None
    minutes: Minutes | None = None

    def __bool__(self) -> bool:
        return self.opens is not None or self.minutes is not None

    @property
    def hours(self) -> Hours | None:
        """The hours, where there are any."""
        return Hours(self.opens, self.closes) if self.opens and self.closes else None


@dataclass(frozen=True, slots=True)
class Teen:
    """The mode of an account, with the minutes that it was here today."""

    rules: TeenRules
    used: int
    by_guardian: bool = False
