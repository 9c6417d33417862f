"""What sign-on reads."""
