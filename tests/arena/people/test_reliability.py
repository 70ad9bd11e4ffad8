from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import logsumexp

import hhlab as hh
from hhlab.arena.errors import MissingColumn, NoVotes, UnknownName
from hhlab.arena.people.crowd_bt import GRID, crowd_bt
from hhlab.arena.votes import Labels
from tests.arena.crowd import POINTS, crowd, relabelled, swapped

MIXED = np.repeat([0.5, 0.05, 1.0], [18, 6, 36])  # of 60 voters


def test_who_can_be_relied_on_is_found():
    better, right = [], []
    for seed in range(8):
        truth, votes = crowd(seed, reliability=MIXED)
        found = hh.arena.rater_reliability(votes)
        good = found.reliability[truth.reliability == 1]
        bad = found.reliability[truth.reliability < 1]
        better.append(np.mean(good[:, None] > bad[None, :]))
        right.append(np.mean((found.low <= truth.reliability + 1e-9)
                             & (found.high >= truth.reliability - 1e-9)))  # fmt: skip
    assert np.mean(better) > 0.96  # measured over 60 crowds: .986
    assert np.mean(right) > 0.9  # measured: .96


def test_scores_come_closer_to_the_truth():
    plain, ours, weighed = [], [], []
    for seed in range(8):
        truth, votes = crowd(seed, reliability=MIXED, ties=0.0)

        def off(score, truth=truth):
            """Shape only: a crowd of doubtful voters also draws all scores together."""
            score = score - score.mean()
            return np.mean((score * (score @ truth.score) / (score @ score) - truth.score) ** 2)

        found = hh.arena.rater_reliability(votes)
        ours.append(off(found.score))
        plain.append(off(hh.arena.fit(votes).score))
        weighed.append(off(hh.arena.fit(found.weigh(votes)).score))
    assert np.mean(ours) < 0.6 * np.mean(plain)
    assert np.mean(weighed) < 0.7 * np.mean(plain)


def test_reliable_crowd_gives_the_plain_scores():
    _, votes = crowd(1, voters=40, each=300, ties=0.0)
    found = hh.arena.rater_reliability(votes)
    plain = hh.arena.fit(votes)
    assert found.score == pytest.approx(plain.score, abs=8)
    assert found.reliability.min() > 0.9
    assert found.population[GRID == 1.0] > 0.5


def test_intervals_of_scores_hold():
    hits = []
    for seed in range(12):
        truth, votes = crowd(seed, voters=100, each=40, reliability=np.repeat([0.5, 1.0], 50))
        found = hh.arena.rater_reliability(votes)
        score = 1000 + truth.score
        hits.append((found.score_low < score) & (score < found.score_high))
    assert np.mean(hits) > 0.86  # measured over 60 crowds each of several kinds: .92 to .96


def test_covariance_equals_one_by_finite_differences():
    """Sandwich of the likelihood with reliabilities summed over, differentiated by brute force."""
    rng = np.random.default_rng(0)
    i, j = np.array([0, 0, 1]), np.array([1, 2, 2])
    strength = np.array([0.9, 0.0, -0.9])
    eta = np.repeat([0.3, 0.6, 1.0], 14)
    p = 1 / (1 + np.exp(strength[j] - strength[i]))
    says = eta[:, None] * p + (1 - eta[:, None]) * (1 - p)
    won = rng.binomial(8, says)
    counts = np.concatenate([won, 8 - won], axis=1).astype(float)
    fit = crowd_bt(i, j, csr_array(counts), 3)

    def each(x):
        """(voters,) log-likelihood at strengths x[:3], log population x[3:]."""
        p = 1 / (1 + np.exp(x[j] - x[i]))[:, None]
        says = GRID * p + (1 - GRID) * (1 - p)
        log_says = np.concatenate([np.log(says), np.log(1 - says)])
        return logsumexp(counts @ log_says + x[3:] - logsumexp(x[3:]), axis=1)

    before = np.full(21, 1 / 21) + (GRID == 1)
    loose = (POINTS / 2000) ** 2

    def penalty(x):
        return before @ (x[3:] - logsumexp(x[3:])) - 0.5 * loose * (x[:3] @ x[:3])

    at = np.concatenate([fit.strength, np.log(fit.population)])
    step, size = 1e-4, np.eye(24)
    scores = np.array([(each(at + step * e) - each(at - step * e)) / (2 * step) for e in size]).T

    def total(x):
        return each(x).sum() + penalty(x)

    hessian = np.array([
        [(total(at + step * (e + f)) - total(at + step * (e - f)) - total(at - step * (e - f))
          + total(at - step * (e + f))) / (4 * step**2) for f in size] for e in size
    ])  # fmt: skip
    hessian[3:, 3:] -= 1.0  # the common factor of the population is nobody's business
    inverse = np.linalg.inv(-hessian)
    whole = inverse @ scores.T @ scores @ inverse * 42 / 41
    centre = np.eye(3) - 1 / 3
    assert fit.covariance == pytest.approx(centre @ whole[:3, :3] @ centre, rel=0.02, abs=1e-4)


