"""Text written in rounds, from the arm whose next tokens are worth most for their price."""
