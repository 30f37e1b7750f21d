"""Drift: a window of a model's rows beside its reference, against thresholds calibrated for a rate of false alarms."""
