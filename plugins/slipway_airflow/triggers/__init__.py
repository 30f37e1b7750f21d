"""Triggers: what the triggerer runs."""
