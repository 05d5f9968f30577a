"""Operations on resources: timelines of zones and the search over their free gaps; compiled, with plain twins."""
