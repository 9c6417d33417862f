"""A device that keeps passkeys, in software (WebAuthn level 3 § 6): ES256, no attestation."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from werkzeug.test import TestResponse

from identity.people import Browser

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


def text_of(value: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(value).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    """What :func:`text_of` was given."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Keyring:
    """One passkey. What a hostile device, page or network would change can be changed."""

    origin: str = "http://localhost"
    rp_id: str | None = None
    """Another site's, in the place of the one that asks."""
    flags: int = UP | UV
    count: int = 1
    step: int = 1
    challenge: str | None = None
    """One that is shown in the place of the one asked for."""
    user_handle: str = ""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.create()`` gives."""
        self.user_handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({
            1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")
        })  # fmt: skip
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(options["rp"]["id"], AT) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options)
        return self._credential(
            clientDataJSON=client, attestationObject=made, transports=["internal"]
        )

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.get()`` gives."""
        self.count += self.step
        data, client = self._data(options["rpId"]), self._client("webauthn.get", options)
        signed = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            clientDataJSON=client, authenticatorData=data, signature=signed,
            userHandle=bytes_of(self.user_handle),
        )  # fmt: skip

    def register(self, browser: Browser, **said: Any) -> TestResponse:
        """Makes a passkey of the account that is signed in."""
        asked = browser.post("/me/passkeys/options")
        assert asked.status_code == 200, asked.text
        return browser.post("/me/passkeys", **self.make(asked.json["publicKey"]), **said)  # type: ignore[index]

    def sign_in(self, browser: Browser) -> TestResponse:
        """Comes in by it."""
        return browser.post("/session/passkey", **self.show(asked(browser)))

    def _data(self, rp_id: str, more: int = 0) -> bytes:
        home = sha256((self.rp_id or rp_id).encode()).digest()
        return home + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        challenge = self.challenge or options["challenge"]
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _credential(self, **response: Any) -> dict[str, Any]:
        shown = {n: text_of(v) if isinstance(v, bytes) else v for n, v in response.items()}
        own = text_of(self.id)
        return {"id": own, "rawId": own, "type": "public-key", "response": shown,
                "clientExtensionResults": {}}  # fmt: skip


def asked(browser: Browser) -> dict[str, Any]:
    """What the sign-in page asks of the browser."""
    answer = browser.post("/session/passkey/options")
    assert answer.status_code == 200, answer.text
    return answer.json["publicKey"]  # type: ignore[index, no-any-return]
