import subprocess
import sys

HEAVY = (
    "torch",
    "transformers",
    "tokenizers",
    "pyarrow",
    "datasketch",
    "scipy",
    "datasets",
    "fsspec",
    "huggingface_hub",
)


def test_importing_the_rooms_loads_nothing_heavy():
    code = f"import sys, synthmix.corpus, synthmix.statistics; print([m for m in {HEAVY} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
