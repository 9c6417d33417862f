"""Identity's tables."""

from app.identity.models.accounts import Account, Authenticator, Handle, Password
from app.identity.models.audit import AuditEvent, AuditLeaf, AuditPending, AuditSeal
from app.identity.models.cards import Card, ReaderImport, ReaderImportProblem
from app.identity.models.credentials import Attempts, Code, Credential
from app.identity.models.devices import DevicePassword, Passkey, SpentChallenge
from app.identity.models.exports import Export
from app.identity.models.libraries import (
    LEVELS,
    Library,
    LibraryApplication,
    LibraryCounts,
    LibraryEvent,
    LibraryNetwork,
    LibraryProfile,
    LibraryState,
)
from app.identity.models.minors import Consent, Minor, TeenDay, TeenMode
from app.identity.models.policies import PolicyRow
from app.identity.models.real_names import DeskConfirmation, Identity, Verification
from app.identity.models.roles import Grant
from app.identity.models.uses import Turnaway, Use, UseLock

__all__ = [
    "LEVELS", "Account", "Attempts", "AuditEvent", "AuditLeaf", "AuditPending", "AuditSeal",
    "Authenticator", "Card", "Code", "Consent", "Credential", "DeskConfirmation", "DevicePassword",
    "Export", "Grant", "Handle", "Identity", "Library", "LibraryApplication", "LibraryCounts",
    "LibraryEvent", "LibraryNetwork", "LibraryProfile", "LibraryState", "Minor", "Passkey",
    "Password", "PolicyRow", "ReaderImport", "ReaderImportProblem", "SpentChallenge", "TeenDay",
    "TeenMode", "Turnaway", "Use", "UseLock", "Verification",
]  # fmt: skip
