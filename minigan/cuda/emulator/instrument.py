"""From the compiler's announcement of every memory access to a call that says where in the text it comes from.

With -fsanitize=thread a compiler calls `__tsan_read4(address)` and the like before each access. Its assembly also says
which line it is translating (`.loc`). So each call gets the number of its place as one more argument and is sent to
sanitizer.cpp; accesses of the emulator's own headers are not announced at all. No debug format has to be read for that.
"""

import re

from ...errors import MiniganError

GAP = 65536  # bytes of nothing before and behind every __shared__ array
MAX_PLACES = 60_000  # a place is kept in 16 bits, and barriers need some

KINDS = [f"{how}{what}" for how in ("", "unaligned_", "volatile_") for what in ("read", "write")]
# How many arguments the compiler passes: the place goes behind them.
ARGUMENTS = {f"{kind}{size}": 1 for kind in KINDS for size in (1, 2, 4, 8, 16)}
ARGUMENTS |= {"read_range": 2, "write_range": 2, "memcpy": 3, "memmove": 3, "memset": 3}
SILENT = {"func_entry", "func_exit", "init", "vptr_update", "vptr_read"}  # announcements of no access
REGISTERS = {
    "x86_64": ("", "movl ${0}, %esi", "movl ${0}, %edx", "movl ${0}, %ecx"),
    "aarch64": ("", "mov w1, #{0}", "mov w2, #{0}", "mov w3, #{0}"),
}

FILE = re.compile(r'\s*\.file\s+(\d+)\s+(?:"[^"]*"\s+)?"([^"]*)"')
LOC = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)")
CALL = re.compile(r"(\s*(?:callq?|jmpq?|bl|b)\s+)(?:__tsan_(\w+)|(memcpy|memmove|memset))(@PLT)?\s*$")
SHARED = re.compile(r"(\w*B6shared\w*):")  # a variable with the tag that cuda.h gives to __shared__


def instrument(assembly, own_files, machine):
    """(the assembly with places, [(file, line), …] by number, [(name, bytes), …] of the shared arrays).

    `own_files` are the names of the emulator's headers, `machine` is "x86_64" or "aarch64". Raises MiniganError for an
    announcement that is not known.
    """
    registers = REGISTERS[machine]
    files, last, here, places, symbols, lines = {}, {}, (None, 0), {}, [], []
    behind = False  # the last line was a shared array's label
    for line in assembly.splitlines():
        if found := FILE.match(line):
            files[found[1]] = found[2].rpartition("/")[2]
        elif found := LOC.match(line):
            file, line_number = files[found[1]], int(found[2])
            last[file] = line_number or last.get(file, 0)  # 0: of no line in particular
            here = file, last[file]
        elif found := CALL.match(line):
            line = _announcement(found, here, own_files, places, registers)
        elif found := SHARED.match(line):
            symbols.append(found[1])
            lines.append(f"\t.zero {GAP}")
            behind = True
        elif behind:
            line, behind = f"{line}\n\t.zero {GAP}", False
        lines.append(line)
    if len(places) > MAX_PLACES:
        raise MiniganError(f"the sanitizer numbers {MAX_PLACES} places in a text, and this one has {len(places)}")
    names = "minigan_shared_arrays, minigan_first_place, minigan_gap"
    lines += ["\t.data", "\t.p2align 3", f"\t.globl {names}", f"\t.hidden {names}", "minigan_shared_arrays:"]
    lines += [f"\t.quad {symbol}\n\t.quad {_size(assembly, symbol)}" for symbol in symbols]
    lines += [
        "\t.quad 0\n\t.quad 0",
        f"minigan_gap:\n\t.quad {GAP}",
        f"minigan_first_place:\n\t.long {len(places)}",
        "",
    ]
    return "\n".join(lines), list(places), [(_name(symbol), _size(assembly, symbol)) for symbol in symbols]


def _announcement(found, here, own_files, places, registers):
    call, hook, function, plt = found.groups()
    hook = (hook or function).replace("unaligned_volatile_", "unaligned_")
    jumps = not call.strip().startswith(("call", "bl"))
    if here[0] in own_files or hook in SILENT:
        copies = ARGUMENTS.get(hook) == 3
        return f"{call}{hook}{plt or ''}" if copies else "\tret" if jumps else ""
    if hook not in ARGUMENTS:
        raise MiniganError(
            f"{here[0]}:{here[1]}: the sanitizer does not know this access ({hook}): use CUDA's own atomics"
        )
    place = places.setdefault(here, len(places))
    hook = "memcpy" if hook == "memmove" else hook
    return f"\t{registers[ARGUMENTS[hook]].format(place)}\n{call}minigan_{hook}{plt or ''}"


def _size(assembly, symbol):
    return int(re.search(rf"\.size\s+{re.escape(symbol)}, (\d+)", assembly)[1])


def _name(symbol):
    """The variable's own name in a mangled one: "tile" of _ZZ6matmulE4tileB6shared. Its length stands before it."""
    head = symbol.partition("B6shared")[0]
    names = (head[-length:] for length in range(len(head), 0, -1))
    return next((name for name in names if head.endswith(f"{len(name)}{name}")), symbol)
