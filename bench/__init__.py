"""What ``make bench`` runs: one file a measure, each with its control in the same run."""
