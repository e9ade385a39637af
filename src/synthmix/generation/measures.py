"""The measures of a quality report: what each is called, and what it says."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class About(BaseModel):
    """``share``: between 0 and 1, shown in per cent."""

    model_config = ConfigDict(frozen=True)

    group: Literal["lengths", "failures", "faithfulness", "diversity"]
    label: str
    says: str
    share: bool


def _about(
    group: Literal["lengths", "failures", "faithfulness", "diversity"], label: str, says: str, share: bool = True
) -> About:
    return About(group=group, label=label, says=says, share=share)


MEASURES = {
    "words": _about("lengths", "Words", "words of a document, on average", share=False),
    "length_ratio": _about("lengths", "Length ratio", "words of a text per word of its source", share=False),
    "empty": _about("failures", "Empty", "texts without a word"),
    "refusal": _about("failures", "Refusals", "texts that refuse, or speak of being a model"),
    "meta_talk": _about("failures", "Meta-talk", "texts that speak of the passage that they were made from"),
    "truncated": _about("failures", "Truncated", "texts that ran into the token limit"),
    "words_kept": _about("faithfulness", "Words kept", "of the source's content words, those that the text has"),
    "words_added": _about("faithfulness", "Words added", "of the text's content words, those that the source lacks"),
    "numbers_kept": _about("faithfulness", "Numbers kept", "of the source's numbers, those that the text has"),
    "numbers_added": _about("faithfulness", "Numbers added", "of the text's numbers, those that the source lacks"),
    "names_kept": _about("faithfulness", "Names kept", "of the source's names, those that the text has"),
    "names_added": _about("faithfulness", "Names added", "of the text's names, those that the source lacks"),
    "copied": _about("faithfulness", "Copied", "of the text's word 5-grams, those that the source has"),
    "distinct_1": _about("diversity", "Distinct-1", "different words among all words of a block"),
    "distinct_2": _about("diversity", "Distinct-2", "different word pairs among all of a block"),
    "distinct_3": _about("diversity", "Distinct-3", "different runs of three words among all of a block"),
    "distinct_4": _about("diversity", "Distinct-4", "different runs of four words among all of a block"),
    "compression": _about("diversity", "Compression ratio", "bytes over compressed bytes: repetition raises it", False),
    "self_repetition": _about("diversity", "Self-repetition", "4-grams of a text that another text of its block has"),
    "self_similarity": _about("diversity", "Self-similarity", "bigrams that two texts of a block share, on average"),
}  # fmt: skip
