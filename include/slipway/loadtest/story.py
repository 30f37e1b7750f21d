"""All that a load test's report is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from slipway.core.verdict import Measurement
from slipway.loadtest.besides import Beyond
from slipway.loadtest.conduct import Course
from slipway.loadtest.growth import Point
from slipway.loadtest.host import HostNoise
from slipway.loadtest.limits import Limits
from slipway.loadtest.results import LoadResults


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened, and what it came to.

    Attributes
    ----------
    profile : str
        The load profile's name.
    points : mapping of str to sequence of Point
        What the service used over time, by resource.
    kind : callable
        Returns the kind of request that a golden row is.
    """

    profile: str
    course: Course
    limits: Limits
    results: LoadResults
    beyond: Beyond
    measurements: Sequence[Measurement]
    points: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    noise: HostNoise | None = None
    kind: Callable[[int], str] = lambda _row: ""
