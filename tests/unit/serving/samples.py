"""A signature with one column for each rule, a small model for it, and a client that calls an app in process."""

import asyncio

import httpx
import numpy as np

from slipway.core.identity import Subject
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.serving.app import App

SUBJECT = Subject(model="clinic", version=3, artifact_sha256="sha256:" + "ab" * 32)

# One column for each rule: rejected, clipped, imputed, flagged.
SIGNATURE = Signature(
    inputs=(
        Column(name="size", dtype=DType.FLOAT, unit="mm", min=0.0, max=10.0),
        Column(name="age", dtype=DType.INT, unit="a", min=0, max=120, on_out_of_range=Policy.parse("clip")),
        Column(
            name="dose",
            dtype=DType.FLOAT,
            min=-1.0,
            max=1.0,
            nullable=True,
            on_missing=Policy.parse("flag"),
            on_out_of_range=Policy.parse("flag"),
        ),
        Column(
            name="depth",
            dtype=DType.FLOAT,
            min=0.0,
            max=1.0,
            on_missing=Policy.parse({"impute": 0.5}),
            on_out_of_range=Policy.parse({"impute": 0.25}),
        ),
    ),
    output=Output(name="risk", min=0.0, max=1.0, index=1),
)
GOOD_ROW = {"size": 4.0, "age": 40, "dose": 0.5, "depth": 0.75}


def half_size(columns):
    """A model that answers with class probabilities, from the size alone."""
    risk = np.asarray(columns["size"]) / 20
    return np.stack([1 - risk, risk], axis=1)


class Client:
    """Calls an application in process, each time in an event loop of its own."""

    def __init__(self, app: App) -> None:
        self.app = app

    def call(self, method: str, path: str, **arguments) -> httpx.Response:
        return self.together([(method, path, arguments)])[0]

    def get(self, path: str, **arguments) -> httpx.Response:
        return self.call("GET", path, **arguments)

    def post(self, path: str, **arguments) -> httpx.Response:
        return self.call("POST", path, **arguments)

    def together(self, calls) -> list[httpx.Response]:
        return asyncio.run(self._together(calls))

    async def _together(self, calls) -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            return await asyncio.gather(*(client.request(m, path, **arguments) for m, path, arguments in calls))
