"""What NVIDIA's compiler makes of a kernel file. It needs no GPU."""

from ..cuda import nvrtc, source


def check_compiled(file):
    """{(architecture, real): [(kernel, problem), …]} of compiling a kernel file every way the project uses.

    A problem is a spill, local memory, or a double-precision instruction in a float build.
    """
    problems_of = {}
    for real in ("float", "double"):
        for architecture in nvrtc.ARCHITECTURES:
            cubin, log, _ = nvrtc.compile_cubin(source.text(file), file, source.options(real), architecture)
            problems = [
                (name, f"{used.local} bytes of local memory")
                for name, used in nvrtc.resources(log).items()
                if used.local
            ]
            if real == "float" and nvrtc.disassembler():
                for name, code in nvrtc.sass(cubin).items():
                    problems += [
                        (name, f"FP64 instruction {instruction}") for instruction in nvrtc.double_instructions(code)
                    ]
            problems_of[architecture, real] = problems
    return problems_of
