"""Options of a CUDA compiler, as far as they change the text: macros are put before it, headers out of folders into it.

So the emulator's compiler and NVIDIA's read the same text, and need none of these options.
"""

from dataclasses import dataclass
from pathlib import Path

from ..errors import MiniganError
from . import program

MACRO, NO_MACRO, FOLDER = ("--define-macro", "-D"), ("--undefine-macro", "-U"), ("--include-path", "-I")


@dataclass(frozen=True)
class Options:
    """What options say: lines to put before a text, folders to look for headers in, and what is left for NVIDIA's compiler."""

    lines: tuple = ()
    folders: tuple = ()
    others: tuple = ()

    def text_of(self, source, file):
        """A text, as of a file of this name, with what the options change."""
        return self._before(program.with_included(source, file, self.folders), file)

    def text_in(self, path):
        """The text of a file, likewise. Raises what program.read does."""
        return self._before(program.read(path, self.folders), Path(path).name)

    def _before(self, text, file):
        return "".join(f"{line}\n" for line in self.lines) + f'#line 1 "{file}"\n{text}' if self.lines else text


def read_options(options):
    """The Options in a sequence like ("-DN=4", "-I", "folder", "--use_fast_math").

    Raises MiniganError for one without its value.
    """
    lines, folders, others, rest = [], [], [], iter(options)
    for option in rest:
        kind, value = _split(option)
        if kind and not value:
            value = next(rest, "")
        if kind and (not value or "\n" in value):
            raise MiniganError(f"option {option}: expected a name or a folder, as -DN=4 or -Iinclude")
        if kind is MACRO:
            name, equals, meaning = value.partition("=")
            lines.append(f"#define {name} {meaning if equals else 1}")
        elif kind is NO_MACRO:
            lines.append(f"#undef {value}")
        elif kind is FOLDER:
            folders.append(Path(value))
        else:
            others.append(option)
    return Options(tuple(lines), tuple(folders), tuple(others))


def _split(option):
    """(MACRO, NO_MACRO, FOLDER or None, what stands behind it)."""
    for kind in (MACRO, NO_MACRO, FOLDER):
        long, short = kind
        if option == long or option.startswith(f"{long}="):
            return kind, option[len(long) + 1 :]
        if option.startswith(short):
            return kind, option[len(short) :].strip()
    return None, ""
