"""Batch scoring: rows of an interval, answered by the champion's service, written so that it can be done twice."""

from slipway.scoring.checks import Counts, Limits, run_measurements
from slipway.scoring.faults import ScoringStopped, SinkError, SourceError, Superseded
from slipway.scoring.interval import Interval
from slipway.scoring.open import open_sink, open_source, plan_partitions
from slipway.scoring.partition import Partition
from slipway.scoring.score import Job, Result, interval_measurements, score_partition
from slipway.scoring.summary import Summary, pooled
from slipway.scoring.target import Sink, Stamp, Target

__all__ = [
    "Counts",
    "Interval",
    "Job",
    "Limits",
    "Partition",
    "Result",
    "ScoringStopped",
    "Sink",
    "SinkError",
    "SourceError",
    "Stamp",
    "Summary",
    "Superseded",
    "Target",
    "interval_measurements",
    "open_sink",
    "open_source",
    "plan_partitions",
    "pooled",
    "run_measurements",
    "score_partition",
]
