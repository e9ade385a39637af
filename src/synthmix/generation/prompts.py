"""From documents to requests: chunks or seeds, filled into a template, with their sampling drawn.

Long documents are cut at the ends of sentences into pieces that a prompt can hold. Seeds of new text are keywords that
the natural corpus gives, an audience and a level; the keywords of one text come from one document, so that they belong
together: words that it uses and few others do.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from synthmix.corpus.sources import Document, text_hash
from synthmix.errors import BadInput
from synthmix.files import content_hash
from synthmix.generation.settings import draw_sampling
from synthmix.generation.template import Template

TOKENS_PER_WORD = 1.3  # English, byte-pair vocabularies of 32k and more (CHOSEN)
_BYTES_PER_TOKEN = 6  # at least one token per so many bytes: long words, scripts without spaces
JOINT = "\n\n"
# A paragraph's end; a sentence's: its mark, closing quotes or brackets, white space, no lower-case letter after it; a
# line's before a list item, a heading or a row of a table (other line ends may be hard wrapping).
_CLOSED = "[\"')\\]\u2019\u201d]*"
_END = re.compile(
    rf"\n\s*\n\s*|(?<=[.!?\u2026]){_CLOSED}\s+(?![a-z])|\n\s*(?=[-*\u2022#|]|\d+[.)])"
    "|[\u3002\uff01\uff1f]+[\u300d\u300f\u2019\u201d\uff09]*\\s*"  # CJK full stop, exclamation and question mark
)
_ABBREVIATIONS = frozenset([
    "mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "no", "fig", "figs", "eq", "eqs", "ref", "vol", "pp", "ed",
    "eds", "cf", "ca", "al", "inc", "ltd", "co", "dept", "univ", "approx", "e.g", "i.e", "u.s", "u.k",
])  # fmt: skip
TokenCounter = Callable[[str], float]
_KEYWORD = re.compile(r"[^\W\d_]{4,}")
# (audience, level): pairs that fit together (CHOSEN).
READERS = (
    ("school pupils of about twelve", "elementary"),
    ("secondary-school students", "introductory"),
    ("secondary-school students who prepare for university", "intermediate"),
    ("first-year university students", "introductory"),
    ("university students of the subject", "intermediate"),
    ("graduate students", "advanced"),
    ("professionals from another field", "introductory"),
    ("professionals of the field", "advanced"),
    ("curious adults without previous knowledge", "elementary"),
    ("teachers who prepare a lesson", "intermediate"),
)
_VOCABULARY_DOCUMENTS = 2_000
_VOCABULARY_CHARACTERS = 20_000_000


@dataclass(frozen=True)
class Prompt:
    """One request. ``document`` names the source document, ``source`` is the text that the prompt shows (a chunk of
    it, or the seeds of a new text). ``sampling`` are the drawn parameters (temperature, top_p, ...)."""

    document: str
    document_hash: str
    chunk: int
    chunks: int
    rollout: int
    messages: tuple[Mapping[str, str], ...]
    source: str
    template: str  # name@version:hash
    sampling: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Document, chunk, rollout and a hash of the payload: what a finished request is found by."""
        payload = [
            self.document,
            self.document_hash,
            self.chunk,
            self.chunks,
            self.rollout,
            [*map(dict, self.messages)],
        ]
        return content_hash([*payload, dict(self.sampling)])


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        finish: ``stop``, ``length``, ...: see :func:`synthmix.generation.finishes.finish_of`.
        input_tokens, output_tokens: what is paid, as the server counts it; where it says nothing (``counted`` is
            false) what was set aside.
        seconds: of waiting. text_tokens: tokens of text, reasoning left out; None: all of the output.
        left_out: sampling parameters that the server does not know and that were not sent.
    """

    key: str
    text: str
    finish: str
    input_tokens: int
    output_tokens: int
    model: str
    seconds: float
    text_tokens: int | None = None
    counted: bool = True
    left_out: tuple[str, ...] = ()

    @property
    def written(self) -> int:
        """Tokens of text."""
        return self.output_tokens if self.text_tokens is None else self.text_tokens


class Endpoint(Protocol):
    """A generator behind a connection: many requests at once, each on its own."""

    identity: dict[str, Any]  # model, address without secrets, ...: recorded as provenance

    async def complete(self, prompt: Prompt) -> Reply: ...


class Batcher(Protocol):
    """A generator in this process: ``batch`` prompts at once."""

    identity: dict[str, Any]
    batch: int

    def complete_many(self, prompts: Sequence[Prompt]) -> list[Reply]: ...


def estimated_tokens(text: str) -> float:
    """Tokens by rule of thumb: 1.3 a word, and at least one per six UTF-8 bytes."""
    return max(TOKENS_PER_WORD * len(text.split()), len(text.encode()) / _BYTES_PER_TOKEN)


def sentences(text: str) -> list[str]:
    """The sentences of ``text`` with the white space behind them: joined, they are ``text`` again.

    Weak: "no. 5 Smith St. Paul" is cut at neither place, and "He lives in the U.S. They met there." is one sentence.
    """
    found, start = [], 0
    for end in _END.finditer(text):
        piece = text[start : end.end()]
        if "\n" not in end[0] and _abbreviated(piece):
            continue
        found.append(piece)
        start = end.end()
    return [*found, text[start:]] if start < len(text) else found


def _abbreviated(piece: str) -> bool:
    """Whether ``piece`` ends with an abbreviation or an initial rather than with a sentence."""
    word = piece[-24:].rstrip().rpartition(" ")[2].strip("\"'()[]\u2018\u2019\u201c\u201d")
    return word.endswith(".") and (word[:-1].lower() in _ABBREVIATIONS or (len(word) == 2 and word[0].isalpha()))


def split_text(text: str, tokens: float = 300, count: TokenCounter = estimated_tokens) -> list[str]:
    """``text`` in pieces of at most ``tokens`` tokens, of about equal size, cut at ends of sentences.

    A sentence that is longer itself is cut between words, and a word that is longer between characters. Joined, the
    pieces are ``text`` again; a text without a letter in it is one piece or none.

    Args:
        count: tokens of a piece; must not shrink when the piece grows.
    """
    if not text.strip():
        return []
    total = count(text)
    if total <= tokens:
        return [text]
    pieces = [(piece, count(piece)) for sentence in sentences(text) for piece in _bounded(sentence, tokens, count)]
    target = total / -(-total // tokens)  # equal pieces rather than full ones and a stump
    found: list[str] = []
    held: list[str] = []
    size = before = 0.0
    for piece, own in pieces:
        if held and (size + own > tokens or before + own / 2 > target * (len(found) + 1)):
            found.append("".join(held))
            held, size = [], 0.0
        held.append(piece)
        size, before = size + own, before + own
    found.append("".join(held))
    return [*_with_text(found)]


def join_chunks(texts: Sequence[str]) -> str:
    """What was written for the pieces, as one document: a blank line between them, outer space stripped."""
    return JOINT.join(text.strip() for text in texts if text.strip())


def _bounded(sentence: str, tokens: float, count: TokenCounter) -> Iterator[str]:
    if count(sentence) <= tokens:
        yield sentence
        return
    words = re.findall(r"\S+\s*|^\s+", sentence)
    if len(words) < 2:
        words = [*sentence]
    # Halving keeps the work at n log n whatever the counter costs.
    middle = len(words) // 2
    if middle == 0:
        yield sentence
        return
    for half in (words[:middle], words[middle:]):
        yield from _bounded("".join(half), tokens, count)


def _with_text(pieces: list[str]) -> Iterator[str]:
    """Blank pieces go to the one before them, or to the next."""
    ahead, last = "", ""
    for piece in pieces:
        if not piece.strip():
            ahead, last = (ahead, last + piece) if last else (ahead + piece, "")
            continue
        if last:
            yield last
        ahead, last = "", ahead + piece
    yield last


@dataclass(frozen=True)
class Seeds:
    """What one seeded prompt shows."""

    keywords: tuple[str, ...]
    audience: str
    level: str

    def __str__(self) -> str:
        return f"keywords: {', '.join(self.keywords)}; audience: {self.audience}; level: {self.level}"


class Vocabulary:
    """In how many of ``documents`` texts each word occurs; words of one text alone are forgotten.

    A word has four letters or more and counts in lower case.

    Args:
        wanted: word -> weight of those that are lacking elsewhere: of a text that has some, three draws of four are by
            these weights (CHOSEN).
    """

    def __init__(self, texts: Iterable[str], wanted: Mapping[str, float] | None = None) -> None:
        counted: Counter[str] = Counter()
        self.wanted = wanted or {}
        self.documents = 0
        for text in texts:
            counted.update({word.lower() for word in _KEYWORD.findall(text)})
            self.documents += 1
        self.occurs = {word: count for word, count in counted.items() if count > 1}

    def salience(self, text: str, *, most: float = 0.1) -> dict[str, float]:
        """Words of ``text`` with their weight, the square of tf ln(documents / df): plain tf-idf draws too many words
        that say nothing of the topic (CHOSEN). Those in more than ``most`` of the documents are left out, and so are
        those of this text alone (rare names, misspellings).

        With few documents neither may leave anything: then the second rule is dropped, at last both.
        """
        own = Counter(word.lower() for word in _KEYWORD.findall(text))
        ceiling = max(2.0, most * self.documents)
        found = {w: tf for w, tf in own.items() if 2 <= self.occurs.get(w, 1) <= ceiling}
        if len(found) < 3:
            found = {w: tf for w, tf in own.items() if self.occurs.get(w, 1) <= ceiling}
        if len(found) < 3:
            found = dict(own)
        everything = max(self.documents, 2) + 1
        return {w: (tf * math.log(everything / self.occurs.get(w, 1))) ** 2 for w, tf in found.items()}

    def draw(self, text: str, key: str, *, least: int = 3, most: int = 6) -> Seeds | None:
        """``least`` to ``most`` keywords of ``text``, an audience and a level: the same for the same ``key``.

        Drawn without replacement in proportion to salience (Efraimidis & Spirakis 2006). None for a text that has
        fewer than ``least`` different words.
        """
        weights = self.salience(text)
        if len(weights) < least:
            return None
        wanted = {w: self.wanted[w] for w in {word.lower() for word in _KEYWORD.findall(text)} if w in self.wanted}
        part = 3 * sum(weights.values()) / sum(wanted.values()) if wanted else 0.0
        weights |= {word: weights.get(word, 0.0) + part * weight for word, weight in wanted.items()}
        drawn = random.Random(key)  # a string seeds it by its SHA-512: the same on every machine
        ranks = {word: math.log(1 - drawn.random()) / weight for word, weight in sorted(weights.items())}
        words = sorted(ranks, key=lambda word: -ranks[word])[: drawn.randint(least, most)]
        audience, level = drawn.choice(READERS)
        return Seeds(tuple(words), audience, level)


def prompts(
    documents: Iterable[Document],
    template: Template,
    *,
    seed: int,
    sampling: Mapping[str, Any],
    rollouts: int = 1,
    chunk_tokens: float = 300,
    count: TokenCounter = estimated_tokens,
    vocabulary: Vocabulary | None = None,
    wanted: Mapping[str, float] | None = None,
    sampling_of: Callable[[str], Mapping[str, Any]] | None = None,
) -> Iterator[Prompt]:
    """The requests of a job, document after document; for the same arguments the same ones, with the same keys.

    A document without a key is named by its hash. Blank ones are left out, and for a seeded template those with too
    few words. Memory: one document; a seeded template without ``vocabulary`` first holds 2,000 of them (or 20 MB).

    Args:
        sampling: parameters, fixed or as distributions; drawn once per document and rollout, so that the chunks of a
            document are sampled alike.
        rollouts: answers per document.
        chunk_tokens: longest piece of a document in one request.
        count: tokens of a piece, if better than by rule of thumb.
        vocabulary: document frequencies to choose keywords by; of the first documents when absent, ``wanted`` then
            being what it prefers.
        sampling_of: of a document's text, what takes the place of ``sampling``.

    Raises:
        BadInput: there is nothing to ask for: no documents, or only blank ones; what the template raises.
    """
    if rollouts < 1:
        raise BadInput(f"{rollouts} answers per document are too few", key="rollouts", remedy="ask for 1 or more")
    if chunk_tokens < 1:
        raise BadInput(f"pieces of {chunk_tokens} tokens are too short", key="chunk_tokens")
    if template.kind == "seeded" and vocabulary is None:
        first, documents = _first(documents)
        vocabulary = Vocabulary((document.text for document in first), wanted)
    asked = read = 0
    for document in documents:
        read += 1
        spec = sampling if sampling_of is None else {**sampling, **sampling_of(document.text)}
        made = _asks(document, template, seed, rollouts, vocabulary, lambda text: split_text(text, chunk_tokens, count))
        for rollout, chunk, chunks, source, variables in made:
            digest = f"{text_hash(document.text):016x}"
            name = document.key or digest
            asked += 1
            yield Prompt(
                document=name,
                document_hash=digest,
                chunk=chunk,
                chunks=chunks,
                rollout=rollout,
                messages=template.messages(variables),
                source=source,
                template=template.id,
                sampling=draw_sampling(spec, seed, f"{name}/{digest}/{rollout}"),
            )
    if not asked:
        what = f"its {read} documents are blank or too short" if read else "it holds no documents"
        raise BadInput(f"there is nothing to generate from: {what}", key="from", remedy="name a corpus with text")


def _asks(
    document: Document,
    template: Template,
    seed: int,
    rollouts: int,
    vocabulary: Vocabulary | None,
    split: Callable[[str], list[str]],
) -> Iterator[tuple[int, int, int, str, dict[str, Any]]]:
    """(rollout, chunk, chunks, source, variables) of each request about one document."""
    if vocabulary is not None and template.kind == "seeded":
        for rollout in range(rollouts):
            seeds = vocabulary.draw(document.text, f"{seed}/{text_hash(document.text)}/{rollout}")
            if seeds is not None:
                found = {"keywords": list(seeds.keywords), "audience": seeds.audience, "level": seeds.level}
                yield rollout, 0, 1, str(seeds), {**found, "domain": document.domain}
        return
    chunks = split(document.text)
    for rollout in range(rollouts):
        for number, chunk in enumerate(chunks):
            variables = {"text": chunk.strip(), "words": len(chunk.split()), "domain": document.domain}
            yield rollout, number, len(chunks), chunk, {**variables, "part": number + 1, "parts": len(chunks)}


def _first(documents: Iterable[Document]) -> tuple[list[Document], Iterable[Document]]:
    """The first documents, and all of them once more."""
    rest, held, characters = iter(documents), list[Document](), 0
    for document in rest:
        held.append(document)
        characters += len(document.text)
        if len(held) == _VOCABULARY_DOCUMENTS or characters >= _VOCABULARY_CHARACTERS:
            break
    return held, chain(held, rest)
