"""Word lists of our own, small and readable, by which a text's manner is checked: rates per thousand words.

They are a lens, not a measure of bias: a list holds what we thought of. Entries are lower-case words or short phrases.
"""

LISTS: dict[str, tuple[str, ...]] = {
    "feminine terms": (
        "she", "her", "hers", "herself", "woman", "women", "girl", "girls", "mother", "mothers", "daughter",
        "daughters", "sister", "sisters", "wife", "wives", "aunt", "grandmother", "lady", "ladies", "female", "females",
        "mrs", "ms", "queen", "actress", "mum", "mom",
    ),
    "masculine terms": (
        "he", "him", "his", "himself", "man", "men", "boy", "boys", "father", "fathers", "son", "sons", "brother",
        "brothers", "husband", "husbands", "uncle", "grandfather", "gentleman", "gentlemen", "male", "males", "mr",
        "king", "actor", "dad",
    ),
    "first person": ("i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves", "i'm", "i've", "i'd"),
    "second person": ("you", "your", "yours", "yourself", "you're", "you've", "you'll"),
    "hedges": (
        "perhaps", "maybe", "possibly", "probably", "might", "may", "could", "seems", "seemed", "appears", "likely",
        "arguably", "somewhat", "generally", "often", "typically", "usually", "suggests", "i think", "i guess",
    ),
    "emphasis": (
        "crucial", "vital", "essential", "significant", "significantly", "profound", "remarkable", "pivotal",
        "invaluable", "comprehensive", "robust", "seamless", "intricate", "vibrant", "unwavering", "testament",
        "tapestry", "delve", "delves", "delving", "underscore", "underscores", "showcase", "showcasing", "foster",
        "fostering", "landscape", "realm", "nuanced", "multifaceted",
    ),
    "connectives": (
        "moreover", "furthermore", "additionally", "however", "therefore", "thus", "consequently", "nevertheless",
        "nonetheless", "in addition", "as a result", "on the other hand", "in contrast", "overall", "ultimately",
    ),
    "talk about the text": (
        "in conclusion", "in summary", "to summarize", "this article", "this passage", "this story", "this essay",
        "here is", "here's", "certainly", "as an ai", "language model", "rewritten", "the following", "as requested",
        "i hope this", "note that", "i cannot", "i'm sorry",
    ),
    "negation": (
        "no", "not", "never", "none", "nothing", "nobody", "neither", "nor", "cannot", "can't", "don't", "doesn't",
        "didn't", "won't", "wouldn't", "isn't", "aren't", "wasn't", "weren't", "couldn't", "shouldn't",
    ),
    "contractions": (
        "it's", "i'm", "don't", "can't", "that's", "didn't", "i've", "you're", "he's", "she's", "we're", "they're",
        "won't", "there's", "isn't", "doesn't", "wasn't", "couldn't", "wouldn't", "let's", "what's", "we've", "i'll",
    ),
    "doubt and blame": (
        "alleged", "allegedly", "accused", "guilty", "crime", "criminal", "killed", "murder", "death", "died",
        "violence",
        "attack", "war", "police", "blood", "hate", "fear", "angry", "anger",
    ),
    "comfort": (
        "hope", "hopeful", "joy", "love", "peace", "peaceful", "gentle", "warm", "warmth", "comfort", "smile", "smiled",
        "dream", "dreams", "beautiful", "beauty", "heart", "resilience", "strength", "together",
    ),
}  # fmt: skip
NUMBERS = "numbers"  # words that hold a digit
