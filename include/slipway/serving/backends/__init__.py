"""The ways of calling one model: each takes the columns of a batch, or its matrix, and returns what the model said."""
