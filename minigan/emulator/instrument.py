"""From the compiler's announcement of every memory access to a call that says where in the text it comes from.

With -fsanitize=thread a compiler calls `__tsan_read4(address)` and the like before each access. Its assembly also says
which line it is translating (`.loc`). So each call gets the number of its place as one more argument and is sent to
sanitizer.cpp; accesses of the emulator's own headers are not announced at all, but for those headers whose functions reach a
text's variables for it (x[i] += y on a __half): they are the line's that calls. No debug format has to be read for that.

With -fsanitize-coverage=trace-pc it also calls a function wherever code begins that is run from beginning to end. In its
place stands a counter; the floating-point instructions up to the next one are then known to have been run that often.
"""

import re

from ..errors import MiniganError

GAP = 65536  # bytes of nothing before and behind every variable of the text that is no thread's own
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

COUNTS = {
    "x86_64": "incq minigan_counts+{0}(%rip)",
    "aarch64": "adrp x16, minigan_counts+{0}\n\tadd x16, x16, :lo12:minigan_counts+{0}\n"
    "\tldr x17, [x16]\n\tadd x17, x17, 1\n\tstr x17, [x16]",
}
FLOP = re.compile(r"\s*(?:v?(?:add|sub|mul|div|sqrt)(?P<packed>[sp])[sd]|f(?:add|sub|mul|div|sqrt))\s")
AWAY = re.compile(r"\s*(?:jmpq?|retq?|ret|b|br)\b")  # what follows is not run next

FILE = re.compile(r'\s*\.file\s+(\d+)\s+(?:"[^"]*"\s+)?"([^"]*)"')
LOC = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)")
END = re.compile(r"\s*\.size\s+\w+, ?\.(?:L\w+)?-")  # of a function
CALL = re.compile(r"(\s*(?:callq?|jmpq?|bl|b)\s+)(?:__(?:tsan|sanitizer)_(\w+)|(memcpy|memmove|memset))(@PLT)?\s*$")
SECTION = re.compile(
    r"\s*\.section\s+\.(?:bss|data|rodata|sbss|sdata)[\w.]*?\.(\w+),"
)  # of one variable each: -fdata-sections
OWN = re.compile("minigan|^_ZGV|^_ZT")  # variables of the emulator and of the compiler
TAG = re.compile(r"B\d(shared|constant)")  # cuda.h gives them to __shared__ and __constant__
READ_ONLY = re.compile(r"\s*\.section\s+\.(?:rodata|data\.rel\.ro)\b")  # `const`, outside of any function or static
MEMORIES = ("global", "shared", "constant")  # as `Memory` of observer.h numbers them


def instrument(assembly, own_files, of_caller, machine):
    """(the assembly with places, [(file, line), …] by number, [(name, bytes, memory), …] of the variables, [(counter, place,
    floating-point operations), …]).

    `own_files` are the names of the emulator's headers, `of_caller` of those whose accesses are their caller's, `machine` is
    "x86_64" or "aarch64". Raises MiniganError for an announcement that is not known.
    """
    it = _Assembly(own_files, of_caller, REGISTERS[machine], COUNTS[machine])
    for line in assembly.splitlines():
        it.take(line)
    if len(it.places) > MAX_PLACES:
        raise MiniganError(f"the sanitizer numbers {MAX_PLACES} places in a text, and this one has {len(it.places)}")
    variables = [
        (name_of(symbol), _size(assembly, symbol), _memory(symbol, section)) for symbol, section in it.variables.items()
    ]
    it.describe(variables)
    return "\n".join(it.lines), list(it.places), variables, [(*key, flops) for key, flops in it.flops.items()]


