"""`minigan sample`, `evaluate` and `compare`: what trained generators make, and what that is worth."""

from pathlib import Path

from ..errors import MiniganError
from ..paths import user_path
from .options import refuse_below_one


def sample(options):
    """`minigan sample`."""
    import numpy as np

    from .. import data, plots
    from ..checkpoint import replacing
    from ..gans import RunFolder

    refuse_below_one(options, "n")
    if options.out and Path(options.out).suffix.lower() not in ("", ".png"):
        raise MiniganError(f"--out {options.out}: the picture is a PNG, expected a name that ends so")
    run = RunFolder.open(user_path(options.folder))
    samples = run.draw_samples(options.n, options.seed, options.device)
    path = user_path(options.raw or options.out or run.path / "sample.png")
    if options.raw:
        with replacing(path) as part, open(part, "wb") as file:
            np.save(file, samples.astype(np.float32))
    elif samples.ndim == 2:
        data.load(run.config["data"]).draw(path, samples)
    else:
        plots.save_grid(path, samples)
    print(f"{len(samples)} samples: {path}")
    return 0


def evaluate(options):
    """`minigan evaluate`."""
    from ..checkpoint import refuse_unwritable, save_json
    from ..gans import RunFolder
    from ..judge import evaluate, save_picture, table

    refuse_below_one(options, "n")
    run = RunFolder.open(user_path(options.folder))
    numbers, picture = run.path / "evaluation.json", run.path / "evaluation.png"
    refuse_unwritable(numbers)
    refuse_unwritable(picture)
    evaluation, pictures = evaluate(run, options.n, options.seed, options.device, options.data_dir)
    print(table(evaluation))
    save_json(numbers, evaluation)
    save_picture(picture, evaluation, pictures)
    print(f"see {picture} and {numbers}")
    return 0


def compare(options):
    """`minigan compare`."""
    from ..checkpoint import refuse_unwritable, replacing
    from ..gans import RunFolder
    from ..judge import compare

    refuse_below_one(options, "n")
    runs = [RunFolder.open(user_path(folder)) for folder in options.folders]
    out = user_path(options.out)
    curves, samples = (out.with_name(f"{out.name}-{kind}.png") for kind in ("metrics", "samples"))
    markdown = [user_path(options.markdown)] if options.markdown else []
    for path in (curves, samples, *markdown):
        refuse_unwritable(path)
    groups = compare.compare(runs, options.n, options.device, options.data_dir)
    print(compare.text(groups))
    compare.save_metrics(curves, groups)
    compare.save_samples(samples, groups, options.device)
    for path in markdown:
        with replacing(path) as part:
            part.write_text(compare.markdown(groups), "utf-8")
    print(f"see {', '.join(map(str, (curves, samples, *markdown)))}")
    return 0
