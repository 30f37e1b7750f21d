"""Behind ``slipway new``: a model's folder, its dataset's contract and its DAG file, from a registered version."""