def test_few_votes_say_little():
    _, votes = crowd(2, voters=30, each=100)
    # One more voter, with two votes against the strongest.
    best = int(hh.arena.fit(votes).score.argmax())
    worst = int(hh.arena.fit(votes).score.argmin())
    more = replace(
        votes,
        a=np.r_[votes.a, [best, best]], b=np.r_[votes.b, [worst, worst]],
        outcome=np.r_[votes.outcome, [1, 1]], prompt=None,
        voter=Labels((*votes.voter.names, "new"), np.r_[votes.voter.codes, [30, 30]]),
    )  # fmt: skip
    found = hh.arena.rater_reliability(more)
    assert found.voters[-1] == "new"
    assert found.high[-1] - found.low[-1] > 0.3
    assert found.high[:-1].mean() - found.low[:-1].mean() < 0.3


def test_neither_sides_nor_names_nor_ties_matter():
    _, votes = crowd(3, models=6, reliability=MIXED)
    first = hh.arena.rater_reliability(votes)
    turn = np.random.default_rng(0).random(len(votes)) < 0.5
    again = hh.arena.rater_reliability(swapped(votes, turn))
    assert again.reliability == pytest.approx(first.reliability, abs=1e-3)
    order = np.random.default_rng(1).permutation(6)
    moved = hh.arena.rater_reliability(relabelled(votes, order))
    assert moved.score[order] == pytest.approx(first.score, abs=0.5)
    sided = hh.arena.rater_reliability(votes.where(votes.outcome < 2))
    assert sided.reliability == pytest.approx(first.reliability, abs=1e-6)


def test_a_voter_who_only_tied_is_not_lost():
    _, votes = crowd(4)
    outcome = np.where(votes.voter.codes == 7, 2, votes.outcome)
    found = hh.arena.rater_reliability(replace(votes, outcome=outcome))
    place = found.voters.index("voter 007")
    assert found.voter_votes[place] == 0
    assert 0.5 < found.reliability[place] < 1
    assert np.isfinite(found.weigh(replace(votes, outcome=outcome)).weight).all()


def test_votes_without_a_name_are_one_voter():
    _, votes = crowd(5)
    codes = votes.voter.codes.copy()
    codes[codes == 3] = -1
    votes = replace(votes, voter=Labels(votes.voter.names, codes))
    found = hh.arena.rater_reliability(votes)
    assert found.voters[0] is None
    weight = found.weigh(votes).weight
    assert weight[codes == -1] == pytest.approx(max(0, 2 * found.reliability[0] - 1))


def test_a_model_that_only_won_has_no_score():
    _, votes = crowd(6)
    outcome = np.where(votes.a == 0, 0, np.where(votes.b == 0, 1, votes.outcome))
    found = hh.arena.rater_reliability(replace(votes, outcome=outcome))
    assert np.isnan(found.score[0]) and np.isfinite(found.score[1:]).all()
    assert np.ptp(found.score[1:]) < 6 * POINTS


def test_bad_input_is_named():
    _, votes = crowd(7, voters=10)
    with pytest.raises(MissingColumn, match="voter"):
        hh.arena.rater_reliability(replace(votes, voter=None))
    with pytest.raises(NoVotes):
        hh.arena.rater_reliability(replace(votes, outcome=np.full(len(votes), 3)))
    found = hh.arena.rater_reliability(votes)
    _, more = crowd(7, voters=11)
    with pytest.raises(UnknownName, match="voter 010"):
        found.weigh(more)
