"""A small, valid declaration that tests change one field of."""

from slipway.specs import parse_model

DECLARED = {
    "name": "churn",
    "purpose": "Tells who will leave.",
    "owner": {"team": "growth", "contact": "growth@example.org"},
    "risk_tier": "low",
    "dataset": "customers",
    "registered_model": "churn",
    "task": "classification",
    "signature": {
        "inputs": [
            {"name": "tenure", "dtype": "float", "unit": "day", "min": 0, "max": 100},
            {"name": "spend", "dtype": "float", "min": -10, "max": 10, "nullable": True, "on_missing": "flag"},
        ],
        "output": {"name": "p_leaves", "min": 0, "max": 1, "index": 1},
    },
    "objectives": {"startup_seconds": 20, "arrival_rate_per_s": 20},
    "quality": {
        "label": "left",
        "metrics": [{"name": "roc_auc", "threshold": 0.7}],
        "champion_metric": "roc_auc",
        "min_rows": 10,
    },
    "deployment": {"watch_seconds": 1},
}


def declared(**changes):
    """Return the declaration as YAML would give it, with top-level changes."""
    return {**DECLARED, **changes}


def a_spec(**changes):
    """Return the declaration, parsed."""
    return parse_model(declared(**changes))
