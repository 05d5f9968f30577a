"""What a day guarantees to a military demand: paths together, what fits, which reserve to hold, what binds."""
