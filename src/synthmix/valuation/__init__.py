"""What a dataset is worth before anyone trains on it."""
