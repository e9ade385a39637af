"""Synthetic text: rewritten from a corpus or from its keywords by any LLM, or sampled from a small Llama that was
trained on the natural text.

documents -> chunks or keywords -> prompts (a template) -> answers (an endpoint, a local model) -> documents again
(``assemble``) -> filters and near-duplicates (``filtering``) -> card and quality report.
"""
