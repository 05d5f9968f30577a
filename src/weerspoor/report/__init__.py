"""Pages, diagrams and maps."""
