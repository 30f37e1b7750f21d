"""What a night says when its input is late, missing, empty or of another shape, or the champion changed in the day.

=========================== ======================================================================================
not there yet, not due      INCONCLUSIVE: the night comes back for it
not there, and due          FAILED, a fact: ``input.rows``
there, and empty            INCONCLUSIVE: nothing came, which may be right; if it lasts, it becomes a note
a column is gone            FAILED, a fact: ``schema.gone``
a column has another type   FAILED, a fact: ``schema.changed``
a column is new             FAILED where the signature rejects extra columns, else recorded: ``schema.new``
the champion changed        each version is judged by its own rows; what follows is the worse of the two
=========================== ======================================================================================
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from slipway.core.signature import DType, ExtraColumns, Signature
from slipway.core.verdict import Bound, Measurement
from slipway.errors import EvidenceError
from slipway.monitoring.values import CheckResult

if TYPE_CHECKING:
    import pandas as pd

INPUT_CHECK, SCHEMA_CHECK = "input", "schema"
# pandas' names for what a column holds -> what it may be declared as; whole numbers with gaps come as doubles.
_HOLDS = {
    "floating": (DType.FLOAT, DType.INT),
    "integer": (DType.INT, DType.FLOAT),
    "mixed-integer-float": (DType.FLOAT, DType.INT),
    "string": (DType.STRING,),
    "categorical": (DType.STRING,),
    "boolean": (DType.BOOL,),
    "empty": tuple(DType),
}


def input_result(rows: int | None, *, due: bool, model: str, version: int, day: date) -> CheckResult:
    """Return whether a day's input is there.

    Parameters
    ----------
    rows : int or None
        How many rows there are; None if there is no input at all.
    due : bool
        Whether it should have been there by now.
    """
    said = "" if rows else "the day is empty" if rows == 0 else "it is missing" if due else "it has not come yet"
    measurement = Measurement(
        name=f"{INPUT_CHECK}.rows",
        value=0 if rows is None and due else rows,
        threshold=1,
        bound=Bound.MIN,
        unit="rows",
        n=1 if rows is None and due else rows or 0,
        note=said,
    )
    return CheckResult(
        model=model, version=version, day=day, check=INPUT_CHECK, measurements=(measurement,), certain=True
    )


def kinds_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return what each column holds, in pandas' words; missing values do not count.

    >>> import pandas as pd
    >>> kinds_of(pd.DataFrame({"age": [1, 2], "sex": ["F", None]}))
    {'age': 'integer', 'sex': 'string'}
    """
    from pandas.api.types import infer_dtype

    return {str(name): "empty" if column.isna().all() else infer_dtype(column) for name, column in frame.items()}


def schema_result(
    kinds: Mapping[str, str], signature: Signature, *, own: Collection[str], model: str, version: int, day: date
) -> CheckResult:
    """Return whether a day's columns are the declared ones.

    Parameters
    ----------
    kinds : mapping of str to str
        What each column holds, as of :func:`kinds_of`.
    signature : Signature
    own : collection of str
        Columns beside the inputs that belong there: the row id, its time.
    """
    declared = {column.name: column.dtype for column in signature.inputs}
    gone = [name for name in declared if name not in kinds]
    changed = [
        f"{name} ({dtype}, now {kinds[name]})"
        for name, dtype in declared.items()
        if name in kinds and dtype not in _HOLDS.get(kinds[name], ())
    ]
    new = [name for name in kinds if name not in declared and name not in own]
    judged = {"gone": gone, "changed": changed}
    refused = signature.extra_columns is ExtraColumns.REJECT
    measurements = [_columns(name, found, judge=True) for name, found in judged.items()]
    return CheckResult(
        model=model,
        version=version,
        day=day,
        check=SCHEMA_CHECK,
        measurements=(*measurements, _columns("new", new, judge=refused)),
        certain=True,
    )


def split_by_version(
    frame: pd.DataFrame, served: Sequence[tuple[datetime, int]], *, at: str = "at"
) -> dict[int, pd.DataFrame]:
    """Return each version's rows of a day in which the champion may have changed, in the order in which they served.

    Parameters
    ----------
    frame : DataFrame
        ``at``: when each row was answered, with its zone.
    served : sequence of (datetime, int)
        From when on which version served, oldest first; the first no later than the first row.

    Raises
    ------
    EvidenceError
        If rows are older than the first that is known to have served.
    """
    if len(frame) and (not served or frame[at].min() < served[0][0]):
        raise EvidenceError(
            f"rows of {frame[at].min()} were answered before any version that is named",
            remedy="name the version that served at the start of the day too",
        )
    parts: dict[int, list[pd.DataFrame]] = {}
    for place, (start, version) in enumerate(served):
        rows = frame[at] >= start
        if place + 1 < len(served):
            rows &= frame[at] < served[place + 1][0]
        parts.setdefault(version, []).append(frame[rows])
    return {version: _together(found) for version, found in parts.items()}


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return frames[0] if len(frames) == 1 else pd.concat(frames)


def _columns(name: str, found: Sequence[str], *, judge: bool) -> Measurement:
    return Measurement(
        name=f"{SCHEMA_CHECK}.{name}",
        value=len(found),
        threshold=0 if judge else None,
        bound=Bound.MAX if judge else None,
        unit="columns",
        note=", ".join(found),
    )
