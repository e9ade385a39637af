"""Held-out loss per domain, in nats per token and bits per byte."""
