"""Faults behind a release's back: the version is a good one until somebody changes what was judged."""

from bench.gates import tamper
from bench.gates.case import Case, Moment
from bench.gates.context import Context
from bench.gates.makers import labels_moved, retrained, rng

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def supply(model, name, why, *, moment, tamper, make=None, stopped_by="promote"):
    """Return a case whose fault is that something is not what was judged."""
    return Case(
        name=name,
        group="supply_chain",
        model=model,
        why=why,
        make=make or retrained(seed=1),
        stopped_by=stopped_by,
        moment=moment,
        tamper=tamper,
    )


def alias_to_an_unproven_version(context: Context, _version: int) -> None:
    """Make champion, by hand, a version that no gate has seen."""
    shuffle = rng(4).permutation
    unproven = retrained(lambda frame: frame.assign(malignant=shuffle(frame["malignant"].to_numpy())))(context)
    tamper.move_champion_alias(context, unproven)


def bar_lowered_by_hand(context: Context) -> int:
    """Make a weak version champion by hand, then register one that is better than it, and worse than the real one."""
    weak = context.register(context.honest.fit(n_estimators=1))
    tamper.move_champion_alias(context, weak)
    return retrained(labels_moved("progression", lambda frame: frame["bmi"] < 25.5, 30.0))(context)


CASES = (
    supply(
        TUMOR,
        "model_changed_while_waiting",
        "The registered model's files are changed after all evidence was made: their digest is another.",
        moment=Moment.AT_APPROVAL,
        tamper=tamper.change_model_file,
    ),
    supply(
        DIABETES,
        "model_changed_during_the_tests",
        "The registered model's files are changed once the image is built: image and registry differ from then on.",
        moment=Moment.AFTER_BUILD,
        tamper=tamper.change_model_file,
    ),
    supply(
        DIABETES,
        "snapshot_changed_after_its_check",
        "The holdout in the registry is replaced by the training rows, after the data gate has judged it.",
        moment=Moment.AFTER_BUILD,
        tamper=tamper.change_snapshot,
    ),
    supply(
        TUMOR,
        "image_removed",
        "The tested image is gone before the promotion: what would be deployed is not what was tested.",
        moment=Moment.AT_APPROVAL,
        tamper=tamper.remove_image,
    ),
    supply(
        TUMOR,
        "image_replaced_under_its_tag",
        "The tested image is gone, and its tag points to the champion's: a tag is a hint, the digest is missing.",
        moment=Moment.AT_APPROVAL,
        tamper=tamper.replace_image,
    ),
    supply(
        TUMOR,
        "report_altered",
        "The golden answers are edited after they were recorded: the file's digest is not the evidence's.",
        moment=Moment.AT_APPROVAL,
        tamper=tamper.change_report,
    ),
    supply(
        TUMOR,
        "alias_moved_while_waiting",
        "The champion's alias is moved by hand to a version that no gate has seen: registry and ledger disagree.",
        moment=Moment.AT_APPROVAL,
        tamper=alias_to_an_unproven_version,
    ),
    Case(
        name="bar_lowered_by_hand",
        group="supply_chain",
        model=DIABETES,
        why="The champion's alias is moved by hand to a weak version, so that one worse than the champion looks good.",
        make=bar_lowered_by_hand,
        stopped_by="promote",
    ),
    Case(
        name="retagged_only",
        group="good",
        model=TUMOR,
        why="Its image's tag is moved to another image while it waits; the digest still names what was tested.",
        make=retrained(seed=2),
        moment=Moment.AT_APPROVAL,
        tamper=tamper.retag_image,
    ),
)
