"""Tuning: which serving options give the most throughput on this host while the model's objectives hold."""

from slipway.tuning.run import tune

__all__ = ["tune"]
