"""What identity does, given a session and an acting account."""
