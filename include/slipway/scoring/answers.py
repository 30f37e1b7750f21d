"""What a scored row looks like in the sink: its keys, the answer, and who answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slipway.core.signature import DType, Signature
from slipway.errors import SpecError
from slipway.scoring.faults import SourceError
from slipway.scoring.partition import Partition
from slipway.scoring.target import Stamp

MODEL, VERSION, IMAGE, RUN = "model", "model_version", "image_digest", "run_id"
START, END, PARTITION, AT = "data_interval_start", "data_interval_end", "data_partition", "scored_at"
STAMPS = (MODEL, VERSION, IMAGE, RUN, START, END, PARTITION, AT)

_MOMENT = pa.timestamp("us", tz="UTC")
_ARROW = {DType.FLOAT: pa.float64(), DType.INT: pa.int64(), DType.STRING: pa.string(), DType.BOOL: pa.bool_()}


class Scored:
    """Makes a partition's output rows.

    Parameters
    ----------
    keys : sequence of str
        Columns of the source that name a row.
    signature : Signature
    stamp : Stamp
    partition : Partition

    Raises
    ------
    SpecError
        If a key has the name of another output column.
    """

    def __init__(self, keys: Sequence[str], signature: Signature, stamp: Stamp, partition: Partition) -> None:
        output = signature.output
        names = [*keys, output.name, *STAMPS]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SpecError(f"output columns named twice: {', '.join(twice)}", remedy="rename the source's columns")
        self._keys, self._answer = tuple(keys), pa.field(output.name, _ARROW[output.dtype], nullable=False)
        self._values = (
            pa.scalar(stamp.subject.model),
            pa.scalar(stamp.subject.version, pa.int32()),
            pa.scalar(stamp.subject.image_digest),
            pa.scalar(stamp.run_id),
            pa.scalar(partition.interval.start, _MOMENT),
            pa.scalar(partition.interval.end, _MOMENT),
            pa.scalar(partition.index, pa.int32()),
            pa.scalar(stamp.scored_at, _MOMENT),
        )
        self._stamps = [_repeated(value, 0) for value in self._values]

    def rows(self, batch: pa.RecordBatch, kept: NDArray[np.int64], answers: NDArray[Any]) -> pa.RecordBatch:
        """Return the output rows.

        Parameters
        ----------
        batch : RecordBatch
            Of the source.
        kept : array of int
            The positions in it that were answered.
        answers : array of the same length
        """
        lost = [name for name in self._keys if name not in batch.schema.names]
        if lost:
            raise SourceError(
                f"the source has no column {', '.join(lost)}", remedy="declare keys that the source has, or restore it"
            )
        rows = len(kept)
        places = None if rows == batch.num_rows else pa.array(kept)
        columns = [batch.column(name) if places is None else batch.column(name).take(places) for name in self._keys]
        fields = [batch.schema.field(name).remove_metadata() for name in self._keys]
        if len(self._stamps[0]) < rows:
            self._stamps = [_repeated(value, rows) for value in self._values]
        stamps = [stamp.slice(0, rows) for stamp in self._stamps]
        fields += [self._answer, *(pa.field(n, s.type, nullable=False) for n, s in zip(STAMPS, stamps, strict=True))]
        answered = pa.array(answers, self._answer.type)
        return pa.RecordBatch.from_arrays([*columns, answered, *stamps], schema=pa.schema(fields))


def _repeated(value: pa.Scalar, rows: int) -> pa.Array:
    """Return a column of one value; a text is kept once."""
    if pa.types.is_string(value.type):
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value.as_py()]))
    return pa.repeat(value, rows)
