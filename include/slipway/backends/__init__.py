"""Other ways of computing a model's answers: compile it, and make the rows on which a wrong one would show."""
