"""The embedded sample: the documentation that is on every machine that has the project. No download, no text shipped.

Domains: ``python-reference`` (CPython's language reference, by way of :mod:`pydoc_data`), ``stdlib`` (the standard
library's docstrings) and one for each installed library below. The texts depend on the installed versions and on
nothing else; they are harvested once per version and kept in the cache folder: ``SYNTHMIX_CACHE``, else
``synthmix`` in the user's cache folder.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from synthmix.checksums import check, write_checked
from synthmix.corpus import harvest
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput, Failure
from synthmix.files import cache_folder, read_json, write_json, write_text
from synthmix.progress import Progress, Silent

VERSION = 1  # of the rules of harvesting: a change of them is a change of the sample
REFERENCE, STDLIB = "python-reference", "stdlib"
# Distribution -> package, those that take longest to harvest first.
LIBRARIES = {
    "transformers": "transformers",
    "torch": "torch",
    "sympy": "sympy",
    "scipy": "scipy",
    "pandas": "pandas",
    "scikit-learn": "sklearn",
    "numpy": "numpy",
    "networkx": "networkx",
}
DOMAINS = (REFERENCE, STDLIB, *LIBRARIES)

Wanted = Literal["all"] | Sequence[str]


def sample_domains() -> list[str]:
    """The domains that can be had here."""
    return [name for name in DOMAINS if name not in absent_domains()]


def absent_domains() -> list[str]:
    """The domains whose library is not installed."""
    return [name for name, package in LIBRARIES.items() if importlib.util.find_spec(package) is None]


def sample_versions(wanted: Wanted) -> dict[str, str]:
    """Domain -> version of what it is harvested from.

    Raises:
        BadInput: a domain that is unknown or not installed.
    """
    if wanted == "all":
        wanted = sample_domains()
    for name in wanted:
        if name not in DOMAINS:
            raise BadInput(f"no domain {name!r}", where="embedded sample", remedy=f"choose from {', '.join(DOMAINS)}")
        if name in absent_domains():
            raise BadInput(f"{name} is not installed", where="embedded sample", remedy=f"run pip install {name}")
    python = platform.python_version()
    return {name: importlib.metadata.version(name) if name in LIBRARIES else python for name in wanted}


def prepare_sample(wanted: Wanted, progress: Progress) -> None:
    """Fill the cache with what is missing in it (half a minute the first time), so that reading is quick.

    Raises:
        BadInput: see :func:`sample_versions`; an unwritable cache folder.
        Failure: a library's sources could not be read.
    """
    missing = {
        name: v for name, v in sample_versions(wanted).items() if name != REFERENCE and not _path(name, v).exists()
    }
    if missing:
        harvested(missing, progress)


def read_sample(wanted: Wanted) -> Iterator[Document]:
    """The documents of the wanted domains, mixed in the order of their hash, so that a limit takes of each.

    Raises:
        BadInput: see :func:`sample_versions`; an unwritable cache folder.
    """
    texts = harvested(sample_versions(wanted), Silent())
    documents = [
        Document(text, domain, f"{domain}#{number}") for domain in texts for number, text in enumerate(texts[domain])
    ]
    yield from sorted(documents, key=lambda document: hashlib.blake2b(document.text.encode(), digest_size=8).digest())


def harvested(versions: dict[str, str], progress: Progress) -> dict[str, list[str]]:
    """Texts per domain, from the cache or by one process a library, as many at once as there are cores."""
    progress.start("sample", len(versions), "domains")

    def one(domain: str) -> list[str]:
        texts = _cached(domain, versions[domain])
        done.append(domain)
        progress.update("sample", len(done), note=domain)
        return texts

    done: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        slowest_first = sorted(versions, key=[*LIBRARIES, STDLIB, REFERENCE].index)
        texts = dict(zip(slowest_first, pool.map(one, slowest_first), strict=True))
    progress.finish("sample")
    return {domain: texts[domain] for domain in DOMAINS if domain in texts}


def _cached(domain: str, version: str) -> list[str]:
    if domain == REFERENCE:
        return _topics()
    path = _path(domain, version)
    if path.exists():
        try:
            check(path)
            return read_json(path)
        except BadInput:  # damaged: it is only kept to save time
            path.unlink(missing_ok=True)
    texts = _run_harvest(domain)
    write_checked(path, json.dumps(texts) + "\n")
    return texts


def _path(domain: str, version: str) -> Path:
    return cache_folder() / "sample" / f"{domain}-{version}-python{platform.python_version()}-{VERSION}.json"


def _topics() -> list[str]:
    from pydoc_data.topics import topics

    return sorted({text.strip() for text in topics.values() if len(text.strip()) >= harvest.MINIMUM_CHARACTERS})


def _run_harvest(domain: str) -> list[str]:
    if domain == STDLIB:
        roots = [sysconfig.get_path("stdlib")]
    else:
        spec = importlib.util.find_spec(LIBRARIES[domain])
        roots = list(spec.submodule_search_locations or []) if spec else []
    command = [sys.executable, "-I", harvest.__file__, *roots]
    ran = subprocess.run(command, capture_output=True, check=False)
    if ran.returncode:
        last = ran.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Failure(f"harvesting its documentation failed ({''.join(last)})", where=domain)
    return json.loads(ran.stdout)


def write_sample(folder: str | Path, *, domains: Wanted = "all", progress: Progress | None = None) -> dict[str, Any]:
    """Write ``DOMAIN.jsonl`` for each domain and ``sample.json``, which lists them with version and licence.

    Returns:
        The manifest: ``domains`` (documents, bytes, version, license, file) and ``absent``.
    """
    versions = sample_versions(domains)
    manifest: dict[str, Any] = {"harvest": VERSION, "python": platform.python_version(), "domains": {}}
    for domain, texts in harvested(versions, progress or Silent()).items():
        lines = [
            json.dumps({"id": f"{domain}#{number}", "domain": domain, "text": text}, ensure_ascii=False) + "\n"
            for number, text in enumerate(texts)
        ]
        write_text(Path(folder) / f"{domain}.jsonl", "".join(lines))
        manifest["domains"][domain] = {
            "file": f"{domain}.jsonl",
            "documents": len(texts),
            "bytes": sum(len(text.encode()) for text in texts),
            "version": versions[domain],
            "license": _license(domain),
        }
    manifest["absent"] = absent_domains()
    write_json(Path(folder) / "sample.json", manifest)
    return manifest


def _license(domain: str) -> str:
    if domain not in LIBRARIES:
        return "PSF-2.0"
    about = importlib.metadata.metadata(domain)
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    classified = ", ".join(line.rpartition(" :: ")[2] for line in classifiers)
    stated = [*(about.get_all("License-Expression") or []), classified, *(about.get_all("License") or [])]
    return next((text.strip().splitlines()[0] for text in stated if text.strip()), "unknown")
