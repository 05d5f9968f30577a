"""Programs for those who work on Weerspoor; not part of the package."""
