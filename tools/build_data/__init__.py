"""Makes the tables of the package from the source data: ``python -m tools.build_data``."""
