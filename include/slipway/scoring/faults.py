"""What can stop a batch run; each says what to do next.

::

    SlipwayError
    ├── SourceError        rows cannot be read as declared
    ├── SinkError          answers cannot be written, or would be there twice
    │   └── Superseded     another run has cut the same interval anew
    └── ScoringStopped     the service answers with nonsense, or not at all
"""

from __future__ import annotations

from slipway.errors import SlipwayError


class SourceError(SlipwayError):
    """Rows cannot be read as declared."""


class SinkError(SlipwayError):
    """Answers cannot be written, or would be there twice."""


class Superseded(SinkError):
    """Another run has cut the same interval anew; what this one holds is out of date."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} was cut anew by another run", remedy="let that run finish, or plan the interval's partitions again"
        )


class ScoringStopped(SlipwayError):
    """The service answers with nonsense, is another version, or does not answer."""
