"""Displacing civil trains for a military one that finds nothing free: paths, and what they cost others."""
