"""Records and cases to count with."""

import pytest

from bench.gates.case import STEPS, Case
from bench.gates.records import Cell, Record


def cells_until(stop, cell=Cell.FAILED, steps=STEPS):
    """Return what the steps of a release said that ended at ``stop``; at none where it is empty."""
    end = steps.index(stop) if stop else len(steps)
    return {s: Cell.PASSED if i < end else cell if i == end else Cell.NOT_REACHED for i, s in enumerate(steps)}


@pytest.fixture
def record():
    def make(stop="", expected="run_scenarios", *, case="scores/one", repeat=1, seconds=30.0, cell=Cell.FAILED, **more):
        told = {
            "case": case,
            "group": case.split("/")[0],
            "model": "tumor_malignancy",
            "why": "answers are not the reference's",
            "expected": expected,
            "repeat": repeat,
            "runtime": "docker",
            "started_at": "2026-01-02T03:04:05+00:00",
            "version": 2,
            "cells": cells_until(stop, cell),
            "reason": "a < b & c" if stop else "",
            "seconds": seconds,
        }
        return Record(**{**told, **more})

    return make


@pytest.fixture
def case():
    def make(name="one", group="scores", stopped_by="run_scenarios", **more):
        told = {"model": "tumor_malignancy", "why": "answers differ from the reference's", "make": lambda context: 2}
        return Case(**{**told, "name": name, "group": group, "stopped_by": stopped_by, **more})

    return make
