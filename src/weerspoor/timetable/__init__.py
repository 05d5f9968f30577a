"""Trains of the day, series, and building a day that fits the tracks."""
