"""EPUB 2 and 3: from the container to chapters."""
