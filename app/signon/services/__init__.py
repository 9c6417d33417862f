"""Sign-on's services."""
