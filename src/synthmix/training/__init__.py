"""The ladder: shapes for sizes, one protocol for all runs, and the loop that trains one of them."""
