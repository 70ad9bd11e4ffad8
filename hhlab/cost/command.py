"""The verb ``hhlab cost``."""

from __future__ import annotations

import argparse
from dataclasses import replace

from hhlab.cost.machines import COMPUTE_SHARE, CPU, Machine, Rates, machines
from hhlab.cost.tokens import SIZES_PX
from hhlab.errors import BadArgument


def add_cost(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "cost",
        help="tokens, FLOPs, memory, seconds and money of a clip",
        description="What generating one clip takes, by a roofline model: the longer of the time "
        "its operations and the time its bytes take, part by part, and what GPUs that share the "
        "clip send each other.",
    )
    verb.add_argument("--model", default="horse-15b", help="horse-15b (default) or foal")
    verb.add_argument(
        "--size", default="1920x1080", metavar="WxH",
        help=f"in pixels, or one of: {', '.join(SIZES_PX)}",
    )  # fmt: skip
    verb.add_argument("--seconds", type=float, default=5.0, metavar="S", help="of the clip")
    verb.add_argument("--gpu", default="h200", help="h200 (default), cpu (measured here), ...")
    verb.add_argument("--count", type=int, default=1, metavar="N", help="GPUs that share the clip")
    verb.add_argument("--steps", type=int, metavar="N", help="of sampling (default: the model's)")
    verb.add_argument("--guidance", choices=("on", "off"), help="two passes per step, or one")
    verb.add_argument("--images", type=int, default=0, metavar="N", help="reference pictures")
    verb.add_argument("--text-tokens", type=int, metavar="N", help="(default: the model's most)")
    verb.add_argument(
        "--share", type=float, default=COMPUTE_SHARE, metavar="X",
        help=f"share of the peak that is reached (default: {COMPUTE_SHARE:g})",
    )  # fmt: skip
    verb.add_argument(
        "--matmul-rate", type=float, metavar="FLOP/S",
        help="of the cpu, instead of measuring it (eval/benchmarks/roofline.py does it at length)",
    )  # fmt: skip
    verb.add_argument("--price-per-hour", type=float, metavar="USD", help="of one GPU")
    verb.add_argument(
        "--suite", metavar="YAML",
        help="instead: price and time of these shots by contenders (see: hhlab contenders)",
    )  # fmt: skip
    verb.add_argument("--contenders", nargs="+", default=[], metavar="NAME", help="of --suite")
    verb.add_argument("--seeds", type=int, default=1, metavar="N", help="clips of each shot")
    verb.add_argument("--max-cost", type=float, metavar="USD", help="how far does so much go?")
    verb.add_argument("--json", action="store_true", help="numbers for programs")
    verb.add_argument("--explain", action="store_true",
                      help="the formulas with their numbers, sources, and a check against "
                      "published timings")  # fmt: skip
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the cost that the options ask for."""
    if options.suite is not None:
        return _run_suite(options)
    from hhlab.cost.estimate import estimate
    from hhlab.cost.published import published_text
    from hhlab.cost.words import as_json, as_text, explain

    gpu: str | Machine = options.gpu
    rates: Rates | None = None
    if options.gpu.lower() == CPU:
        gpu, rates = _cpu(options.matmul_rate)
    elif options.matmul_rate is not None:
        raise BadArgument("--matmul-rate", expected="--gpu cpu beside it",
                          found=f"--gpu {options.gpu}, one of {', '.join(machines())}")  # fmt: skip
    cost = estimate(
        options.model, size=options.size, seconds=options.seconds, gpu=gpu, count=options.count,
        steps=options.steps, guidance=options.guidance and options.guidance == "on",
        images=options.images, text_tokens=options.text_tokens, compute_share=options.share,
        price_usd_per_hour=options.price_per_hour, rates=rates,
    )  # fmt: skip
    if options.json:
        print(as_json(cost))
        return 0
    print(as_text(cost))
    if options.explain:
        print(f"\n{explain(cost)}\n\n{published_text()}")
    return 0


def _run_suite(options: argparse.Namespace) -> int:
    """Print what a suite costs; 3 when it is more than --max-cost."""
    import json
    from dataclasses import asdict

    from hhlab.cost.plan import plan_suite, plan_text
    from hhlab.generate.budget import Budget
    from hhlab.generate.material import read_suite

    names = [name for word in options.contenders for name in word.split(",") if name]
    if not names:
        raise BadArgument("--contenders", expected="at least one beside --suite", found="none")
    if options.seeds < 1:
        raise BadArgument("--seeds", expected="1 or more", found=str(options.seeds))
    suite, budget = read_suite(options.suite), Budget(options.max_cost)
    plans = plan_suite(suite, names, seeds=options.seeds, budget=budget)
    if options.json:
        print(json.dumps([{**asdict(plan), "usd": plan.usd} for plan in plans], indent=1))
    else:
        print(plan_text(suite, plans, seeds=options.seeds, budget=budget))
    return 3 if any(plan.within < plan.clips for plan in plans) else 0


def _cpu(matmul_rate: float | None) -> tuple[Machine, Rates]:
    from hhlab.cost.probe import measure_this_machine

    if matmul_rate is not None and not 0 < matmul_rate < 1e18:
        raise BadArgument("--matmul-rate", expected="FLOP/s, above 0", found=repr(matmul_rate))
    machine, rates = measure_this_machine()
    if matmul_rate is not None:
        # Attention keeps its measured ratio to products.
        scale = matmul_rate / rates.matmul_flop_per_s
        machine = replace(machine, bf16_flop_per_s=matmul_rate)
        rates = replace(rates, matmul_flop_per_s=matmul_rate,
                        attention_flop_per_s=rates.attention_flop_per_s * scale)  # fmt: skip
    return machine, rates
