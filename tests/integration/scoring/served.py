"""The real serving program with a model of our own: ``served.py PORT SECONDS``, each call of it taking so long.

It answers ``a + 1`` where ``yes``, else ``a``; 50 more where the word is missing. It refuses rows whose ``a`` is 13,
without naming them, and answers nonsense where ``a`` is 99.
"""

import os
import sys
import time

import numpy as np

from slipway.core.identity import Subject
from slipway.core.serving_options import ServingOptions
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.serving.app import App
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.faults import RowsRejected
from slipway.serving.logs import configure_logging
from slipway.serving.predictor import Predictor
from slipway.serving.server import DrainingServer

SIGNATURE = Signature(
    inputs=(
        Column(name="a", dtype=DType.FLOAT, min=0, max=100),
        Column(name="word", dtype=DType.STRING, nullable=True, on_missing=Policy.parse("flag")),
        Column(name="yes", dtype=DType.BOOL),
    ),
    output=Output(name="y"),
)
NUMBERS = Signature(inputs=(SIGNATURE.inputs[0],), output=SIGNATURE.output)
SUBJECT = Subject(model="stub", version=1, artifact_sha256="sha256:" + "0" * 64, image_digest="sha256:" + "1" * 64)


def answers(a: np.ndarray) -> np.ndarray:
    if (a == 13).any():
        raise RowsRejected("a value does not fit the model's own type")
    return np.where(a == 99, np.nan, a)


def main(port: int, seconds: float, *, numbers: bool) -> None:
    signature = NUMBERS if numbers else SIGNATURE

    def by_columns(columns):
        time.sleep(seconds)
        found = answers(columns["a"])
        if numbers:
            return found
        return found + columns["yes"] + 50 * np.array([word is None for word in columns["word"]])

    def by_matrix(matrix):
        time.sleep(seconds)
        return answers(matrix[:, 0])

    def load():
        return Predictor("array", by_columns, signature.output, by_matrix if numbers else None, seconds)

    configure_logging()
    options, limits = ServingOptions.from_env(os.environ), Limits.from_env()
    app = App(ServingConfig(subject=SUBJECT, signature=signature), load, limits=limits, options=options)
    DrainingServer(app, host="127.0.0.1", port=port, drain_seconds=limits.drain_seconds).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), numbers=sys.argv[3] == "numbers")
