"""The measures of a quality report: what each is called, and what it says."""

from typing import Literal, NamedTuple


class About(NamedTuple):
    """``share``: between 0 and 1, shown in per cent."""

    group: Literal["lengths", "failures", "faithfulness", "diversity"]
    label: str
    says: str
    share: bool = True


MEASURES = {
    "words": About("lengths", "Words", "words of a document, on average", share=False),
    "length_ratio": About("lengths", "Length ratio", "words of a text per word of its source", share=False),
    "empty": About("failures", "Empty", "texts without a word"),
    "refusal": About("failures", "Refusals", "texts that refuse, or speak of being a model"),
    "meta_talk": About("failures", "Meta-talk", "texts that speak of the passage that they were made from"),
    "truncated": About("failures", "Truncated", "texts that ran into the token limit"),
    "words_kept": About("faithfulness", "Words kept", "of the source's content words, those that the text has"),
    "words_added": About("faithfulness", "Words added", "of the text's content words, those that the source lacks"),
    "numbers_kept": About("faithfulness", "Numbers kept", "of the source's numbers, those that the text has"),
    "numbers_added": About("faithfulness", "Numbers added", "of the text's numbers, those that the source lacks"),
    "names_kept": About("faithfulness", "Names kept", "of the source's names, those that the text has"),
    "names_added": About("faithfulness", "Names added", "of the text's names, those that the source lacks"),
    "copied": About("faithfulness", "Copied", "of the text's word 5-grams, those that the source has"),
    "distinct_1": About("diversity", "Distinct-1", "different words among all words of a block"),
    "distinct_2": About("diversity", "Distinct-2", "different word pairs among all of a block"),
    "distinct_3": About("diversity", "Distinct-3", "different runs of three words among all of a block"),
    "distinct_4": About("diversity", "Distinct-4", "different runs of four words among all of a block"),
    "compression": About("diversity", "Compression ratio", "bytes over compressed bytes: repetition raises it", False),
    "self_repetition": About("diversity", "Self-repetition", "4-grams of a text that another text of its block has"),
    "self_similarity": About("diversity", "Self-similarity", "bigrams that two texts of a block share, on average"),
}  # fmt: skip
