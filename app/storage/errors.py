"""What can go wrong with a store; every adapter raises these and nothing of its engine's own."""


class StoreError(Exception):
    """Base of every error of a store."""


class BadKeyError(StoreError, ValueError):
    """The key can never name an object: it leaves the store, or no adapter could hold it."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key!r}: {reason}")
        self.key = key
        self.reason = reason


class ObjectNotFoundError(StoreError):
    """Nothing is stored under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class UploadNotFoundError(StoreError):
    """The upload was completed, aborted, or never begun."""

    def __init__(self, key: str, upload_id: str) -> None:
        super().__init__(f"{key} ({upload_id})")
        self.key = key
        self.upload_id = upload_id


class BadPartsError(StoreError, ValueError):
    """The parts given do not make one object; ``reason`` says why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class IntegrityMismatchError(StoreError):
    """The bytes are not those the digest promised: what is put is not kept, what is read is bad."""

    def __init__(self, key: str, *, expected: str, actual: str) -> None:
        super().__init__(f"{key}: expected {expected}, got {actual}")
        self.key = key
        self.expected = expected
        self.actual = actual


class StoreUnavailableError(StoreError):
    """The engine did not answer as it should; ``retryable`` when later may go better."""

    def __init__(self, reason: str, *, retryable: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable


class StoreFullError(StoreUnavailableError):
    """No room is left: somebody must make some before trying again helps."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, retryable=False)
