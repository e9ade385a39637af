"""The tokenizer: a byte-level BPE trained here, or any Hugging Face tokenizer, behind one small class."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthmix.batching import batched
from synthmix.corpus.fast_bpe import FastEncoder, fast_encoder, known_pattern, pieces
from synthmix.errors import BadInput
from synthmix.files import content_hash, placed, write_json, write_text
from synthmix.quantities import parse_share, parsed
from synthmix.reading import parse_json, read_whole

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

END_OF_DOCUMENT = "<|endoftext|>"
_USUAL_ENDS = (END_OF_DOCUMENT, "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>", "[SEP]")
SMALLEST_VOCABULARY = 257  # 256 bytes and the end of document
LOSSY = Fraction(10, 100)
NEW = "new:"
CONFIG = "tokenizer_config.json"
_LONG = 1_000_000  # characters of a text that `tokenizers` is given at once
LONGEST_WORD = 1000  # characters, in training
COMPARED = 1_000_000  # characters of a corpus that are encoded both ways
_WORTH = 8  # characters for each entry of the vocabulary, after which a fast encoder has paid for being made
_ENDLESS = re.compile(
    "|".join(rf"{kind}{{{LONGEST_WORD + 1},}}" for kind in (r"[^\W\d_]", r"\d", r"(?:[^\w\s]|_)", r"\s"))
)
_HIDDEN = "\ufdd0"  # a noncharacter: what begins with it in a vocabulary is never met in text
_CARE = 1  # of what happens to text on its way through other tokenizers than byte-level BPE: part of their hash
_KEEPING = {"ByteLevel", "Split", "Digits", "Punctuation", "UnicodeScripts"}  # pre-tokenizers that only divide


class Tokenizer:
    """Text to token ids and back: the one place where text is encoded.

    Special tokens are never added, and their spelling inside a text is encoded as ordinary text, so that no document
    can forge an end of document: also where the spelling is an entry of the model's own vocabulary, or the token is
    added but not marked special. Truncation, padding and dropout of a loaded tokenizer are switched off: equal texts
    give equal ids.

    Attributes:
        end, eos_id: the end-of-document token and its id.
        vocab_size: the highest id plus one (ids may have holes).
        hash: of the tokenizer's canonical JSON and ``end``.
        dtype: of the ids in shards: uint16 up to 65,536 ids, else uint32.
        lossless: whether every text comes back as it was, as is known of a byte-level BPE without a normaliser.
        lossy: the largest share of a domain's bytes that may be lost (:meth:`lost_bytes`) in a corpus made with it.
    """

    def __init__(self, backend: "Backend", end: str, *, lossy: Fraction = LOSSY) -> None:
        backend.no_truncation()
        backend.no_padding()
        state = json.loads(backend.to_str())
        if state["model"].get("dropout") is not None:
            state["model"]["dropout"] = None
            backend = _backend(state)
        backend.encode_special_tokens = True
        self.backend, self.end, self.lossy = backend, end, lossy
        ids = backend.get_vocab(with_added_tokens=True)
        self.eos_id, self.vocab_size = ids[end], max(ids.values()) + 1
        self.dtype: np.dtype[Any] = np.dtype("<u2" if self.vocab_size <= 2**16 else "<u4")
        hidden = _reachable(state, end)
        self._encoder = _backend(_hiding(state, hidden)) if hidden else backend
        self._worth = self.worth  # characters still to come
        self._unknown = _unknown_id(state["model"])
        self.lossless, self._divides = _gives_back(state, hidden), _divides(state)
        care = [] if self.lossless and not hidden else [_CARE]
        self.hash = content_hash([state, end, *care])

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of each text, shape (tokens,), dtype :attr:`dtype`, without end of document. Runs on all cores.

        Raises:
            BadInput: a text becomes the end-of-document token all the same: it is the unknown token too.
        """
        if self._worth > 0:  # of a batch of many characters the first are enough to compare
            upto = np.cumsum([len(text) for text in texts])
            count = min(int(np.searchsorted(upto, self._worth)) + 1, len(texts))
            self._worth -= int(upto[count - 1]) if count else 0
            found = self.encode_slowly(texts[:count])
            if self._worth <= 0:
                self.fast_agrees(texts[:count], found)
            return found if count == len(texts) else found + self.encode_batch(texts[count:])
        if self.fast is None:
            return self.encode_slowly(texts)
        return self.fast.encode_batch(texts, self.dtype)

    @cached_property
    def fast(self) -> FastEncoder | None:
        """The same by `tiktoken`; None where that is not known to give the same ids."""
        return fast_encoder(json.loads(self._encoder.to_str()), self.encode_slowly, self._normalised)

    @property
    def worth(self) -> int:
        """Characters of text after which :attr:`fast` has paid for being made."""
        return max(COMPARED, _WORTH * self.vocab_size)

    def fast_agrees(self, texts: Sequence[str], expected: Sequence[np.ndarray]) -> bool:
        """Whether :attr:`fast` gives the ids ``expected`` of ``texts``; if it does not, it is not used again."""
        if self.fast is not None and all(map(np.array_equal, self.fast.encode_batch(texts, self.dtype), expected)):
            return True
        self.fast = None
        return False

    def _normalised(self, text: str) -> str:
        return str(self._encoder.normalizer.normalize_str(text))

    def encode_slowly(self, texts: Sequence[str]) -> list[np.ndarray]:
        """:meth:`encode_batch` by `tokenizers`, whatever the tokenizer: in memory of a million characters a text where
        a text can be cut at spaces (:func:`_divides`), else whole, some 130 bytes a character."""
        long = {number for number, text in enumerate(texts) if len(text) > _LONG} if self._divides else set[int]()
        if not long:
            return self._encoded(texts)
        done = iter(self._encoded([text for number, text in enumerate(texts) if number not in long]))
        return [self._in_pieces(text) if number in long else next(done) for number, text in enumerate(texts)]

    def _in_pieces(self, text: str) -> np.ndarray:
        parts = batched(pieces(text), len, _LONG)
        return np.concatenate([ids for part in parts for ids in self._encoded(part)])

    def _encoded(self, texts: Sequence[str]) -> list[np.ndarray]:
        encoded = self._encoder.encode_batch_fast(list(texts), add_special_tokens=False)
        found = [np.array(one.ids, dtype=self.dtype) for one in encoded]
        for text, ids in zip(texts, found, strict=True):
            if (ids == self.eos_id).any():
                raise BadInput(
                    f"{self.end!r} ends a document and stands for text as well ({text[:40]!r} holds it)",
                    key="tokenizer",
                    remedy=f"name another end of document, or add one: {how(f'end={NEW}{END_OF_DOCUMENT}')}",
                )
        return found

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text of ``ids``; exact where :attr:`lossless`."""
        return str(self.backend.decode(np.asarray(ids).tolist(), skip_special_tokens=False))

    def lost_bytes(self, texts: Sequence[str], encoded: Sequence[np.ndarray]) -> list[int]:
        """UTF-8 bytes of each text that do not come back from its ids.

        Characters are counted, wherever they stand: one that is in the text more often than in what is decoded is
        lost that often. The unknown token gives nothing back.
        """
        if self.lossless:
            return [0] * len(texts)
        ids = [one[one != self._unknown].tolist() if self._unknown is not None else one.tolist() for one in encoded]
        decoded = self.backend.decode_batch(ids, skip_special_tokens=False)
        return [_missing(text, back) for text, back in zip(texts, decoded, strict=True)]

    def __reduce__(self) -> tuple[object, ...]:  # the backend's own pickling forgets encode_special_tokens
        return _from_json, (self.backend.to_str(), self.end, self.lossy)

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``, which :func:`load_tokenizer` and `transformers` read; beside it
        ``tokenizer_config.json`` where the end of document is not one that is found without it."""
        if _usual_end(self.backend) != self.end:
            write_json(path.with_name(CONFIG), {"eos_token": self.end})
        write_text(path, self.backend.to_str())


