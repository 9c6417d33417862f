"""The two ceremonies of passkeys (WebAuthn level 3 § 7): registering one, and signing in by one.

Nobody is named at sign-in: the device knows whose passkey it holds. What a device sends is
verified between transactions; challenges are spent before, so that none is tried twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.errors import ConflictError, UnauthenticatedError
from app.identity.accounts import Known
from app.identity.models import Account, Passkey
from app.identity.services import attaching, challenges, passkeys, second_factor
from app.identity.services.entering import Entered, Entrance
from app.identity.services.passkeys import NewPasskey
from app.identity.services.sessions import Visit

NAME = "开卷"
REGISTER, SIGN_IN = "register", "sign-in"
_TIMEOUT = int(challenges.LIFE.total_seconds() * 1000)
_BROKEN = (WebAuthnException, ValueError, TypeError, AttributeError, LookupError)
"""What reading a hostile answer may raise."""
_REQUIRED = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are at home (relying party): a host name, and the one origin of its pages."""

    host: str
    origin: str


def site_of(public_url: str | None, asked: str) -> Site | None:
    """The site of the public address; without one, this machine's own, as it was ``asked`` by.

    Nothing where passkeys cannot be: at an address in numbers, or elsewhere without TLS (§ 5.1.3).
    """
    parts = urlsplit(public_url or asked)
    host = parts.hostname or ""
    is_local = host == "localhost"
    try:
        ip_address(host)
    except ValueError:
        is_secure = is_local or (public_url is not None and parts.scheme == "https")
        return Site(host, f"{parts.scheme}://{parts.netloc}") if is_secure else None
    return None


@dataclass(frozen=True, slots=True)
class Ceremonies:
    """Passkeys at the door. ``browser`` is what the visitor's browser is known by."""

    entrance: Entrance

    def ask_to_register(self, site: Site | None, known: Known, browser: str) -> dict[str, Any]:
        """What the browser is to make (PublicKeyCredentialCreationOptionsJSON).

        :raises ForbiddenError: when the account may not have another one now.
        :raises ConflictError: where passkeys cannot be.
        """
        second_factor.require_may_add(known)
        host = _required(site).host
        with self.entrance.database.transaction(writes=False) as session:
            shown = next((one.mask for one in attaching.listed(session, known.account_id)), "")
            name = session.get_one(Account, known.account_id).name
            mine = passkeys.known_to(session, known.account_id)
        options = generate_registration_options(
            rp_id=host,
            rp_name=NAME,
            user_id=passkeys.handle_of(known.account_id),
            user_name=shown or name,
            user_display_name=name,
            challenge=challenges.make(self.entrance.sealer, _register_of(known), browser),
            timeout=_TIMEOUT,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
            ),
            exclude_credentials=[_described(*one) for one in mine.items()],
        )
        return options_to_json_dict(options)

    def register(
        self,
        site: Site | None,
        visit: Visit,
        known: Known,
        browser: str,
        answer: Mapping[str, Any],
        label: str,
    ) -> Entered:
        """Keeps the passkey that the browser made; the session goes on with it.

        :raises ForbiddenError: when the account may not have another one now.
        :raises UnauthenticatedError: when the answer does not hold.
        :raises ConflictError: where passkeys cannot be, or this one or too many are there already.
        """
        second_factor.require_may_add(known)
        home = _required(site)
        challenge = self._meet(answer, _register_of(known), browser)
        try:
            made = verify_registration_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=home.host,
                expected_origin=home.origin,
                require_user_verification=True,
            )
        except _BROKEN as error:
            raise _refused() from error
        new = NewPasskey(
            credential=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            is_synced=made.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
            transports=",".join(_transports(answer["response"].get("transports") or ())),
        )
        secret = self.entrance.database.run(lambda s: passkeys.add(s, visit, known, new, label))
        return self.entrance.entered(known.account_id, secret)

    def ask_to_sign_in(self, site: Site | None, browser: str) -> dict[str, Any]:
        """What the browser is to show (PublicKeyCredentialRequestOptionsJSON); it names nobody.

        :raises ConflictError: where passkeys cannot be.
        """
        options = generate_authentication_options(
            rp_id=_required(site).host,
            challenge=challenges.make(self.entrance.sealer, SIGN_IN, browser),
            timeout=_TIMEOUT,
            user_verification=_REQUIRED,
        )
        return options_to_json_dict(options)

    def sign_in(
        self, site: Site | None, visit: Visit, browser: str, answer: Mapping[str, Any]
    ) -> Entered:
        """Lets in whose passkey this is: with a second factor shown.

        :raises UnauthenticatedError: when the answer does not hold, for whatever reason.
        :raises ConflictError: where passkeys cannot be.
        """
        home = _required(site)
        self.entrance.count_network("sign-in", visit)
        challenge = self._meet(answer, SIGN_IN, browser)
        with self.entrance.database.transaction(writes=False) as session:
            passkey = self._named(session, answer)
        verified = _verify(home, passkey, answer, challenge) if passkey else None
        if passkey is None or verified is None:
            self.entrance.failed(visit, passkey.account_id if passkey else None, "passkey")
            raise _refused()
        count = verified.new_sign_count
        secret = self.entrance.database.run(lambda s: passkeys.use(s, visit, passkey.id, count))
        if secret is None:
            raise _refused()
        return self.entrance.entered(passkey.account_id, secret)

    def _meet(self, answer: Mapping[str, Any], purpose: str, browser: str) -> bytes:
        """The challenge that was answered, if it is ours; it is spent, come what may."""
        try:
            data = parse_client_data_json(base64url_to_bytes(answer["response"]["clientDataJSON"]))
        except _BROKEN as error:
            raise _refused() from error
        if data.cross_origin:  # our pages stand in nobody's frame
            raise _refused()
        sealer, shown = self.entrance.sealer, data.challenge
        self.entrance.database.run(lambda s: challenges.meet(s, sealer, purpose, browser, shown))
        return shown

    def _named(self, session: Session, answer: Mapping[str, Any]) -> Passkey | None:
        """The passkey that the answer names, if it names its account too (§ 7.2 step 6)."""
        try:
            credential = base64url_to_bytes(answer["rawId"])
            handle = base64url_to_bytes(answer["response"].get("userHandle") or "")
        except _BROKEN as error:
            raise _refused() from error
        passkey = passkeys.find(session, credential)
        is_its_own = passkey is not None and passkeys.handle_of(passkey.account_id) == handle
        return passkey if is_its_own else None


def _verify(
    site: Site, passkey: Passkey, answer: Mapping[str, Any], challenge: bytes
) -> VerifiedAuthentication | None:
    """What the device says, once its signature holds. Its counter is looked at where it is kept."""
    try:
        return verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _BROKEN:
        return None


def _required(site: Site | None) -> Site:
    if site is None:
        raise ConflictError("Passkeys need a public address with TLS (KAIJUAN_PUBLIC_URL).")
    return site


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("This passkey opens nothing here.")


def _register_of(known: Known) -> str:
    return f"{REGISTER}:{known.account_id}"


def _described(credential: bytes, transports: str) -> PublicKeyCredentialDescriptor:
    known = [AuthenticatorTransport(one) for one in _transports(transports.split(","))]
    return PublicKeyCredentialDescriptor(id=credential, transports=known or None)


def _transports(said: Any) -> list[str]:
    known = {str(one.value) for one in AuthenticatorTransport}
    return [one for one in said if one in known]
