"""The faces that a browser shows: templates, static sources, and the routes that fill them."""
