import sys
from pathlib import Path

from synthmix.corpus.harvest import harvest

LONG = "This sentence is documentation, and it has enough words to be kept by the harvest. " * 3


def package(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_docstrings_and_documenting_calls_and_nothing_else(tmp_path):
    source = f'''
"""Module. {LONG}"""
import never_imported_anywhere
TEMPLATE_DOC = """Assigned. {LONG[::-1]}"""
other = """Not documentation. {LONG.upper()}"""
class A:
    """Class. {LONG.title()}"""
    def f(self):
        """
        Method. {LONG.swapcase()}
            indented
        """
add_docstr(A.f, """Passed. {LONG.replace("e", "E")}""".format(**{{}}))
print("""Printed. {LONG.replace("a", "A")}""")
def g():
    """Short."""
'''
    found = harvest([package(tmp_path, a=source)])
    assert sorted(text.split(".")[0] for text in found) == ["Assigned", "Class", "Method", "Module", "Passed"]
    assert next(text for text in found if text.startswith("Method")).splitlines()[-1] == "    indented"
    assert "never_imported_anywhere" not in sys.modules


def test_tests_copies_templates_and_unparsable_files_are_left_out(tmp_path):
    body = "\n".join(f"Line {n} of a template that many classes of one library share." for n in range(8))
    folder = package(
        tmp_path,
        a=f'"""First.\n\n{body}\n"""',
        b=f'"""First.\n\n{body}\n"""',
        c=f'"""Another first line, the rest is the template.\n\n{body}\n"""',
        d=f'"""{LONG}"""',
        e=f'def broken(:\n    """{LONG[::-1]}"""',
        tests__f=f'"""{LONG.title()}"""',
        test_g=f'"""{LONG.upper()}"""',
        h='"""' + "0123456789abcdef" * 40 + '"""',
    )
    assert [text[:6] for text in harvest([folder])] == ["First.", LONG[:6]]


def test_half_a_surrogate_pair_is_not_text(tmp_path):
    assert harvest([package(tmp_path, a=f'"""{LONG} \\ud800"""')]) == []
