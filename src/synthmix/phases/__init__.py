"""Three phases in measured losses and in text: detection, estimation, the bound of a mixture."""
