"""What this machine can do, what is slow or broken here, and the remedy."""
