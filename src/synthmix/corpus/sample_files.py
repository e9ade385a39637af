"""The embedded sample as plain files: ``synthmix corpus sample --to FOLDER``."""

import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from synthmix.corpus.sample import LIBRARIES, VERSION, Wanted, absent_domains, harvested, sample_versions
from synthmix.files import write_json, write_text
from synthmix.progress import Progress, Silent


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
