"""Sample data that moves: a model's real rows, replayed day by day, with chosen shifts."""
