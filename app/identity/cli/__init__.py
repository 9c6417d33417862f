"""Commands of libraries and of accounts."""
