"""From the compiler's announcement of every memory access to a call that says where in the text it comes from.

With -fsanitize=thread a compiler calls `__tsan_read4(address)` and the like before each access. Its assembly also says
which line it is translating (`.loc`). So each call gets the number of its place as one more argument and is sent to
sanitizer.cpp; accesses of the emulator's own headers are not announced at all. No debug format has to be read for that.
"""

import re

from ...errors import MiniganError

GAP = 65536  # bytes of nothing before and behind every variable of the text that is no thread's own
UNSURE = 1 << 20  # added to the place of an access that may be the emulator's own
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
END = re.compile(r"\s*\.size\s+\w+, ?\.-|\s*\.size\s+\w+, ?\.L\w+-")  # of a function
LABEL = re.compile(r"\.L\w+:")
LOC = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)")
CALL = re.compile(r"(\s*(?:callq?|jmpq?|bl|b)\s+)(?:__tsan_(\w+)|(memcpy|memmove|memset))(@PLT)?\s*$")
SECTION = re.compile(
    r"\s*\.section\s+\.(?:bss|data|rodata|sbss|sdata)[\w.]*?\.(\w+),"
)  # of one variable each: -fdata-sections
OWN = re.compile("minigan|^_ZGV|^_ZT")  # variables of the emulator and of the compiler
TAG = re.compile(r"B\d(shared|constant)")  # cuda.h gives them to __shared__ and __constant__


def instrument(assembly, own_files, machine):
    """(the assembly with places, [(file, line), …] by number, [(name, bytes, where), …] of the variables).

    `own_files` are the names of the emulator's headers, `machine` is "x86_64" or "aarch64". Raises MiniganError for an
    announcement that is not known.
    """
    registers = REGISTERS[machine]
    files, last, here, places, variables, lines = {}, {}, (None, 0), {}, {}, []
    section, label = "", None  # of a variable of the text
    text, sure, code = (
        None,
        True,
        [],
    )  # the last place of the text in this function; [(label, place), …] of what comes from where
    for line in assembly.splitlines():
        if found := FILE.match(line):
            files[found[1]] = found[2].rpartition("/")[2]
        elif found := LOC.match(line):
            file, line_number = files[found[1]], int(found[2])
            last[file] = line_number or last.get(file, 0)  # 0: of no line in particular
            here = file, last[file]
            text, sure = text if file in own_files else here, True
            lines.append(line)
            line = _code(code, -1 if file in own_files else places.setdefault(here, len(places)))
        elif LABEL.match(line) and text and here[0] in own_files:
            sure, here = False, text  # g++ does not say where a store comes from that it has made of two
        elif END.match(line):
            lines.append(line)
            line, text = _code(code, -1), None
        elif found := CALL.match(line):
            line = _announcement(found, here, sure, own_files, places, registers)
        elif found := SECTION.match(line):
            section, label = line, None if OWN.search(found[1]) else f"{found[1]}:"
        elif label and line.startswith(label):
            variables[label[:-1]] = section
            lines.append(f"\t.zero {GAP}")
        lines.append(line)
    if len(places) > MAX_PLACES:
        raise MiniganError(f"the sanitizer numbers {MAX_PLACES} places in a text, and this one has {len(places)}")
    for section in variables.values():
        lines += [section, f"\t.zero {GAP}"]  # behind what lies there already
    described = [(_name(symbol), _size(assembly, symbol), _memory(symbol)) for symbol in variables]
    names = "minigan_variables, minigan_first_place, minigan_gap, minigan_code"
    lines += ["\t.data", "\t.p2align 3", f"\t.globl {names}", f"\t.hidden {names}", "minigan_variables:"]
    lines += [f"\t.quad {symbol}, {each[1]}, {int(each[2] == 'shared')}" for symbol, each in zip(variables, described)]
    lines += ["\t.quad 0, 0, 0", "minigan_code:"]
    lines += [f"\t.quad {label}, {place}" for label, place in code]
    lines += ["\t.quad 0, 0", f"minigan_gap:\n\t.quad {GAP}", f"minigan_first_place:\n\t.long {len(places)}", ""]
    return "\n".join(lines), list(places), described


def _code(code, place):
    """A label for code that comes from a place."""
    code.append((f".Lminigan_code_{len(code)}", place))
    return f"{code[-1][0]}:"


def _announcement(found, here, sure, own_files, places, registers):
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
    place = places.setdefault(here, len(places)) + (0 if sure else UNSURE)
    hook = "memcpy" if hook == "memmove" else hook
    return f"\t{registers[ARGUMENTS[hook]].format(place)}\n{call}minigan_{hook}{plt or ''}"


def _size(assembly, symbol):
    return int(re.search(rf"\.size\s+{re.escape(symbol)}, (\d+)", assembly)[1])


def _memory(symbol):
    """Where a variable lies: "shared", "constant" or "global"."""
    return found[1] if (found := TAG.search(symbol)) else "global"


def _name(symbol):
    """The variable's own name in a mangled one: "tile" of _ZZ6matmulE4tileB6shared. Its length stands before it."""
    head = TAG.split(symbol)[0].removesuffix("E")
    names = (head[-length:] for length in range(len(head), 0, -1))
    return next((name for name in names if head.endswith(f"{len(name)}{name}")), symbol)
