"""What every other package may use: errors for people, clock times, content hashes, whole-file writes."""