def _usual_end(backend: "Backend") -> str | None:
    return next((token for token in _USUAL_ENDS if backend.token_to_id(token) is not None), None)


def _missing(text: str, back: str) -> int:
    if text == back:
        return 0
    return sum(len(sign.encode()) * count for sign, count in (Counter(text) - Counter(back)).items())


def _backend(state: dict[str, Any]) -> "Backend":
    from tokenizers import Tokenizer as Backend

    made = Backend.from_str(json.dumps(state))
    made.encode_special_tokens = True
    return made


def _from_json(text: str, end: str, lossy: Fraction) -> Tokenizer:
    from tokenizers import Tokenizer as Backend

    return Tokenizer(Backend.from_str(text), end, lossy=lossy)


def _reachable(state: dict[str, Any], end: str) -> set[str]:
    """The end of document and special tokens whose spelling in a text would become the token."""
    added = state.get("added_tokens") or []
    names, model = {end, *(one["content"] for one in added if one["special"])}, state["model"]
    matched = {one["content"] for one in added if one["content"] == end and not one["special"]}
    if model["type"] == "Unigram":
        return matched | (names & {piece for piece, _ in model["vocab"]})
    own = names & model["vocab"].keys()
    if model["type"] == "BPE" and not model.get("ignore_merges"):  # else an entry is reached by merges alone
        products = {_product(pair, model) for pair in _pairs(model)}
        own = {name for name in own if len(name) == 1 or name in products}
    return matched | own


