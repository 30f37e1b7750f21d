"""What the load test sends: the golden rows, rows between them, and declared requests of the kinds that they lack.

Rules
-----
1. Golden rows are complete and in range, and few: sent over and over, they would flatter a service that keeps its
   answers. ``NEW_ROWS`` rows between them are sent with them.
2. Where the declaration lets a value be missing or out of range, callers will send such rows, and the objectives are
   theirs too. Each such kind makes up one tenth of what is sent, however rare it is in the data: enough that a
   percentile sees it.
3. What to answer to all of them the model's own independent reference says, after the declared policies, as it does
   in the scenarios.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from slipway.core.golden import Golden
from slipway.core.signature import Action, Column, DType, Signature, Value
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.loadtest.fresh import fresh_rows
from slipway.scenarios.reference import Reference, entry_point
from slipway.scenarios.treat import treat
from slipway.specs import model_folder
from slipway.workflows.workbench import Workbench

IN_RANGE, MISSING, OUT_OF_RANGE = "in range", "a value missing", "a value out of range"
NEW_ROWS = 1_000
KIND_SHARE = 0.10
BEYOND = 0.01
SEED = 0

Row = dict[str, Value]


def load_mix(bench: Workbench, spec: ModelSpec, files: VersionFiles, golden: Golden) -> tuple[Golden, tuple[str, ...]]:
    """Return what to send with the answers to expect, and the kind of each row.

    Raises
    ------
    ReferenceFailed
        If the reference is gone or crashes: it answered the scenarios before.
    """
    signature = spec.to_signature()
    new = tuple(islice(fresh_rows(golden.rows, seed=SEED), NEW_ROWS))
    complete = (*golden.rows, *new)
    unusual = list(unusual_rows(complete, signature))
    more = (*new, *(row for _, row in unusual))
    file, function = entry_point(spec, model_folder(bench.settings, spec.name))
    with Reference(file, function, output=spec.signature.output.name, parameters=files.reference) as reference:
        answers = reference.score([treat(row, signature).row for row in more])
    mixed = replace(
        golden,
        rows=(*golden.rows, *more),
        answers=(*golden.answers, *answers),
        served=(),  # nobody has answered the further rows yet
    )
    return mixed, (*(IN_RANGE,) * len(complete), *(kind for kind, _ in unusual))


def unusual_rows(rows: Sequence[Mapping[str, Value]], signature: Signature) -> Iterator[tuple[str, Row]]:
    """Yield rows of the declared kinds that complete rows lack, with their kind: such rows, one value changed."""
    rng = random.Random(SEED)
    held = [column for column in signature.inputs if column.name in rows[0]]
    missing = [c for c in held if c.on_missing.action is not Action.REJECT]
    outside = [c for c in held if c.on_out_of_range.action is not Action.REJECT and _ends(c)]
    present = [(kind, columns) for kind, columns in ((MISSING, missing), (OUT_OF_RANGE, outside)) if columns]
    count = math.ceil(KIND_SHARE * len(rows) / (1 - KIND_SHARE * len(present))) if present else 0
    for kind, columns in present:
        for i in range(count):
            column = columns[i % len(columns)]
            value = None if kind == MISSING else rng.choice(_ends(column))
            yield kind, {**rng.choice(rows), column.name: value}


def _ends(column: Column) -> list[Value]:
    """Return a value just outside each declared end of a number's range."""
    if not column.dtype.is_numeric:
        return []
    width = (column.max - column.min if column.min is not None and column.max is not None else 1.0) * BEYOND
    low: float | None
    high: float | None
    if column.dtype is DType.INT:
        low = None if column.min is None else math.ceil(column.min) - 1
        high = None if column.max is None else math.floor(column.max) + 1
    else:
        low = None if column.min is None else column.min - width
        high = None if column.max is None else column.max + width
    return [end for end in (low, high) if end is not None]
