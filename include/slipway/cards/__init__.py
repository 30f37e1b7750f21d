"""The model card: what a model is for, what it was shown to do, where it must not be used."""
