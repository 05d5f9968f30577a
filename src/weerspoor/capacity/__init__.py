"""Request to path: fit, verify, explain."""
