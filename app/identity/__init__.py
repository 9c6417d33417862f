"""Libraries (the tree), accounts, roles, sessions, and the access decision."""
