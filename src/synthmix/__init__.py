"""synthmix: measure how real and synthetic text should be mixed for language-model pre-training."""
