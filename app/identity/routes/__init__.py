"""Endpoints of libraries and of signing in."""
