"""Train the unified model from nothing: render, encode, learn."""
