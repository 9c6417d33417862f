"""Signing on to other systems with one's account here: OpenID Connect and CAS, on one session."""