def _pairs(model: dict[str, Any]) -> list[tuple[str, str]]:
    split = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    return [(left, right) for left, right in split]


def _product(pair: tuple[str, str], model: dict[str, Any]) -> str:
    return pair[0] + pair[1].removeprefix(model.get("continuing_subword_prefix") or "")


def _hiding(state: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    """The tokenizer with the entries ``hidden`` under names that no text holds, every id as it was."""
    model = dict(state["model"])
    if model["type"] == "Unigram":
        model["vocab"] = [[_HIDDEN + piece if piece in hidden else piece, score] for piece, score in model["vocab"]]
    else:
        model["vocab"] = {_HIDDEN + name if name in hidden else name: i for name, i in model["vocab"].items()}
        if model.get("unk_token") in hidden:
            model["unk_token"] = _HIDDEN + model["unk_token"]
    if model["type"] == "BPE":
        model["merges"] = [p for p in _pairs(model) if not hidden & {*p, _product(p, model)}]
    added = [one for one in state.get("added_tokens") or [] if one["content"] not in hidden]
    return {**state, "model": model, "added_tokens": added}


def _unknown_id(model: dict[str, Any]) -> int | None:
    if model["type"] == "Unigram":
        return model.get("unk_id")
    return model["vocab"].get(model.get("unk_token"))


def _gives_back(state: dict[str, Any], hidden: set[str]) -> bool:
    """Whether it is a byte-level BPE that has every byte and changes none."""
    from tokenizers import pre_tokenizers

    model, steps = state["model"], _steps(state.get("pre_tokenizer"), "pretokenizers")
    kinds = [step["type"] for step in steps]
    return (
        model["type"] == "BPE"
        and not any(model.get(key) for key in ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"))
        and not state.get("normalizer")
        and kinds.count("ByteLevel") == 1
        and set(kinds) <= _KEEPING
        and not any(step.get("add_prefix_space") or step.get("behavior") == "Removed" for step in steps)
        and [step["type"] for step in _steps(state.get("decoder"), "decoders")] == ["ByteLevel"]
        and set(pre_tokenizers.ByteLevel.alphabet()) <= model["vocab"].keys() - hidden
        and not any(one["lstrip"] or one["rstrip"] for one in state.get("added_tokens") or [] if not one["special"])
    )


def _divides(state: dict[str, Any]) -> bool:
    """Whether a text can be cut before a single space between two other signs: its words are divided at white space, or
    by a pattern of which no word goes on to a space, and what comes before that changes signs one by one."""
    first = next(iter(_steps(state.get("pre_tokenizer"), "pretokenizers")), {"type": None})
    changes = {step["type"] for step in _steps(state.get("normalizer"), "normalizers")}
    return (
        (first["type"] in ("WhitespaceSplit", "Whitespace", "BertPreTokenizer") or known_pattern(state) is not None)
        and changes <= {"BertNormalizer", "Lowercase", "StripAccents", "NFC", "NFD", "NFKC", "NFKD"}
        and all(one["special"] for one in state.get("added_tokens") or [])
    )


def _steps(part: dict[str, Any] | None, inner: str) -> list[dict[str, Any]]:
    if part is None:
        return []
    return [step for one in part[inner] for step in _steps(one, inner)] if part["type"] == "Sequence" else [part]


def how(setting: str) -> str:
    """How a setting of the tokenizer is given, wherever one is named."""
    return f"--tokenizer PATH,{setting}, in a study tokenizer: {{{setting.replace('=', ': ')}}}"


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train a byte-level BPE (Sennrich et al. 2016; bytes as in GPT-2) with ``<|endoftext|>`` as id 0.

    Deterministic. The vocabulary can come out smaller than asked when the texts hold too few distinct pairs.

    Raises:
        BadInput: fewer than 257 ids asked for, or no text.
    """
    from tokenizers import Tokenizer as Backend
    from tokenizers import decoders, models, pre_tokenizers, trainers

    if vocab_size < SMALLEST_VOCABULARY:
        raise BadInput(f"{vocab_size} is too small", key="vocab_size", remedy=f"at least {SMALLEST_VOCABULARY}")
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_DOCUMENT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    seen = False

    def noticed() -> Iterable[str]:
        nonlocal seen
        for text in texts:
            seen = seen or bool(text)
            yield from _cut(text)

    backend.train_from_iterator(noticed(), trainer=trainer)
    if not seen:
        raise BadInput("there is no text to train a tokenizer on", key="tokenizer")
    return Tokenizer(backend, END_OF_DOCUMENT)


def _cut(text: str) -> Iterator[str]:
    """``text``, cut within words of thousands of characters: the trainer's time grows with the square of a word."""
    last = 0
    for run in _ENDLESS.finditer(text):
        for at in range(run.start() + LONGEST_WORD, run.end(), LONGEST_WORD):
            yield text[last:at]
            last = at
    yield text[last:]


def load_tokenizer(
    where: str | Path, *, end: str | None = None, lossy: Fraction | float | str | None = None
) -> Tokenizer:
    """Load a ``tokenizer.json``, a folder that holds one, or a tokenizer of the Hugging Face hub.

    Args:
        where: the path or id; behind it, as commands take it, the settings: ``tokenizer.json,end=<eos>,lossy=10%``.
        end: the end-of-document token; None: the ``eos_token`` of ``tokenizer_config.json`` beside it, else the first
            of the usual names that the vocabulary holds. ``new:TOKEN`` adds one that is not there.
        lossy: the largest share of a domain's bytes that it may lose in a corpus; None: 10%.

    Raises:
        BadInput: nothing there, not a tokenizer, no end-of-document token, or a setting that is unknown or wrong.
    """
    where, given = _settings(where)
    end = given.get("end", end)
    if "lossy" in given or lossy is not None:
        share = parsed(parse_share, given.get("lossy", lossy), "lossy")
    else:
        share = LOSSY
    path = Path(placed(where))
    if path.is_dir():
        text, config = _read(path / "tokenizer.json"), _config(path / CONFIG)
    elif path.is_file():
        text, config = _read(path), _config(path.with_name(CONFIG))
    elif re.fullmatch(r"[\w.-]+(/[\w.-]+)?", str(where)) and not str(where).endswith(".json"):
        text, config = _from_hub(str(where))
    else:
        raise BadInput("no such file or folder", where=where, key="tokenizer")
    return _built(text, where, end, config, share)


def _settings(where: str | Path) -> tuple[str | Path, dict[str, str]]:
    if not isinstance(where, str) or Path(placed(where)).exists():
        return where, {}
    name, *pairs = re.split(r",(?=\w+=)", where)
    found = dict(pair.split("=", 1) for pair in pairs)
    for key in found:
        if key not in ("end", "lossy"):
            raise BadInput("unknown setting of a tokenizer", key=key, remedy="known: end, lossy")
    return name, found


def _built(text: str, where: str | Path, end: str | None, config: dict[str, Any], lossy: Fraction) -> Tokenizer:
    from tokenizers import Tokenizer as Backend

    try:
        backend = Backend.from_str(text)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception for every malformed file
        raise BadInput(f"not a tokenizer ({error})", where=where, key="tokenizer") from None
    if end is not None and end.startswith(NEW) and len(end) > len(NEW):
        end = end.removeprefix(NEW)
        if backend.token_to_id(end) is None:
            backend.add_special_tokens([end])
    named = config.get("eos_token")
    named = named.get("content") if isinstance(named, dict) else named
    wanted = [end] if end is not None else [*([named] if isinstance(named, str) else []), *_USUAL_ENDS]
    for token in wanted:
        if backend.token_to_id(token) is not None:
            return Tokenizer(backend, token, lossy=lossy)
    raise BadInput(
        f"has no end-of-document token ({', '.join(wanted)})",
        where=where,
        key="tokenizer",
        remedy=f"name one of its tokens or add one: {how(f'end={NEW}{END_OF_DOCUMENT}')}",
    )


def _read(path: Path) -> str:
    if not path.exists():
        raise BadInput("no such file", where=path, key="tokenizer")
    return read_whole(path)


def _config(path: Path) -> dict[str, Any]:
    return _as_object(read_whole(path), path) if path.exists() else {}


def _as_object(text: str, where: str | Path) -> dict[str, Any]:
    config = parse_json(text, where=where, problem="is damaged")
    return config if isinstance(config, dict) else {}


def _from_hub(name: str) -> tuple[str, dict[str, Any]]:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        text = _read(Path(hf_hub_download(name, "tokenizer.json")))
        try:
            config = _config(Path(hf_hub_download(name, "tokenizer_config.json")))
        except EntryNotFoundError:
            config = {}
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise BadInput(
            f"neither a file, a folder nor a tokenizer that the Hugging Face hub gives ({type(error).__name__})",
            where=name,
            key="tokenizer",
            remedy="check the spelling and the network",
        ) from None
    return text, config
