"""The configurations of models, as the runner stores them."""
