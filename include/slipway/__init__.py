"""Slipway takes a registered model to production through gates, and keeps it honest there."""

__version__ = "0.1.0"