class _Assembly:
    """Assembly that is read, and written again, line by line."""

    def __init__(self, own_files, of_caller, registers, count):
        self.own_files, self.of_caller, self.registers, self.count = own_files, of_caller, registers, count
        self.counters, self.counter, self.flops = 0, None, {}  # {(counter, place): operations}
        self.lines = []
        self.files, self.last = {}, {}  # by number, and the last line of each
        self.here = (None, 0)  # the place
        self.of_text = None  # the function's last place in the text itself
        self.places, self.code = {}, []  # {place: number}; [(label, number), …] of the code that comes from there
        self.section, self.label = "", None  # of a variable of the text
        self.variables = {}  # {symbol: its section}

    def take(self, line):
        """Read a line, and write it or what stands in its place."""
        if match := FILE.match(line):
            self.files[match[1]] = match[2].rpartition("/")[2]
        elif match := LOC.match(line):
            self.move(self.files[match[1]], int(match[2]))
            self.lines.append(line)
            line = self.mark() if self.of_text else ""
        elif END.match(line):
            self.lines.append(line)
            self.here, marked, self.of_text = (None, 0), self.of_text, None
            line = self.mark() if marked else ""
        elif match := CALL.match(line):
            line = self.announce(*match.groups())
        elif match := FLOP.match(line):
            self.add_flops(4 if match["packed"] == "p" else 1)
        elif AWAY.match(line):
            self.counter = None
        elif match := SECTION.match(line):
            self.section, self.label = line, None if OWN.search(match[1]) else f"{match[1]}:"
        elif self.label and line.startswith(self.label):
            self.variables[self.label[:-1]] = self.section
            self.lines.append(f"\t.zero {GAP}")
        self.lines.append(line)

    def move(self, file, line):
        self.last[file] = line or self.last.get(file, 0)  # 0: of no line in particular
        self.here = file, self.last[file]
        if file not in self.own_files:
            self.of_text = self.here
        elif file in self.of_caller and self.of_text:  # inlined into the text
            self.here = self.of_text

    def add_flops(self, count):
        """Enter floating-point operations of the text."""
        if self.counter is not None and self.of_text:
            key = self.counter, self.places.setdefault(self.of_text, len(self.places))
            self.flops[key] = self.flops.get(key, 0) + count

    def number(self):
        """The number of the place; −1 where it is none of the text."""
        known = self.here[0] and self.here[0] not in self.own_files
        return self.places.setdefault(self.here, len(self.places)) if known else -1

    def mark(self):
        """A label for the code that follows. Only functions with code of the text get any: others may be thrown away."""
        self.code.append((f".Lminigan_code_{len(self.code)}", self.number()))
        return f"{self.code[-1][0]}:"

    def announce(self, call, hook, function, plt):
        """What stands in place of a compiler's call."""
        hook = (hook or function).replace("unaligned_volatile_", "unaligned_")
        jumps = not call.strip().startswith(("call", "bl"))
        if hook == "cov_trace_pc":
            self.counter, self.counters = self.counters, self.counters + 1
            return f"\t{self.count.format(8 * self.counter)}" + "\n\tret" * jumps
        if self.here[0] in self.own_files or hook in SILENT:
            copies = ARGUMENTS.get(hook) == 3
            return f"{call}{hook}{plt or ''}" if copies else "\tret" if jumps else ""
        if hook not in ARGUMENTS:
            file, line = self.here
            raise MiniganError(
                f"{file}:{line}: the sanitizer does not know this access ({hook}): use CUDA's own atomics"
            )
        place = self.number()
        hook = "memcpy" if hook == "memmove" else hook
        return f"\t{self.registers[ARGUMENTS[hook]].format(place)}\n{call}minigan_{hook}{plt or ''}"

    def describe(self, variables):
        """Write the gaps behind the variables, and the tables that sanitizer.cpp reads."""
        for section in self.variables.values():
            self.lines += [section, f"\t.zero {GAP}"]  # behind what lies there already
        names = "minigan_variables, minigan_first_place, minigan_gap, minigan_code, minigan_counts, minigan_counters"
        self.lines += ["\t.data", "\t.p2align 3", f"\t.globl {names}", f"\t.hidden {names}", "minigan_variables:"]
        for symbol, (_, size, memory) in zip(self.variables, variables):
            self.lines.append(f"\t.quad {symbol}, {size}, {MEMORIES.index(memory)}")
        self.lines += ["\t.quad 0, 0, 0", "minigan_code:"]
        self.lines += [f"\t.quad {label}, {place}" for label, place in self.code]
        self.lines += ["\t.quad 0, 0", f"minigan_gap:\n\t.quad {GAP}"]
        self.lines += [
            f"minigan_first_place:\n\t.long {len(self.places)}",
            f"minigan_counters:\n\t.long {self.counters}",
        ]
        self.lines += ["\t.bss", "\t.p2align 3", f"minigan_counts:\n\t.zero {8 * self.counters + 8}", ""]


def _size(assembly, symbol):
    return int(re.search(rf"\.size\s+{re.escape(symbol)}, (\d+)", assembly)[1])


def _memory(symbol, section):
    """Where a variable lies: "shared", "constant" or "global"."""
    if match := TAG.search(symbol):
        return match[1]
    return "constant" if READ_ONLY.match(section) else "global"


def name_of(symbol):
    """The variable's own name in a mangled one: "tile" of _ZZ6matmulE4tileB6shared. Its length stands before it."""
    head = TAG.split(symbol)[0].removesuffix("E")
    names = (head[-length:] for length in range(len(head), 0, -1))
    return next((name for name in names if head.endswith(f"{len(name)}{name}")), _name_of_instance(symbol))


def _name_of_instance(symbol):
    """ "pi" of _Z2piIfE, a variable that is a template's instance."""
    length = re.match(r"_Z(\d+)(?=\w+I)", symbol)
    return symbol[length.end() :][: int(length[1])] if length else symbol
