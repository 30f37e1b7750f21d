"""What is tried: configurations that a container of these limits can make use of, the simplest first."""

from __future__ import annotations

import math

from slipway.core.serving_options import Mode, ServingOptions

DEFAULT = ServingOptions()
# Rows and ms; enough rows for every connection that the generator holds, and no wait that a person would notice.
BATCHES = ((1, 0.0), (32, 0.0), (32, 1.0))
MODES = (Mode.AUTO, Mode.INLINE, Mode.POOL)


def candidates(cpus: float, *, host_cpus: int) -> tuple[ServingOptions, ...]:
    """Return the default first, then every other configuration, the simplest first.

    Threads times workers never exceed the processors that the container may use: more would only take turns.

    Parameters
    ----------
    cpus : float
        The container's limit.
    host_cpus : int
        What the host has.

    >>> [name(options) for options in candidates(1.0, host_cpus=8)]
    ['default', 'inline', 'pool', 'inline b32', 'pool b32', 'inline b32 1ms', 'pool b32 1ms']
    >>> len(candidates(2.0, host_cpus=8)), len(candidates(2.0, host_cpus=1))
    (19, 7)
    """
    limit = max(1, min(math.ceil(cpus), host_cpus))
    counts = sorted({2**power for power in range(limit.bit_length()) if 2**power <= limit} | {limit})
    found = [
        ServingOptions(mode=mode, threads=threads, batch_rows=rows, batch_wait_ms=wait, workers=workers)
        for mode in (Mode.INLINE, Mode.POOL)
        for threads in counts
        for workers in counts
        if threads * workers <= limit
        for rows, wait in BATCHES
    ]
    return (DEFAULT, *sorted(found, key=simplicity))


def simplicity(options: ServingOptions) -> tuple[float, ...]:
    """Return the declared order of a tie: the default, then fewer processors, workers, rows in a batch, less wait.

    >>> simplicity(ServingOptions()) < simplicity(ServingOptions(mode=Mode.INLINE))
    True
    >>> simplicity(ServingOptions(threads=2)) < simplicity(ServingOptions(workers=2))
    True
    """
    return (
        options != DEFAULT,
        options.threads * options.workers,
        options.workers,
        options.batch_rows,
        options.batch_wait_ms,
        MODES.index(options.mode),
    )


def name(options: ServingOptions) -> str:
    """Return a configuration in few words.

    >>> name(ServingOptions(mode=Mode.POOL, threads=2, batch_rows=32, batch_wait_ms=1, workers=4))
    'pool 2t 4w b32 1ms'
    """
    if options == DEFAULT:
        return "default"
    parts = [options.mode.value]
    parts += [f"{options.threads}t"] if options.threads > 1 else []
    parts += [f"{options.workers}w"] if options.workers > 1 else []
    parts += [f"b{options.batch_rows}"] if options.batch_rows > 1 else []
    parts += [f"{options.batch_wait_ms:g}ms"] if options.batch_wait_ms else []
    return " ".join(parts)
