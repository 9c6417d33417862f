"""Reading: delivery of what the catalogue holds."""
