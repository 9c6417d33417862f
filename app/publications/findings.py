"""What is wrong with a file: refusals, and findings gathered on the way."""

from collections import Counter

from app.publications.kinds import KINDS
from app.publications.models import Finding


class RefusedError(Exception):
    """The file cannot be read; ``code`` is one of :data:`KINDS`, ``place`` says where."""

    def __init__(self, code: str, place: str = "") -> None:
        super().__init__(f"{code}: {place}" if place else code)
        self.code = code
        self.place = place


def finding(code: str, place: str = "") -> Finding:
    """A finding of a known kind. Raises KeyError for a code that is not in the table."""
    kind = KINDS[code]
    return Finding(code=code, message=kind.english, place=place[:300], severity=kind.severity)


def chinese(code: str) -> str:
    """The Chinese sentence of a code; the code itself if a later release made it."""
    kind = KINDS.get(code)
    return kind.chinese if kind else code


class Report:
    """Collects findings, of each code only so many, so that no file can flood the report."""

    def __init__(self, per_code: int = 10) -> None:
        self._per_code = per_code
        self._seen: Counter[str] = Counter()
        self._findings: list[Finding] = []

    def add(self, code: str, place: str = "") -> None:
        """Note a finding; past the limit of its code it is only counted."""
        self._seen[code] += 1
        if self._seen[code] <= self._per_code:
            self._findings.append(finding(code, place))

    def __contains__(self, code: str) -> bool:
        return code in self._seen

    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order found; a last one of each crowded code says how many more."""
        more = [
            finding(code, f"… +{count - self._per_code}")
            for code, count in self._seen.items()
            if count > self._per_code
        ]
        return (*self._findings, *more)
