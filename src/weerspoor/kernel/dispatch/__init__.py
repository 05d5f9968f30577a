"""The dispatching engine: re-plans many trains at once."""
