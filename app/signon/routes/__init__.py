"""Sign-on's addresses."""
