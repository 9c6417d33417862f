"""The addresses that a browser opens, one file per noun."""
