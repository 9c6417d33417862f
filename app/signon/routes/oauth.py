"""OpenID Connect and OAuth 2.0: what browsers and clients are answered under ``/oauth2``."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
from flask import Response, request
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.database import Database
from app.errors import ForbiddenError, TooManyError, UnauthenticatedError
from app.identity.accounts import Known
from app.identity.services.audit import Actor, actor_of
from app.identity.services.limits import Limiter, network_of
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.signon.schemas import Scope
from app.signon.services import asking, bearing, claims
from app.signon.services.asking import Consent, SignIn
from app.signon.services.provider import Provider, Question, Reply
from app.signon.services.tokens import Tokens
from app.web.api import Endpoints

oauth = Endpoints("signon.oauth", "/oauth2")
PUBLIC = Permission.PUBLIC
ANYWHERE = {"Access-Control-Allow-Origin": "*"}
"""Apps in browsers ask from their own origin; no cookie counts for anything here."""


@oauth.get("/authorize", PUBLIC, json=False, writes=True)
def authorize(database: Database, caller: Caller, cursors: Cursors, tokens: Tokens) -> Response:
    """Sign on to a client."""
    params, known, actor = request.args.to_dict(flat=False), session_in(caller), actor_of(caller)

    def work(session: Session) -> Reply | SignIn | Consent:
        return asking.authorize(Provider(session, actor, tokens), cursors, params, known)

    found = database.run(work, writes=known is not None)  # strangers hold no lock
    if isinstance(found, SignIn):
        return _onwards("/sign-in?" + urlencode({"next": found.onwards}))
    if isinstance(found, Consent):
        return _onwards("/consent?" + urlencode({"next": found.onwards}))
    return answer(found)


@oauth.post("/authorize", PUBLIC, json=False)
def authorize_by_form() -> Response:
    """Sign on to a client that sends the browser with a form (Core 1.0 §3.1.2.1)."""
    return _onwards(f"{asking.ADDRESS}?{urlencode(request.form.to_dict(flat=False), doseq=True)}")


@oauth.post("/token", PUBLIC, json=False)
def token(database: Database, limiter: Limiter, caller: Caller, tokens: Tokens) -> Response:
    """Trade a code or a refresh token for tokens."""
    asked = question()
    return _answered(database, limiter, caller, tokens, lambda provider: provider.token(asked))


@oauth.post("/introspect", PUBLIC, json=False)
def introspect(database: Database, limiter: Limiter, caller: Caller, tokens: Tokens) -> Response:
    """Ask what a token is worth (RFC 7662)."""
    asked = question()
    return _answered(
        database,
        limiter,
        caller,
        tokens,
        lambda provider: provider.endpoint("introspection", asked),
    )


@oauth.post("/revoke", PUBLIC, json=False)
def revoke(database: Database, limiter: Limiter, caller: Caller, tokens: Tokens) -> Response:
    """Give a token back (RFC 7009)."""
    asked = question()
    return _answered(
        database, limiter, caller, tokens, lambda provider: provider.endpoint("revocation", asked)
    )


@oauth.get("/userinfo", PUBLIC, json=False)
def userinfo(session: Session, tokens: Tokens, sealer: Sealer) -> Response:
    """What the person lets the client know (Core 1.0 §5.3)."""
    return _told(session, tokens, sealer)


@oauth.post("/userinfo", PUBLIC, json=False)
def userinfo_by_post(database: Database, tokens: Tokens, sealer: Sealer) -> Response:
    """What the person lets the client know, asked for by POST."""
    return database.run(lambda session: _told(session, tokens, sealer), writes=False)


@oauth.get("/jwks", PUBLIC, json=False)
def jwks(tokens: Tokens) -> Response:
    """The keys by which tokens are checked (RFC 7517)."""
    found = tokens.keys.published().as_dict(private=False)
    headers = {**ANYWHERE, "Cache-Control": "public, max-age=3600"}
    return Response(
        msgspec.json.encode(found), headers=headers, content_type="application/jwk-set+json"
    )


@oauth.blueprint.after_request
def let_apps_ask(response: Response) -> Response:
    """Tells browsers that apps of other origins may prove themselves here (Fetch §4.8)."""
    if request.method == "OPTIONS":
        response.headers |= {**ANYWHERE, "Access-Control-Allow-Headers": "Authorization"}
    return response


def session_in(caller: Caller) -> Known | None:
    """The session of who is signed in; nothing of one that waits for its second factor."""
    known = getattr(caller, "known", None)
    is_open = isinstance(known, Known) and known.kind == "session" and not known.is_half_open
    return known if is_open else None


def question() -> Question:
    """The request as the provider takes it."""
    return Question(request.form.to_dict(flat=False), request.headers.get("Authorization", ""))


def answer(reply: Reply) -> Response:
    """What the provider answers, as a response."""
    body = msgspec.json.encode(reply.body) if isinstance(reply.body, dict) else b""
    headers = {**reply.headers, **({} if reply.status == 303 else ANYWHERE)}
    return Response(body, reply.status, headers=headers)


def _onwards(path: str) -> Response:
    return Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def _answered(
    database: Database,
    limiter: Limiter,
    caller: Caller,
    tokens: Tokens,
    ask: Callable[[Provider], Reply],
) -> Response:
    """What a client is answered, which acts by itself: no session of a browser matters."""
    actor = Actor(None, caller.address, caller.request_id)
    refused = too_many(limiter, caller, "tokens")
    return refused or answer(database.run(lambda s: ask(Provider(s, actor, tokens))))


def too_many(limiter: Limiter, caller: Caller, what: str) -> Response | None:
    """The refusal of one request too many from a network, in the form that clients read."""
    try:
        if network := network_of(caller.address):
            limiter.spend(what, "address", network)
    except TooManyError as error:
        told = {"error": "temporarily_unavailable", "error_description": str(error)}
        headers = {"Retry-After": str(error.retry_after), "Cache-Control": "no-store"}
        return answer(Reply(429, told, {**headers, "Content-Type": "application/json"}))
    return None


def _told(session: Session, tokens: Tokens, sealer: Sealer) -> Response:
    """The claims, or a refusal in the form of RFC 6750 §3."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer" or not shown:
            raise UnauthenticatedError
        said, standing = bearing.standing(session, tokens, shown.strip())
        if Scope.OPENID not in said.scope:
            raise ForbiddenError(Scope.OPENID)
    except UnauthenticatedError:
        error = ' error="invalid_token"' if shown else ""
        return _refused(401, error)
    except ForbiddenError:
        return _refused(403, ' error="insufficient_scope", scope="openid"')
    found = claims.of(session, sealer, standing, " ".join(said.scope))
    headers = {**ANYWHERE, "Cache-Control": "no-store"}
    return Response(msgspec.json.encode(found), headers=headers, content_type="application/json")


def _refused(status: int, error: str) -> Response:
    told = 'Bearer realm="Kaijuan"' + ("," + error if error else "")
    return Response(status=status, headers={**ANYWHERE, "WWW-Authenticate": told})
