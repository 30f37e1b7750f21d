"""The values of a scenario suite: a case, what is expected of it, what came back, and how the two compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from slipway.core.signature import Value

Row = Mapping[str, Any]
"""A row as it is sent: any JSON value, of a right or a wrong type."""

ANSWERED = frozenset({200})
REJECTED = frozenset({422})
MALFORMED = frozenset({400, 422})


class CaseClass(StrEnum):
    """What kind of request a case makes."""

    IN_RANGE = "in_range"
    BOUNDARY = "boundary"
    OUT_OF_RANGE = "out_of_range"
    MISSING = "missing"
    WRONG_TYPE = "wrong_type"
    NAMED = "named"
    EDGE = "edge"
    ADVERSARIAL = "adversarial"
    INVARIANCE = "invariance"


class Form(StrEnum):
    """How the rows are written down in the request."""

    RECORDS = "dataframe_records"
    SPLIT = "dataframe_split"
    INSTANCES = "instances"
    INPUTS = "inputs"
    V2 = "v2"


class Invariance(StrEnum):
    """What an answer must not depend on."""

    ROW_ORDER = "row_order"
    BATCH_SIZE = "batch_size"
    DUPLICATES = "duplicated_rows"
    COLUMN_ORDER = "column_order"
    FORM = "body_form"
    REPEATED = "repeated_calls"
    PREVIOUS = "previous_request"
    CONCURRENT = "concurrent_calls"

    @property
    def exact(self) -> bool:
        """Whether the answers must be identical: the very same request, one at a time.

        Where rows come in another arrangement, a sum may be added up in another order: the tolerance decides there.
        """
        return self in (Invariance.REPEATED, Invariance.PREVIOUS)


class FailureKind(StrEnum):
    """In which way a reply was wrong; failures of one kind are reported together."""

    NO_ANSWER = "no_answer"
    SERVER_ERROR = "server_error"
    ACCEPTED = "accepted_what_it_must_reject"
    REFUSED = "refused_what_it_must_answer"
    BAD_REPLY = "malformed_reply"
    BAD_REJECTION = "rejection_does_not_say_why"
    WRONG_ANSWER = "wrong_answer"
    WRONG_FLAGS = "wrong_flags"
    UNSTEADY = "answers_change_between_calls"
    WRONG_VERSION = "another_version_answers"
    NAMED_LIMIT = "named_expectation_broken"
    OVERLOADED = "still_refuses_after_waiting"
    TOO_SLOW = "slower_alone_than_the_objective"
    VARIES = "depends_on_what_it_must_not"

    @property
    def is_final(self) -> bool:
        """Whether it makes every further request pointless when the first one gets it."""
        return self in (FailureKind.NO_ANSWER, FailureKind.WRONG_VERSION, FailureKind.OVERLOADED)


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """What the answer must say about one value: where it stood, which policy took it, and why."""

    row: int
    column: str
    policy: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Between what a person said that the answer to a named case must lie; neither end included."""

    below: float | None = None
    above: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request.

    Attributes
    ----------
    name, kind, why : str, CaseClass, str
        ``why`` says in a few words what is special about it.
    rows : tuple of Row
        What is sent; empty for a case with a ``body`` of its own.
    form : Form
    body : bytes or None
        Bytes that no set of rows stands for (malformed JSON, an empty batch); they must be rejected.
    columns : tuple of str
        The columns that make it special; empty if none does.
    repeats : int
        How often it is sent; the answers must be identical.
    limits : Limits or None
        What a named case asks of the answer beyond the reference's.
    sources : tuple of str
        Where each row comes from (the holdout, between its rows, the declared ranges); empty where that is not told.
    invariance : Invariance or None
        What its answers are compared for with those that its rows got in the case called ``base``; without a ``base``,
        with what each row got by itself.
    base : str
    after : Case or None
        What is sent just before it, whatever that gets.
    """

    name: str
    kind: CaseClass
    why: str = ""
    rows: tuple[Row, ...] = ()
    form: Form = Form.RECORDS
    body: bytes | None = None
    columns: tuple[str, ...] = ()
    repeats: int = 1
    limits: Limits | None = None
    sources: tuple[str, ...] = ()
    invariance: Invariance | None = None
    base: str = ""
    after: Case | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a case must get.

    Attributes
    ----------
    statuses : frozenset of int
        The HTTP statuses that are right.
    rows : tuple of dict
        The rows as the model must see them, after the policies; empty for a rejection.
    flags : frozenset of Flag
    culprits : frozenset of str
        Columns, one of which a rejection must name; empty if none is to be named.
    answers : tuple of Value
        The reference's answers to ``rows``, once it has scored them.
    """

    statuses: frozenset[int]
    rows: tuple[Mapping[str, Value], ...] = ()
    flags: frozenset[Flag] = frozenset()
    culprits: frozenset[str] = frozenset()
    answers: tuple[Value, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether an answer is expected, rather than a rejection."""
        return self.statuses == ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, and after how long: a status and a body, or the error that stood in their way."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    timed_out: bool = False
    seconds: float = 0.0

    @property
    def asks_to_wait(self) -> bool:
        """Whether it turns the request away for now and says when to come back: protection, not an answer."""
        return self.status in (429, 503) and "retry-after" in self.headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The answers and flags that a reply carried, whichever protocol it came by."""

    answers: tuple[Any, ...]
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a reply was wrong; ``row`` is the first row that was."""

    kind: FailureKind
    message: str
    row: int = 0
    served: Any = None
    expected: Any = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A case, what was expected, what came back, and the failure if there is one.

    ``ms`` is how long the slowest reply took from its request, as far as it was not turned away to wait.
    """

    case: Case
    expectation: Expectation
    status: int = 0
    answers: tuple[Any, ...] = ()
    difference: float | None = None
    failure: Failure | None = None
    sent: bool = True
    ms: float = 0.0

    @property
    def compared(self) -> bool:
        """Whether each of its rows got an answer that was held against the reference's."""
        return bool(self.answers) and len(self.answers) == len(self.expectation.answers)
