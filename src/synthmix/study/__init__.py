"""The only room that knows every stage: a study file becomes runs, runs become results."""
