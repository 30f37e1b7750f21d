"""Load test: Locust drives the service open-loop; latency counts from the intended start, answers are checked."""

from slipway.loadtest.run import load_test

__all__ = ["load_test"]
