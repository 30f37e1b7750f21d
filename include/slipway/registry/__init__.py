"""The model registry: versions, their files, aliases and tags, through one adapter over MLflow."""
