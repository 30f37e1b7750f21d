"""A server with a model of our own: ``stub.py PORT SECONDS``, each call of the model taking so long."""

import os
import sys
import time

from slipway.core.identity import Subject
from slipway.core.serving_options import ServingOptions
from slipway.core.signature import Column, DType, Output, Signature
from slipway.serving.app import App
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.logs import configure_logging
from slipway.serving.predictor import Predictor
from slipway.serving.server import DrainingServer

SIGNATURE = Signature(inputs=(Column(name="x", dtype=DType.FLOAT),), output=Output(name="y"))
SUBJECT = Subject(model="stub", version=1, artifact_sha256="sha256:" + "0" * 64)


def main(port: int, seconds: float) -> None:
    def by_matrix(matrix):
        if seconds:
            time.sleep(seconds)
        return matrix[:, 0] * 2

    def load():
        return Predictor("array", lambda columns: columns["x"] * 2, SIGNATURE.output, by_matrix, seconds)

    configure_logging()
    options, limits = ServingOptions.from_env(os.environ), Limits.from_env()
    app = App(ServingConfig(subject=SUBJECT, signature=SIGNATURE), load, limits=limits, options=options)
    DrainingServer(app, host="127.0.0.1", port=port, drain_seconds=limits.drain_seconds).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
