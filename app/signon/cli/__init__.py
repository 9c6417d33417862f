"""Sign-on's commands."""
