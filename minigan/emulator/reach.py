"""What a kernel reaches: the text without everything else, so that the host's half of a file does not matter.

Only the names count that a kernel mentions, and those that are mentioned by what they name: functions, types, variables and
macros, but nothing that only the host can run. Whatever is left out may be wrong, unknown or missing. Every line stays where it
was. Where a name has several meanings all of them are kept.
"""

import re
from dataclasses import dataclass

from ..errors import MiniganError
from .outline import outline
from .parser import as_bytes, blanked

# A declaration without a value of its own to begin with, or one that is known to need no code to make it.
NO_VALUE = re.compile(
    r"^\s*(?:template\b|typedef\b)|\b(?:constexpr|thread_local|__shared__|__constinit)\b|^\s*extern\s+[^=]*$"
)
KNOWN_NAMESPACES = {"std", "cooperative_groups", "cuda"}
CALLS_THE_HOST = re.compile(
    r"\bcuda[A-Z]\w*\s*\(|\bstd::c(?:out|err)\b|\bf?printf\s*\(\s*stderr|\b(?:new|delete|throw|try)\b"
)


@dataclass(frozen=True)
class Reached:
    """What a kernel reaches.

    text        the file's text with nothing else in it
    parameters  (name, text) of the kernel's; none where a macro makes it
    condition   (line, text) of the innermost `#if` around it, or None
    fields      the names of the types' fields that no macro has too, sorted
    insertions  (where, in bytes, what) the emulator wants to be put in: see `for_emulator`
    """

    text: str
    parameters: list
    is_template: bool
    condition: tuple | None
    fields: tuple
    insertions: list

    def for_emulator(self):
        """The text in which each variable's value has to be known when it is compiled, as a GPU wants it (no code runs at
        loading), and each function that is declared and nowhere defined says so when it is called."""
        raw = as_bytes(self.text)
        for place, inserted in sorted(self.insertions, reverse=True):
            raw = raw[:place] + inserted + raw[place:]
        return _as_text(raw)


def reach(text, name, file):
    """The Reached of a kernel in a text, by its name as C++ has it: "k", "ns::k", "fill<float>".

    Raises MiniganError where the text has no such kernel.
    """
    raw = as_bytes(text)
    items = outline(raw)
    kernel = _kernel(items, re.sub(r"\s*<.*", "", name, flags=re.S).split("::")[-1], file)
    kept = _Reach(items, raw).from_names(set(re.findall(r"[A-Za-z_]\w*", name)))
    every = [one for item in items for one in (item, *item.members)]
    # A macro that nobody uses does no harm.
    left = blanked(raw, [(one.begin, one.end) for one in every if id(one) not in kept and one.kind != "macro"])
    macros = {name for item in items if item.kind == "macro" for name in item.names}
    fields = {name for item in items if id(item) in kept for name in item.fields}
    return Reached(
        _as_text(left),
        kernel.parameters if kernel else [],
        bool(kernel and kernel.is_template),
        kernel.conditions[-1] if kernel and kernel.conditions else None,
        tuple(sorted(fields - macros - {""})),
        list(_insertions(items, kept, raw)),
    )


def _insertions(items, kept, raw):
    """(where, what) of each mark of a variable, and of each body for a function that is nowhere defined."""
    defined = {name for item in items if item.kind == "function" and item.is_defined for name in item.names}
    for item in items:
        text = raw[item.begin : item.end]
        if id(item) in kept and item.declares and not NO_VALUE.search(text):
            yield item.begin, _initialiser(text)
        if id(item) in kept and item.kind == "function" and not item.names & defined:
            yield from ((item.end - 1, f" {{ MINIGAN_UNDEFINED({name}) }}") for name in item.names)


def _initialiser(declaration):
    """The mark of a variable with a value to begin with, or with none."""
    has_value = re.search(r"[={]|\)\s*;", declaration)
    return "MINIGAN_CONSTANT_INITIALISER " if has_value else "MINIGAN_NO_INITIALISER "


def _as_text(raw):
    return raw.encode("latin-1").decode("utf-8")


def _kernel(items, name, file):
    """The Item of a kernel; None where a macro makes it."""
    found = [item for item in items if item.kind == "function" and name in item.names]
    if kernels := [item for item in found if item.is_kernel]:
        return max(kernels, key=lambda item: (item.is_defined, item.is_template))
    known = sorted({name for item in items if item.is_kernel for name in item.names})
    has = f"; it has {', '.join(known)}" if known else ""
    if found:
        raise MiniganError(f"{file}: {name} is no kernel: it lacks __global__{has}")
    if not any(_may_make(item, name) for item in items):
        raise MiniganError(f"{file} has no kernel {name!r}{has}")
    return None


def _may_make(item, name):
    """Whether a kernel of this name may come out of a macro, or of what an `#if` cuts in halves."""
    made = item.kind in ("use of a macro", "halves")
    return made and (name in item.mentions or any(part in name for part in item.mentions))


class _Reach:
    def __init__(self, items, raw):
        self.items, self.raw = items, raw
        self.kept, self.names, self.calls, self.members = set(), set(), set(), set()
        self.types = {name for item in items if item.kind == "type" for name in item.names}
        self.of_device = {name for item in items if item.runs_on == "device" for name in item.names}

    def from_names(self, names):
        """The ids of all items that are reached from these names, and of all that are kept anyhow."""
        self.names |= names
        self.calls |= names
        while self._more():
            pass
        return self.kept

    def _more(self):
        """Keep what the names reach by now; whether there was anything."""
        before = len(self.kept)
        for item in self.items:
            if id(item) not in self.kept and self._is_reached(item):
                self._keep(item)
            for member in item.members if id(item) in self.kept else ():
                if id(member) not in self.kept and self._is_reached_member(member, item):
                    self._keep(member)
        return before != len(self.kept)

    def _keep(self, item):
        self.kept.add(id(item))
        self.names |= item.mentions
        self.calls |= item.calls
        self.members |= item.members_used

    def _is_reached(self, item):
        if item.kind == "function":
            return self._is_reached_function(item)
        if item.kind == "use of a macro":
            return True
        if item.kind == "namespace":  # that is used as a whole
            return item.names <= KNOWN_NAMESPACES or self._has_namespace(item)
        return bool(item.names & self.names)

    def _is_reached_function(self, item):
        if item.runs_on == "host" or item.launches or "main" in item.names:
            return False
        if "operator" in item.names:
            own = item.needs & self.types
            return own <= self.names and (item.runs_on == "device" or bool(own))
        if item.needs and not item.needs & self.names:
            return False
        if item.runs_on == "device":
            return bool(item.names & self.names)
        return bool(item.names & self.calls - self.of_device) and not self._is_hosts(item)

    def _is_reached_member(self, member, item):
        if member.runs_on == "host" or member.launches or (not member.runs_on and self._is_hosts(member)):
            return False
        makes = bool(member.names & item.names) or "operator" in member.names
        return makes or bool(member.names & (self.names | self.members))

    def _has_namespace(self, item):
        return all(re.search(rf"\bnamespace\s+{name.split('::')[-1]}\s*\{{", self.raw) for name in item.names)

    def _is_hosts(self, item):
        return bool(CALLS_THE_HOST.search(self.raw[item.begin : item.end]))
