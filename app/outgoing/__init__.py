"""Asking other systems: their sign-on services and ours tell each other things. Pure."""
