"""Weerspoor: fit, displace, guarantee, stress and invest, for military trains on a civil railway."""

__version__ = "0.1.0"
