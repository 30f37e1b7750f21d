"""Measurements that several parts of a build make."""

from __future__ import annotations

from slipway.core.verdict import Bound, Measurement


def none_of(name: str, count: int, *, n: int, note: str = "") -> Measurement:
    """Return a measurement of which there may be none."""
    return Measurement(name=name, value=count, threshold=0, bound=Bound.MAX, n=n, note=note)
