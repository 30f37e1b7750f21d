"""scenarios.yaml: the named cases that a model's author adds to the derived ones.

.. code-block:: yaml

    cases:
      - name: a large smooth tumour is benign
        row: {radius_mean: 25.1, texture_mean: 9.5}    # every other column from the holdout's first complete row
        expect: {below: 0.5}                            # and what the reference says
        why: smoothness outweighs size
      - {name: a lost radius, row: {radius_mean: null}, expect: {rejected: true}, why: it is always measured}
      - {name: an old patient, row: {age: 130}, expect: {answer: reference, flags: [age]}, why: clipped}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from slipway.core.signature import Signature
from slipway.errors import SpecError
from slipway.scenarios.suite import Case, CaseClass, Limits, Row
from slipway.scenarios.treat import treat
from slipway.specs import each_problem, read_yaml

FILE = "scenarios.yaml"
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr | None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpectSpec(_Part):
    """What a named case must get: exactly one of the four."""

    answer: Literal["reference"] | None = None
    rejected: Literal[True] | None = None
    below: float | None = Field(default=None, allow_inf_nan=False)
    above: float | None = Field(default=None, allow_inf_nan=False)
    flags: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one(self) -> ExpectSpec:
        given = [name for name in ("answer", "rejected", "below", "above") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of `answer: reference`, `rejected: true`, `below: x` and `above: x`")
        if self.flags is not None and self.answer is None:
            raise ValueError("flags go with `answer: reference`")
        return self


class CaseSpec(_Part):
    """One named case."""

    name: str = Field(min_length=1)
    row: dict[str, Scalar]
    expect: ExpectSpec
    why: str = Field(min_length=1)


class ScenariosSpec(_Part):
    """The whole of scenarios.yaml."""

    cases: tuple[CaseSpec, ...]

    @model_validator(mode="after")
    def _names_once(self) -> ScenariosSpec:
        names = [case.name for case in self.cases]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"cases named twice: {', '.join(twice)}")
        return self


def named_cases(model_folder: Path, signature: Signature, base: Row) -> list[Case]:
    """Return the cases of the folder's scenarios.yaml; none if it has no such file.

    Raises
    ------
    SpecError
        If the file does not hold, or expects what the policies in model.yaml forbid; every problem is listed.
    """
    path = model_folder / FILE
    return parse_scenarios(read_yaml(path), signature, base) if path.exists() else []


def parse_scenarios(data: object, signature: Signature, base: Row) -> list[Case]:
    """Return the cases declared in ``data``; SpecError lists every problem with its path."""
    try:
        spec = ScenariosSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(f"{FILE} does not hold:\n{each_problem(error)}", remedy="correct these fields") from error
    problems = [
        f"  cases.{i} ({case.name}): {problem}"
        for i, case in enumerate(spec.cases)
        for problem in _contradictions(case, signature, base)
    ]
    if problems:
        raise SpecError(
            f"{FILE} contradicts the signature in model.yaml:\n" + "\n".join(problems), remedy="correct one of the two"
        )
    return [_case(case, base) for case in spec.cases]


def _contradictions(case: CaseSpec, signature: Signature, base: Row) -> list[str]:
    unknown = sorted(set(case.row) - set(signature.names))
    if unknown:
        return [f"row: there is no input {', '.join(unknown)}"]
    treated = treat({**base, **case.row}, signature)
    if case.expect.rejected:
        return [] if treated.rejected else ["expects a rejection, but the declared policies let the row through"]
    if treated.rejected:
        return [f"expects an answer, but the declared policies reject {', '.join(treated.rejected)}"]
    flagged = {column for column, _, _ in treated.flags}
    if case.expect.flags is not None and set(case.expect.flags) != flagged:
        return [f"expect.flags: the declared policies flag {sorted(flagged)}, not {sorted(case.expect.flags)}"]
    return []


def _case(case: CaseSpec, base: Row) -> Case:
    limits = Limits(below=case.expect.below, above=case.expect.above)
    return Case(
        name=case.name,
        kind=CaseClass.NAMED,
        rows=({**base, **case.row},),
        columns=tuple(case.row),
        why=case.why,
        limits=limits,
    )
