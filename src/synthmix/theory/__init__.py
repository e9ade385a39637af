"""Three phases of learning on mixtures: pure mathematics, no files."""
