"""The house's floors: a module imports from its own floor and from those below, in no circle; packages only export."""

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1] / "minigan"
FLOORS = (  # the lowest first
    ("errors paths", "what may go wrong, and where files are kept: everybody uses them"),
    ("devices", "where arrays live; it loads cpu and cuda by their names only, once a device is asked for"),
    ("plan records shapes", "what a launch is, and what shapes go together: numbers, and nothing that computes"),
    (
        "reference emulator",
        "the textbook, and the machine that runs any CUDA text: neither knows the engine, or the other",
    ),
    ("cpu cuda", "the primitives as the devices run them; cuda hands the emulator its plans, cpu hastens reference"),
    ("tensor", "the tape: it knows primitives by their device, and no operation"),
    ("ops", "the calculus"),
    ("gradcheck random init module nn optim", "what nets are made of, and the check of a derivative"),
    ("minigan", "what `import minigan` brings: all below, and nothing above"),
    ("data gans plots checkpoint", "data sets, recipes and the training, with all that it writes"),
    ("judge", "what are a generator's samples worth? The GANs do not know it"),
    ("check", "are the derivatives right, and the kernels?"),
    ("bench", "how fast are they? It times only what check finds right"),
    ("commands cli __main__", "the command line"),
)
STRANGERS = (  # who could by the floors, and does not
    ("cuda", "reference"),  # two answers to one question: the tests compare them
    ("cuda", "cpu"),
    ("cpu", "cuda"),
    ("cpu", "emulator"),
    ("reference", "emulator"),
    ("emulator", "reference"),
)
LAZY = {
    "minigan.devices",
    "minigan",
}  # they import by name, when they are asked: see devices._load and minigan.__getattr__

FLOOR = {room: number for number, (rooms, _) in enumerate(FLOORS) for room in rooms.split()}
MODULES = {".".join(("minigan", *path.relative_to(HOUSE).with_suffix("").parts)): path for path in HOUSE.rglob("*.py")}
MODULES = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}


def room_of(module):
    """Of minigan.cuda.matmul "cuda"; "minigan" of the package itself."""
    return module.split(".")[1] if "." in module else module


def imports_of(module, is_package, source):
    """The modules of minigan that a source imports, at its top or within a function."""
    here = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "minigan")
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            package = ".".join([*base, *([node.module] if node.module else [])])
            if package.split(".")[0] == "minigan":
                yield from (f"{package}.{n.name}" if f"{package}.{n.name}" in MODULES else package for n in node.names)


def graph():
    """{module: what it imports}."""
    return {
        module: set(imports_of(module, path.name == "__init__.py", path.read_text("utf-8")))
        for module, path in MODULES.items()
    }


def violations(imports):
    """One sentence for each import from a floor above, or from a stranger."""
    for module, imported in imports.items():
        for other in sorted(imported):
            here, there = room_of(module), room_of(other)
            if FLOOR[there] > FLOOR[here]:
                yield f"{module} imports {other}, which is on a floor above it"
            if (here, there) in STRANGERS:
                yield f"{module} imports {other}: {here} and {there} do not know each other"


def circle(imports):
    """The modules of an import circle, in its sequence; () where there is none."""
    done = set()

    def walk(module, path):
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return ()
        done.add(module)
        return next(filter(None, (walk(other, (*path, module)) for other in sorted(imports.get(module, ())))), ())

    return next(filter(None, (walk(module, ()) for module in imports)), ())


def test_every_room_has_a_floor():
    assert {room_of(module) for module in MODULES} == FLOOR.keys()


def test_nothing_imports_from_a_floor_above_it():
    assert not list(violations(graph()))


def test_there_is_no_import_circle():
    assert circle(graph()) == ()


def test_only_the_lazy_import_by_name():
    """What ast does not see: importlib.import_module of a room of ours."""
    named = {
        module
        for module, path in MODULES.items()
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("import_module", "__import__"))
        if any(part in ast.unparse(call.args[0]) for part in ("minigan", "'."))
    }
    assert named == LAZY


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        (
            "minigan.ops.matmul",
            "def f():\n    from ..gans import losses",
            "imports minigan.gans.losses, which is on a floor above",
        ),
        (
            "minigan.emulator.launch",
            "from ..cuda import nvrtc",
            "imports minigan.cuda.nvrtc, which is on a floor above",
        ),
        ("minigan.tensor", "from . import ops", "imports minigan.ops, which is on a floor above"),
        ("minigan.cuda.matmul", "import minigan.reference.matmul", "cuda and reference do not know each other"),
    ],
)
def test_a_planted_import_is_found(module, source, words):
    (sentence,) = violations({module: set(imports_of(module, False, source))})
    assert sentence.startswith(module) and words in sentence


def test_a_planted_circle_is_found():
    imports = graph()
    imports["minigan.shapes"].add("minigan.reference.conv2d")
    assert set(circle(imports)) == {"minigan.shapes", "minigan.reference.conv2d"}


def programs_in(source, lazy):
    """What stands in an __init__ besides its docstring, imports, __all__ and __version__."""
    for number, node in enumerate(ast.parse(source).body):
        is_docstring = not number and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = (
            [target.id for target in node.targets if isinstance(target, ast.Name)]
            if isinstance(node, ast.Assign)
            else []
        )
        exports = bool(names) and set(names) <= {"__all__", "__version__"}
        allowed = lazy and isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
        if not (is_docstring or exports or allowed or isinstance(node, ast.Import | ast.ImportFrom)):
            yield ast.unparse(node)


def test_packages_export_and_hold_no_program():
    for module, path in MODULES.items():
        if path.name == "__init__.py":
            assert not list(programs_in(path.read_text("utf-8"), lazy=module == "minigan")), path
    assert list(programs_in('"""A room."""\nx = 1\n\ndef __getattr__(name): ...\n', lazy=False)) != []
