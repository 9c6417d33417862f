"""The addresses that a reading app asks: covers, manifests, positions, downloads, content."""
