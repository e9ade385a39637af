"""The tokenizer: a byte-level BPE trained here, or any Hugging Face tokenizer, behind one small class."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.files import content_hash, write_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

END_OF_DOCUMENT = "<|endoftext|>"
_USUAL_ENDS = (END_OF_DOCUMENT, "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>", "[SEP]")
SMALLEST_VOCABULARY = 257  # 256 bytes and the end of document


class Tokenizer:
    """Text to token ids and back.

    Special tokens are never added, and their spelling inside a text is encoded as ordinary text, so that no document
    can forge an end of document. Truncation and padding of a loaded tokenizer are switched off.

    Attributes:
        end, eos_id: the end-of-document token and its id.
        vocab_size: the highest id plus one (ids may have holes).
        hash: of the tokenizer's canonical JSON and ``end``.
        dtype: of the ids in shards: uint16 up to 65,536 ids, else uint32.
    """

    def __init__(self, backend: "Backend", end: str) -> None:
        backend.no_truncation()
        backend.no_padding()
        backend.encode_special_tokens = True
        self.backend, self.end = backend, end
        ids = backend.get_vocab(with_added_tokens=True)
        self.eos_id, self.vocab_size = ids[end], max(ids.values()) + 1
        self.dtype: np.dtype[Any] = np.dtype("<u2" if self.vocab_size <= 2**16 else "<u4")
        self.hash = content_hash([json.loads(backend.to_str()), end])

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of each text, shape (tokens,), dtype :attr:`dtype`, without end of document. Runs on all cores."""
        encoded = self.backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(one.ids, dtype=self.dtype) for one in encoded]

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text of ``ids``; exact for byte-level BPE without a normaliser."""
        return str(self.backend.decode(np.asarray(ids).tolist(), skip_special_tokens=False))

    def __reduce__(self) -> tuple[object, ...]:  # the backend's own pickling forgets encode_special_tokens
        return _from_json, (self.backend.to_str(), self.end)

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``, which :func:`load_tokenizer` and `transformers` read."""
        write_text(path, self.backend.to_str())


def _from_json(text: str, end: str) -> Tokenizer:
    from tokenizers import Tokenizer as Backend

    return Tokenizer(Backend.from_str(text), end)


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
            yield text

    backend.train_from_iterator(noticed(), trainer=trainer)
    if not seen:
        raise BadInput("there is no text to train a tokenizer on", key="tokenizer")
    return Tokenizer(backend, END_OF_DOCUMENT)


def load_tokenizer(where: str | Path, *, end: str | None = None) -> Tokenizer:
    """Load a ``tokenizer.json``, a folder that holds one, or a tokenizer of the Hugging Face hub.

    ``end`` names the end-of-document token; else it is the ``eos_token`` of ``tokenizer_config.json`` beside it, else
    the first of the usual names that the vocabulary holds.

    Raises:
        BadInput: nothing there, not a tokenizer, or no end-of-document token.
    """
    path = Path(where)
    if path.is_dir():
        text, config = _read(path / "tokenizer.json"), _config(path / "tokenizer_config.json")
    elif path.is_file():
        text, config = _read(path), _config(path.with_name("tokenizer_config.json"))
    elif re.fullmatch(r"[\w.-]+(/[\w.-]+)?", str(where)) and not str(where).endswith(".json"):
        text, config = _from_hub(str(where))
    else:
        raise BadInput("no such file or folder", where=where, key="tokenizer")
    return _built(text, where, end, config)


def _built(text: str, where: str | Path, end: str | None, config: dict[str, Any]) -> Tokenizer:
    from tokenizers import Tokenizer as Backend

    try:
        backend = Backend.from_str(text)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception for every malformed file
        raise BadInput(f"not a tokenizer ({error})", where=where, key="tokenizer") from None
    named = config.get("eos_token")
    named = named.get("content") if isinstance(named, dict) else named
    wanted = [end] if end is not None else [*([named] if named else []), *_USUAL_ENDS]
    for token in wanted:
        if backend.token_to_id(token) is not None:
            return Tokenizer(backend, token)
    raise BadInput(
        f"has no end-of-document token ({', '.join(wanted)})", where=where, key="tokenizer", remedy="name it with end"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("no such file", where=path, key="tokenizer") from None
    except UnicodeDecodeError:
        raise BadInput("not a tokenizer (not UTF-8)", where=path, key="tokenizer") from None


def _config(path: Path) -> dict[str, Any]:
    return _as_object(path.read_text(encoding="utf-8"), path) if path.exists() else {}


def _as_object(text: str, where: str | Path) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"is damaged ({error})", where=where, key="tokenizer") from None
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
