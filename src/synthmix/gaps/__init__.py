"""What a mixture lacks for the domains that it will be evaluated on, and where synthetic sources end."""

from synthmix.gaps.measure import gap

__all__ = ["gap"]
