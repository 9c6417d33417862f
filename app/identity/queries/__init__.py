"""What identity reads, each in one statement."""
