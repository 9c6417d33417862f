"""Facts about use: written as they happen, delivered in batches, counted later."""
