"""Parts of the holdout that nobody declared, on which a version is wrong: searched for, and then proven or not.

What is searched: every part that one condition cuts out (a number below or from one of its quintiles on, a category, a
missing value), and every part that two conditions on different columns cut out (numbers at their tertiles and median),
of at least ``support`` rows. There are thousands, so that the worst of them looks bad by chance alone.

Rules
-----
1. *Which parts are asked about* is decided without looking at a single label. Beside a champion, those on which the
   version answers materially otherwise than the champion: in the mean (``bias``), or row by row (``loss``). In a first
   release, all of them. So parts on which both models are wrong together, as noise in the labels makes them, are not
   even asked about, and few questions need little correction.
2. *Whether it is sure* is decided by the labels, corrected for all parts asked about: the largest statistic is compared
   with the largest in each of ``DRAWS`` draws of what chance alone makes (:mod:`slipway.quality.nulls`); at most one in
   fifty may reach it. For ``bias`` the values that are summed up over a part are answer - label, and both signs
   count; for ``loss``, how much larger the squared error is than the champion's.
3. *Whether it matters*: the part's absolute bias must exceed the champion's by ``MATERIAL`` of the champion's overall
   root mean square error; or its root mean square error the champion's by ``MATERIAL_LOSS`` of that, beyond what it
   does overall, which the comparison with the champion judges. In a first release the absolute bias must exceed
   ``MATERIAL_ALONE`` of the version's own. For probabilities that error counts as ``LEAST_SCALE`` at least: a model
   that is nearly always right is not harmful where it is wrong by a thousandth.
4. Sure and material fails; the worst parts are listed in any case. Past ``MOST_ROWS`` rows a sample is searched.

Why draws for all rows, and not one half to search and one to test: a holdout here has some 150 rows, and half of a
part of 40 shows nothing. The maximum costs less power than half of the rows, since most parts overlap.

References: P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing (1993), for the maximum statistic; Y. Chung
et al., Slice Finder: Automated Data Slicing for Model Validation, ICDE 2019, for slices by effect and significance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from slipway.quality.metrics import Array
from slipway.quality.nulls import DRAWS, Null, bias_null, loss_null
from slipway.quality.parts import Part, parts_of

if TYPE_CHECKING:
    import pandas as pd

MIN_SUPPORT, SUPPORT_SHARE = 25, 0.02
MATERIAL, MATERIAL_LOSS, MATERIAL_ALONE = 1 / 3, 0.2, 0.5
MAX_CHANCE = 0.02
LEAST_SCALE = 0.4  # of probabilities; that of one who always answers one in five
MOST_ROWS, MOST_CELLS = 5_000, 1_000_000
USUAL_REACH, POWER = 3.3, 0.84
SEED = 20_240_229


class Harm(StrEnum):
    """In which way a version is wrong on a part."""

    BIAS = "bias"
    LOSS = "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One part that was asked about.

    Attributes
    ----------
    label : str
        The part in words.
    rows : int
    harm : Harm
    value, low, high : float
        For ``bias`` the mean of answer - label, in the output's unit, with an interval that holds for all parts asked
        about at once; for ``loss`` the root mean square error, without an interval (low = value = high).
    rival : float or None
        The champion's value on the same rows.
    excess, limit : float
        How much worse than the champion (in a first release: than none), as a share of the overall root mean square
        error; and from where on it matters.
    chance : float
        The p-value, corrected for all parts asked about.
    """

    label: str
    rows: int
    harm: Harm
    value: float
    low: float
    high: float
    rival: float | None
    excess: float
    limit: float
    chance: float

    @property
    def sure(self) -> bool:
        """Whether chance does not explain it."""
        return self.chance <= MAX_CHANCE

    @property
    def harmful(self) -> bool:
        """Whether it is sure, and matters."""
        return self.sure and self.excess > self.limit

    def sentence(self) -> str:
        """Return it as a person would say it."""
        beside = "" if self.rival is None else f", the champion's {self.rival:.4g}"
        what = "mean error" if self.harm is Harm.BIAS else "root mean square error"
        return f"{self.label} ({self.rows} rows): {what} {self.value:.4g}{beside}, corrected p = {self.chance:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the search came to.

    Attributes
    ----------
    parts, asked, rows : int
        How many parts there are, how many were asked about, among how many rows.
    beside : bool
        Whether a champion was beside it.
    found : tuple of Found
        Every part asked about, harmful ones first, then by excess.
    detectable : float or None
        The bias that a part of a fifth of the rows must have to be found with a probability of 80 %, in the output's
        unit; None where there are too few rows to search.
    """

    parts: int
    asked: int
    rows: int
    beside: bool
    found: tuple[Found, ...]
    detectable: float | None

    def worst(self, harm: Harm) -> float:
        """Return the largest excess that is sure; 0 where none is."""
        return max((f.excess for f in self.found if f.harm is harm and f.sure), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errors:
    """Labels and answers on the rows searched, both residuals, and the overall root mean square error they go by."""

    truth: Array
    predicted: Array
    champion: Array | None
    chances: bool

    @property
    def own(self) -> Array:
        return self.predicted - self.truth

    @property
    def rival(self) -> Array | None:
        return None if self.champion is None else self.champion - self.truth

    @property
    def scale(self) -> float:
        standard = self.own if self.rival is None else self.rival
        return max(float(np.sqrt(np.mean(standard**2))), LEAST_SCALE if self.chances else 1e-12)

    @property
    def worse_overall(self) -> float:
        if self.rival is None:
            return 0.0
        own, rival = (float(np.sqrt(np.mean(of**2))) for of in (self.own, self.rival))
        return max(0.0, own - rival)


def search(
    frame: pd.DataFrame,
    truth: Array,
    predicted: Array,
    *,
    champion: Array | None,
    columns: Sequence[str],
    chances: bool,
) -> Search:
    """Search a holdout for parts on which a version is wrong.

    Parameters
    ----------
    frame : DataFrame
        The holdout; by ``columns`` it is cut.
    truth, predicted, champion : arrays of shape (n,)
        Finite. ``champion`` is None in a first release.
    chances : bool
        Whether the answers are probabilities of a label that is 0 or 1.
    """
    if len(truth) > MOST_ROWS:
        some = np.sort(np.random.default_rng(SEED).choice(len(truth), MOST_ROWS, replace=False))
        frame, truth, predicted = frame.iloc[some], truth[some], predicted[some]
        champion = None if champion is None else champion[some]
    rows = len(truth)
    support = max(MIN_SUPPORT, int(np.ceil(SUPPORT_SHARE * rows)))
    if rows < 2 * support:
        return Search(parts=0, asked=0, rows=rows, beside=champion is not None, found=(), detectable=None)
    errors = _Errors(truth=truth, predicted=predicted, champion=champion, chances=chances)
    apart = predicted - (predicted.mean() if champion is None else champion)
    parts = tuple(parts_of(frame, columns, support=support, weight=apart))
    found, asked, reach = list[Found](), set[str](), USUAL_REACH
    for harm, chosen in _questions(parts, apart, errors):
        judged, edge = _judged(harm, chosen, errors)
        found.extend(judged)
        asked.update(part.label for part in chosen)
        reach = max(reach, edge)
    found.sort(key=lambda f: (not f.harmful, -f.excess / f.limit))
    least = (reach + POWER) * float(np.std(errors.own)) / np.sqrt(rows / 5)
    floor = errors.scale * (MATERIAL_ALONE if champion is None else MATERIAL)
    return Search(
        parts=len(parts),
        asked=len(asked),
        rows=rows,
        beside=champion is not None,
        found=tuple(found),
        detectable=float(max(least, floor)),
    )


def _questions(parts: Sequence[Part], apart: Array, errors: _Errors) -> Iterator[tuple[Harm, list[Part]]]:
    """Yield for each harm the parts to ask about (rule 1); the largest difference first, never too many to compute."""
    most = max(1, MOST_CELLS // len(apart))
    far = [(abs(float(apart[part.rows].mean())), part) for part in parts]
    if errors.rival is not None:
        far = [(mean, part) for mean, part in far if mean > MATERIAL * errors.scale]
        widest = [(float((apart[part.rows] ** 2).mean()), part) for part in parts]
        rise = ((1 + MATERIAL_LOSS) ** 2 - 1) * errors.scale**2  # where the champion is right, so much is added
        yield Harm.LOSS, _largest([(size, part) for size, part in widest if size > rise], most)
    yield Harm.BIAS, _largest(far, most)


def _largest(sized: list[tuple[float, Part]], most: int) -> list[Part]:
    return [part for _, part in sorted(sized, key=lambda pair: -pair[0])[:most]]


def _judged(harm: Harm, parts: Sequence[Part], errors: _Errors) -> tuple[list[Found], float]:
    """Return what the labels say about parts (rules 2 and 3), and the statistic past which a part is sure."""
    if not parts:
        return [], 0.0
    null = _null(harm, errors)
    inside = np.array([part.rows for part in parts], dtype=np.float64)
    spread = np.sqrt(inside @ null.variance)
    spread[spread == 0] = np.inf
    seen, drawn = inside @ null.values / spread, null.drawn @ inside.T / spread
    if harm is Harm.BIAS:
        seen, drawn = np.abs(seen), np.abs(drawn)
    highest = np.sort(drawn.max(axis=1))
    reached = DRAWS - np.searchsorted(highest, seen - 1e-12, side="left")
    edge = float(np.quantile(highest, 1 - MAX_CHANCE))
    make = _bias if harm is Harm.BIAS else _loss
    chances = (1 + reached) / (DRAWS + 1)
    return [make(part, errors, float(chance), edge) for part, chance in zip(parts, chances, strict=True)], edge


def _null(harm: Harm, errors: _Errors) -> Null:
    if harm is Harm.LOSS and errors.champion is not None:
        return loss_null(errors.truth, errors.predicted, errors.champion, chances=errors.chances)
    return bias_null(errors.truth, errors.predicted, chances=errors.chances)


def _bias(part: Part, errors: _Errors, chance: float, edge: float) -> Found:
    own = errors.own[part.rows]
    value, reach = float(own.mean()), edge * float(own.std(ddof=1)) / np.sqrt(len(own))
    rival = None if errors.rival is None else float(errors.rival[part.rows].mean())
    return Found(
        label=part.label,
        rows=len(own),
        harm=Harm.BIAS,
        value=value,
        low=value - reach,
        high=value + reach,
        rival=rival,
        excess=(abs(value) - abs(rival or 0.0)) / errors.scale,
        limit=MATERIAL_ALONE if rival is None else MATERIAL,
        chance=chance,
    )


def _loss(part: Part, errors: _Errors, chance: float, _edge: float) -> Found:
    others = errors.own if errors.rival is None else errors.rival
    value, rival = (float(np.sqrt(np.mean(of[part.rows] ** 2))) for of in (errors.own, others))
    return Found(
        label=part.label,
        rows=int(part.rows.sum()),
        harm=Harm.LOSS,
        value=value,
        low=value,
        high=value,
        rival=rival,
        excess=(value - rival - errors.worse_overall) / errors.scale,
        limit=MATERIAL_LOSS,
        chance=chance,
    )
