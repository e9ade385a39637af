"""Recipes (shares of corpora) and the token-exact manifests they resolve to."""
