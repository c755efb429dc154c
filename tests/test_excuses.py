"""What excuses.py lets pass, and what comes near and must not pass: each rule has both."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from faults import Fault

import minigan as mg
from minigan import emulator
from minigan.emulator import Finding, Report, launch
from minigan.emulator.findings import of_same_value
from minigan.emulator.statements import assignments
from minigan.emulator.waiting import waits_for

# A rule: kernels that it excuses, as bodies of f(float* x, int n) for 2 blocks of 64 threads, with x of zeros and n = 128;
# and near misses, by what makes the difference.
GUESS = """
unsigned *p = (unsigned*)x, old = *p, assumed;
do {
    assumed = old;
    old = atomicCAS(p, assumed, assumed + 1);
} while (old != assumed);"""
ASK = "    old = atomicCAS(p, assumed"
LOOKING_BACK = """
volatile int* done = (volatile int*)x;
if (t == 0) {
    while (blockIdx.x && true) {
        const int before = done[blockIdx.x - 1];
        if (before) break;
    }
    done[blockIdx.x] = 1;
}"""
LOCK = """
int* lock = (int*)x;
if (t == 0) {
    while (atomicCAS(lock, 0, 1)) {}
    x[9] += 1;
    __threadfence();
    *(volatile int*)lock = 0;
}"""
FLAG = """
volatile int* ready = (volatile int*)x;
if (i == 0) *ready = 1;
if (i == 64)
    while (!*ready) {}"""
TWO_GUESSES = """unsigned int* p = (unsigned int*)x;
unsigned int a = p[0], b = p[1], was;
do { was = a; a = atomicCAS(p, was, was + 1); } while (a != was);
do { was = b; b = atomicCAS(p + 1, was, was + 1); } while (b != was);"""
RULES = {
    "a guess that atomicCAS checks": (
        [GUESS, TWO_GUESSES],
        {
            "it checks another variable": GUESS.replace(ASK, "    atomicAdd(p, 1u);\n    old = atomicCAS(p + 64 + t, assumed"),
            "who has seen enough believes it": GUESS.replace(ASK, f"    if (old > 3) break;\n{ASK}"),
            "beside a write that is no atomic": GUESS.replace(ASK, f"    if (t == 9) *p = 0;\n{ASK}"),
            "nobody compares": "if (i == 0) atomicAdd(x, 1.0f);\nif (i == 5) x[1] = x[0];",
        },
    ),
    "one constant": (
        [
            "x[0] = 1;",
            "#define SET (1 << 4)\nenum { DONE = 3 };\nconstexpr int two = 2;\nx[0] = SET;\nx[1] = DONE;\nx[2] = two + n;",
            "if (i == 0) x[0] = 1;\nif (i == 99) x[0] = true;",
            "int* any = (int*)x;\nif (i % 3 == 0) *any = 1;",
            "if (blockIdx.x == 0) x[t] = t, x[71] = 3;",
        ],
        {
            "a thread's own value": "x[0] = t;",
            "two constants": "if (i == 0) x[0] = 1;\nif (i == 99) x[0] = 2;",
            "the same only today, as all are zeros": "x[0] = x[64];",
            "const, but not the same in all threads": "const float v = x[64 + t / 2];\nx[0] = v;",
            "called as a member of gridDim is": "float y = x[64];\nx[0] = y;",
            "the constant is another element's": "x[0] = x[64], x[1] = 1;",
            "one of two is no constant": "const int at = t / 64;\nx[at] = 1, x[at + 1] = x[64];",
            "only a comment has the constant": "x[0] = x[64]; // = 1;",
            "n is 128 in this launch only": "if (i == 0) x[0] = n;\nif (i == 99) x[0] = 128;",
            "n is a parameter, and changed": "n = x[64];\nx[0] = n;",
            "a macro of what is no constant": "#define ONE x[64]\nx[0] = ONE;",
            "one thread more to it": "x[0] += 0 * t;",
        },
    ),
    "a volatile variable that is waited for": (
        [FLAG, LOOKING_BACK, LOCK],
        {
            "nobody waits": FLAG.replace("while (!*ready) {}", "x[9] = *ready;"),
            "a comment speaks of waiting": FLAG.replace("while (!*ready) {}", "x[9] = *ready; // while it holds"),
            "an atomic that reaches no other block": FLAG.replace("*ready = 1", "atomicExch_block((int*)x, 1)"),
            "a loop that counts": "volatile float* sum = x;\nint k = 0;\n"
            "while (k < 3) {\n    if (t == 0) sum[0] = sum[0] + 1;\n    ++k;\n}",
            "read in a loop that waits for nothing": "volatile int* state = (volatile int*)x;\nif (i == 0) state[0] = 5;\n"
            "int k = 0;\nwhile (k < 3) {\n    if (i == 99) x[64 + k] = state[0];\n    ++k;\n}",
            "what it announces is no volatile": "int* ready = (int*)x;\nif (i == 0) *ready = 1;\n"
            "if (i == 64)\n    for (int k = 0; k < 9 && !*ready;) ++k;",
            "a plain store frees the lock": LOCK.replace("*(volatile int*)lock = 0", "*lock = 0"),
        },
    ),
}  # fmt: skip
AGREEING = {  # near misses whose writes are of one value in this launch: a race of its own kind
    "the same only today, as all are zeros", "const, but not the same in all threads", "called as a member of gridDim is",
    "the constant is another element's", "one of two is no constant", "only a comment has the constant",
    "n is 128 in this launch only", "n is a parameter, and changed", "a macro of what is no constant",
}  # fmt: skip
CASES = [(rule, body) for rule, (excused, _) in RULES.items() for body in excused]
NEAR = [(rule, why, body) for rule, (_, near) in RULES.items() for why, body in near.items()]


def found(body, order="forward", **launched):
    """[(kind, array), …] of what the sanitizer finds in a body."""
    findings = Fault("", "", None, body, "", "", **launched).report(body, order).findings
    return {(finding.kind, finding.array) for finding in findings}


@pytest.fixture(scope="module", autouse=True)
def built():
    """All kernels, built side by side."""
    texts = [Fault("", "", None, body, "", "").text(body) for *_, body in (*CASES, *NEAR)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda text: launch._sanitized(mg.kernel(source=text, name="f").program, 80), texts))


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize(("rule", "body"), CASES)
def test_a_rule_excuses(rule, body, order):
    assert not found(body, order)


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize(("rule", "why", "body"), NEAR, ids=[why for _, why, _ in NEAR])
def test_a_near_miss_is_not_excused(rule, why, body, order):
    assert ("same-value-race" if why in AGREEING else "race", "x") in found(body, order)


def test_writes_that_agree_in_one_order_only_are_a_race():
    """In whatever order they come, and whichever is entered first."""
    once = Finding("race", "f.cu", 3, "", "", (0, 0, 0), (), "x", other_line=5)
    same = of_same_value(replace(once, line=5, other_line=3))
    for findings in ((once, same), (same, once), (same, same, once)):
        report = Report()
        for finding in findings:
            report.add(finding)
        assert report.findings == [once] == report.errors()
    report.add(same), report.add(replace(same, array="y")), report.add(replace(once, kind="deadlock"))
    assert [finding.kind for finding in report.findings] == ["race", "deadlock", "same-value-race"]
    assert len(report.errors()) == 2 and len(report.errors(strict=True)) == 3


def test_who_also_reads_is_no_race_of_one_value():
    assert found("__shared__ int s;\nif (t == 0) s = 0;\n__syncthreads();\ns += 1;\n__syncthreads();\nx[i] = s;") == {
        ("race", "s")
    }
    apart = "const float old = x[0];\nx[0] = old + 1;"
    assert found(apart) == {("race", "x")}


def test_who_reads_too_early_is_told_about_the_race_only():
    too_early = "__shared__ float s[64];\ns[t] = i;\nx[i] = s[63 - t];"
    assert found(too_early) == {("race", "s")}
    # Near: the race is another line's, or is itself excused.
    assert ("uninitialised", "s") in found("__shared__ float s[64], r[64];\nr[t] = t;\nx[i] = r[63 - t];\nx[i] = s[t];")
    assert found(GUESS, output=True) == {("uninitialised", "x")}


def test_an_index_beyond_its_row_is_none_beyond_its_array():
    row = "__shared__ float s[4][16];\ns[0][t] = t;\n__syncthreads();\nx[i] = s[0][t];"
    assert not found(row)
    # Near: beyond the array, and beyond a thread's own that stands beside a watched one.
    assert ("out-of-bounds", "s") in found(row.replace("s[0][t] = t", "s[0][t + 1] = t"))
    own = "__shared__ float s[64];\nfloat own[4];\ns[t] = t;\n__syncthreads();\nown[n / 16] = s[t];\nx[i] = own[t % 4];"
    assert ("out-of-bounds", None) in found(own)


def test_the_second_of_two_stores_is_found_in_another_order_of_the_threads():
    """A race that is excused may hide one with a store behind it, until another thread comes last."""
    last = "x[0] = 1;\nif (i == 127) x[0] = 0;"
    assert any(found(last, order) for order in emulator.ORDERS)


def test_what_a_line_assigns():
    code = "for (int k = 0; k < 8; k++) if (a[k] == 2) s[k] = f(1, 2), *p->q |= 3; else b = c <= d;"
    made = [(each.target, each.value, each.changes) for each in assignments(code)]
    assert made == [("int k", "0", False), ("s[k]", "f(1, 2)", False), ("*p->q", "3", True), ("b", "c <= d", False)]
    assert [each.declares for each in assignments(code)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("while (!ready) {}", True),
        ("do {} while (ready == 0);", True),
        ("for (; !ready;) {}", True),
        ("while (true) { if (ready) break; }", True),
        ("while (true) { int seen = ready; if (!seen) continue; return; }", True),
        ("for (int k = 0; k < ready; ++k) {}", False),  # counts
        ("while (k < 3) { k += ready; }", False),  # counts too
        ("while (k < 3) { x[k] = ready; ++k; }", False),
        ("if (ready) x[0] = 1; while (k) --k;", False),
        ("for (int v : row) x[v] = ready;", False),
    ],
)
def test_what_a_text_waits_for(text, waits):
    assert waits_for(text, {"ready"}) == waits
