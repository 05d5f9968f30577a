"""The embedded railway: tables with unit, source, licence and certainty of every column."""
