"""Text that a model wrote. The first kind: a small Llama, trained on the real text and sampled."""
