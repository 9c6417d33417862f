"""Bytes by key: the ports for objects and uploads in parts, and their adapters."""
