"""What is tried again and again is said to fail once, and once that it goes on."""

from __future__ import annotations


class Failing:
    """Whether one repeated thing fails at present."""

    def __init__(self) -> None:
        self._last: type[Exception] | None = None

    def is_news(self, error: Exception) -> bool:
        """It failed; whether it failed otherwise, or not at all, the last time."""
        before, self._last = self._last, type(error)
        return before is not self._last

    def is_over(self) -> bool:
        """It went well; whether it had failed the last time."""
        before, self._last = self._last, None
        return before is not None
