"""Agreement with people: known answers, independent references, honest intervals, named errors."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau, spearmanr

import hhlab as hh
from hhlab.agreeing.statistics import draws_of_prompts, pair_counts, spearman, statistics
from hhlab.errors import BadArgument, HhlabError, NothingInCommon, TooFew

SMALL = arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 6).map(float))


# --- statistics -----------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(SMALL, st.integers(0, 2**31))
def test_statistics_equal_scipys_on_the_drawn_table(x, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 5, len(x)).astype(float)
    times = rng.integers(0, 3, len(x))
    a, b = np.repeat(x, times), np.repeat(y, times)
    weights = times[None].astype(float)
    rho, counts = spearman(x, y, weights)[0], pair_counts(x, y, weights)
    if len(a) > 1 and np.ptp(a) > 0 and np.ptp(b) > 0:
        assert rho == pytest.approx(spearmanr(a, b).statistic)
        assert counts.tau_b()[0] == pytest.approx(kendalltau(a, b).statistic)
    else:
        assert np.isnan(rho)
    i, j = np.triu_indices(len(a), 1)
    apart = b[i] != b[j]
    if apart.any():
        same = np.sign(a[i] - a[j])[apart] * np.sign(b[i] - b[j])[apart]
        assert counts.accuracy()[0] == pytest.approx(((same + 1) / 2).mean())


def test_inside_groups_a_difference_between_groups_earns_nothing():
    x, y = np.array([1, 2, 3, 11, 12, 13.0]), np.array([3, 2, 1, 13, 12, 11.0])
    groups = np.array([0, 0, 0, 1, 1, 1])
    once = np.ones((1, 6))
    assert statistics(x, y, once).spearman[0] > 0.5
    inside = statistics(x, y, once, groups)
    assert inside.spearman[0] == inside.kendall_tau_b[0] == -1 and inside.accuracy[0] == 0


def test_a_draw_takes_whole_prompts():
    prompts = np.array([0, 0, 1, 1, 2, 2])
    weights = draws_of_prompts(prompts, draws=50, seed=1)
    assert (weights[0] == 1).all() and (weights.sum(axis=1) == 6).all()
    assert (weights[:, ::2] == weights[:, 1::2]).all() and weights[1:].std() > 0


# --- known answers --------------------------------------------------------------------------------
def t2vscore(folder):
    scores = pd.read_csv(folder / "ratings/t2vscore_results.csv").drop(columns="prompt")
    scores = scores.rename(columns={"model_name": "model", "video_id": "prompt"})
    people = json.loads((folder / "ratings/t2vscore_alignment_score.json").read_text())
    rows = [(int(p), model, value) for p, row in people.items()
            for model, values in row["models"].items() for value in values]  # fmt: skip
    return scores, pd.DataFrame(rows, columns=["prompt", "model", "rating"])


def test_published_figures_come_out_again(shared_data):
    scores, ratings = t2vscore(shared_data)
    found = hh.agreement(scores, ratings, draws=20, combine=False)
    for metric, rho, tau in (
        ("CLIP Score", 0.3428, 0.2361), ("X-CLIP Score", 0.2568, 0.1749),
        ("BLIP-BLEU", 0.1513, 0.1036), ("T2VScore-A (GPT-4V)", 0.4769, 0.3529),
    ):  # fmt: skip
        assert found[metric].spearman == pytest.approx(rho, abs=5e-5)
        assert found[metric].kendall_tau_b == pytest.approx(tau, abs=5e-5)
        assert (found[metric].n_items, found[metric].n_prompts) == (2543, 512)


# --- a small made-up world whose truth is known ---------------------------------------------------
def world(n_prompts=40, n_models=4, noise=1.0, seed=0, bias=1.0):
    """Quality = model + prompt + own; two metrics see it through their own noise, one does not."""
    rng = np.random.default_rng(seed)
    prompt, model = (g.ravel() for g in np.mgrid[:n_prompts, :n_models])
    quality = bias * model + rng.normal(size=n_prompts)[prompt] + rng.normal(size=len(prompt))
    table = pd.DataFrame({"prompt": [f"p{k}" for k in prompt], "model": [f"m{k}" for k in model]})
    for name in ("one", "two"):
        table[name] = quality + noise * rng.normal(size=len(prompt))
    table["blind"] = rng.normal(size=len(prompt))
    ratings = table[["prompt", "model"]].assign(rating=np.round(quality))
    return table, ratings, quality


def votes_of(table, quality, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for _, part in table.assign(q=quality).groupby("prompt"):
        for i in range(len(part)):
            for j in range(i):
                a, b = (i, j) if rng.uniform() < 0.5 else (j, i)
                gap = part.q.iloc[a] - part.q.iloc[b]
                won = "tie" if abs(gap) < 0.3 else "a" if gap > 0 else "b"
                rows.append((part.prompt.iloc[0], part.model.iloc[a], part.model.iloc[b], won))
    return pd.DataFrame(rows, columns=["prompt", "model_a", "model_b", "winner"])


def test_two_independent_metrics_together_beat_either_and_the_blind_one_gets_no_weight():
    table, ratings, _ = world(n_prompts=80, bias=0.5)
    found = hh.agreement(table, ratings, draws=100)
    assert found["one"].spearman > found["one"].spearman_low > 0.4
    assert found["blind"].spearman_low < 0 < found["blind"].spearman_high
    gain = {g.statistic: g for g in found.combination.gains}["spearman"]
    assert gain.gain > 0 and gain.low > 0
    assert gain.combined == found["(combination)"].spearman
    weights = found.combination.weights
    assert abs(weights["blind"]) < 0.25 * min(weights["one"], weights["two"])
    assert found.curve[-1].combined > found.curve[-1].single
    assert [p.n_judgements for p in found.curve] == sorted(p.n_judgements for p in found.curve)


def test_a_metric_that_knows_only_the_model_agrees_pooled_but_not_within_models():
    table, ratings, _ = world(bias=3.0)
    rng = np.random.default_rng(0)
    table["model alone"] = table.model.str[1:].astype(float) + 1e-3 * rng.normal(size=len(table))
    found = hh.agreement(table, ratings, metrics=["model alone"], draws=50)
    assert found["model alone"].spearman > 0.7
    assert abs(found["model alone", "within model"].spearman) < 0.25
    assert found["model alone", "models"].spearman == 1
    assert found.combination is None and "one metric" in found.combination_reason


def test_votes_are_answered_by_the_metric_that_sees_what_people_see():
    table, _, quality = world(noise=0.3)
    votes = votes_of(table, quality)
    found = hh.agreement(table, votes, draws=60)
    assert found.kind == "votes" and found.n_judgements == len(votes)
    decided = votes[votes.winner != "tie"]
    value = table.set_index(["prompt", "model"])["one"]
    right = [(value[r.prompt, r.model_a] > value[r.prompt, r.model_b]) == (r.winner == "a")
             for r in decided.itertuples()]  # fmt: skip
    assert found["one"].accuracy == pytest.approx(np.mean(right))
    assert found["one"].n_pairs == len(decided)
    assert found["one"].people_tied_percent == pytest.approx(100 * (1 - len(decided) / len(votes)))
    assert found["one", "within model"].accuracy > 0.8
    assert found["blind"].accuracy_low < 0.5 < found["blind"].accuracy_high


def test_a_few_votes_on_one_prompt_tell_nothing():
    table, _, quality = world(noise=0.0)
    votes = votes_of(table, quality)
    many = hh.agreement(table, votes, draws=40, combine=False)
    assert many["one"].verdict == "agrees" and many["blind"].verdict.startswith("no better than")
    turned = hh.agreement(table, votes, draws=40, combine=False, lower_is_better=["one"])
    assert turned["one"].verdict == "contradicts"
    decided = votes[votes.winner != "tie"]
    once = decided[decided.prompt == decided.prompt.iloc[0]].head(4)
    tie = votes[votes.prompt == "p9"].head(1).assign(winner="tie")
    few = hh.agreement(table, pd.concat([once, tie]), draws=40, combine=False)
    assert few["one"].accuracy == 1 and few["one"].verdict == "too little to tell"
    assert np.isnan(few["one"].accuracy_low) and np.isnan(few["one"].spearman_high)
    # Many votes on two prompts are as good as two.
    often = pd.concat([decided[decided.prompt.isin(["p1", "p2"])]] * 20)
    assert hh.agreement(table, often, draws=40, combine=False)["one"].verdict == few["one"].verdict
    assert set(few.to_frame().query("metric == 'one'")["verdict"]) == {"too little to tell"}


def test_what_was_found_can_be_read_and_names_are_text():
    table, _, quality = world(noise=0.0)
    table = table.rename(columns={"blind": "<script>alert(1)</script>"})
    found = hh.agreement(table, votes_of(table, quality), draws=40, combine=False)
    assert "one: agrees (same choice 100%" in str(found)
    assert str(found).startswith(f"3 metrics against {found.n_judgements} votes: 2 agrees; ")
    html = found._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "100%" in html


def test_which_side_was_left_does_not_matter():
    table, _, quality = world(n_prompts=12)
    votes = votes_of(table, quality)
    other = votes.rename(columns={"model_a": "model_b", "model_b": "model_a"})
    other["winner"] = other.winner.map({"a": "b", "b": "a", "tie": "tie"})
    one, two = (hh.agreement(table, v, draws=20, combine=False) for v in (votes, other))
    assert one.rows == two.rows


def test_direction_turns_signs_and_nothing_else():
    table, ratings, _ = world(n_prompts=8)
    up = hh.agreement(table, ratings, draws=20, combine=False)
    table["one"] = -table["one"]
    down = hh.agreement(table, ratings, draws=20, combine=False, lower_is_better=["one"])
    assert up.rows == down.rows


def test_what_a_metric_cannot_tell_is_left_out_and_told():
    table, ratings, _ = world(n_prompts=12)
    table.loc[::4, "one"] = np.nan
    table["two"] = table["two"].where(table.index != 3)
    found = hh.agreement(table, ratings, draws=20)
    assert found["one"].coverage_percent == 75 and found["one"].n_items == 36
    assert found["blind"].coverage_percent == 100
    assert found["(combination)"].n_items == 48
    table["one"] = np.nan
    nothing = hh.agreement(table, ratings, draws=20, combine=False)
    assert np.isnan(nothing["one"].spearman) and nothing["one"].coverage_percent == 0


def test_hhlabs_own_tables_bring_their_directions():
    table, ratings, _ = world(n_prompts=8)
    long = table.melt(["prompt", "model"], ["one", "two"], "metric", "value")
    long["measure"] = "m"
    long["direction"] = np.where(long.metric == "one", "lower", "higher")
    found = hh.agreement(long, ratings, draws=20, combine=False)
    assert found["one.m"].spearman < 0 < found["two.m"].spearman


def test_the_same_seed_gives_the_same_answer_and_clips_may_be_named():
    table, ratings, _ = world(n_prompts=12)
    table["clip"] = ratings["clip"] = [f"{k}.mp4" for k in range(len(table))]
    one, two = (hh.agreement(table, ratings, draws=20, seed=3) for _ in range(2))
    assert one == two
    mixed = hh.agreement(table.sample(frac=1, random_state=1), ratings, draws=20, seed=3)
    assert mixed.rows[:4] == one.rows[:4]


def test_metrics_that_double_each_other_are_told():
    table, _, _ = world()
    table["one again"] = np.exp(table["one"])
    table["one turned"] = -table["one"]
    found = hh.redundancy(table)
    assert {frozenset(pair[:2]) for pair in found.pairs} == {
        frozenset(p) for p in (("one", "one again"), ("one", "one turned"),
                               ("one again", "one turned"))}  # fmt: skip
    assert found.to_frame().loc["one", "one turned"] == pytest.approx(-1)
    found = hh.redundancy(table.assign(few=[*range(4), *[np.nan] * (len(table) - 4)]))
    assert np.isnan(found.to_frame().loc["few", "one"])


# --- hostile input --------------------------------------------------------------------------------
def damaged(change):
    table, ratings, _ = world(n_prompts=3)
    return change(table, ratings)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda t, r: (t.to_dict(), r), BadArgument),
        (lambda t, r: (t.drop(columns=["prompt", "model"]), r), BadArgument),
        (lambda t, r: (t[["prompt", "model"]], r), BadArgument),
        (lambda t, r: (pd.concat([t, t]), r), BadArgument),
        (lambda t, r: (t.assign(one=np.inf), r), BadArgument),
        (lambda t, r: (t, r.assign(rating="good")), BadArgument),
        (lambda t, r: (t, r.assign(rating=np.inf)), BadArgument),
        (lambda t, r: (t, r.assign(rating=np.nan)), NothingInCommon),
        (lambda t, r: (t, r.drop(columns="model")), BadArgument),
        (lambda t, r: (t, r.assign(prompt="other")), NothingInCommon),
        (lambda t, r: (t, r[r.prompt == "p0"]), TooFew),
        (lambda t, r: (t, r.drop(columns="rating")), HhlabError),
        (lambda t, r: (t, r.assign(dimension=["a", "b"] * 6)), BadArgument),
        (lambda t, r: (t, {}), HhlabError),
        (lambda t, r: (t, pd.DataFrame({"model_a": ["m0"], "model_b": ["m1"], "winner": ["a"]})),
         BadArgument),
        (lambda t, r: (t, pd.DataFrame({"model_a": ["x"], "model_b": ["y"], "winner": ["a"],
                                        "prompt": ["p0"]})), NothingInCommon),
    ],
)  # fmt: skip
def test_odd_tables_get_named_errors(change, error):
    with pytest.raises(error):
        hh.agreement(*damaged(change), draws=20)


@pytest.mark.parametrize(
    "options",
    [{"draws": 3}, {"metrics": "one"}, {"metrics": ["none"]}, {"metrics": []},
     {"lower_is_better": ["none"]}, {"dimension": "motion"}],
)  # fmt: skip
def test_odd_options_get_named_errors(options):
    table, ratings, _ = world(n_prompts=3)
    with pytest.raises(BadArgument):
        hh.agreement(table, ratings, **options)


def test_a_repetition_is_named_and_a_studys_table_is_known():
    table, ratings, _ = world(n_prompts=3)
    long = table.melt(["prompt", "model"], ["one", "two"], "metric", "value")
    again = pd.concat([long, long[(long["prompt"] == "p1") & (long["model"] == "m2")]])
    with pytest.raises(BadArgument, match="2 repetitions, such as prompt p1, model m2, metric one"):
        hh.agreement(again, ratings, draws=20)
    study = long.rename(columns={"prompt": "shot", "model": "contender"}).assign(seed=0)
    with pytest.raises(BadArgument, match=r"study\.agreement\(\)"):
        hh.agreement(study, ratings, draws=20)


# --- figures --------------------------------------------------------------------------------------
def test_figures_hold_the_numbers_and_show_names_as_text():
    table, ratings, _ = world(n_prompts=12)
    table = table.rename(columns={"blind": "<script>alert(1)</script>"})
    found = hh.agreement(table, ratings, draws=20)
    figure = hh.plots.agreement(found)
    names = [name.strip() for name in figure.layout.yaxis.ticktext]
    assert names[:1] == [max(("one", "two", "(combination)"), key=lambda m: found[m].spearman)]
    assert "<script>" not in figure.to_json().replace("\\u003c", "<")
    pooled = figure.data[0]
    assert list(pooled.x) == sorted(pooled.x, reverse=True) and pooled.name == "pooled"
    curve = hh.plots.learning_curve(found)
    assert list(curve.data[1].y) == [point.combined for point in found.curve]
    heat = hh.plots.redundancy(hh.redundancy(table))
    assert heat.data[0].z.shape == (3, 3)
    for odd in (lambda: hh.plots.agreement(found, statistic="r"), lambda: hh.plots.redundancy(3),
                lambda: hh.plots.agreement(found, scopes=("none",)),
                lambda: hh.plots.learning_curve(pd.DataFrame({"x": []}))):  # fmt: skip
        with pytest.raises(BadArgument):
            odd()
