"""What only measures the project. A package, since a dependency of old ships one of the same name."""
