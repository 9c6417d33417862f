"""What reading does: manifests, grants, resources."""
