from dataclasses import replace

import numpy as np
import pytest

import hhlab as hh
from hhlab.arena.errors import MissingColumn, NoVotes
from hhlab.arena.people.discoveries import false_discoveries
from hhlab.arena.votes import Labels
from hhlab.errors import BadArgument
from tests.arena.crowd import crowd


def earnest(seed, **options):
    """Votes of honest people who take about twenty seconds."""
    truth, votes = crowd(seed, **options)
    rng = np.random.default_rng(seed)
    return truth, replace(votes, took_s=rng.lognormal(3, 0.6, len(votes)))


def reasons(suspicion, voter):
    return {flag.reason for flag in suspicion.flags if flag.voter == voter}


def test_honest_people_are_left_alone():
    flagged = judged = 0
    for seed in range(10):
        _, votes = earnest(seed, voters=200, each=30, side_points=40)
        found = hh.arena.suspicious(votes)
        flagged += len(found.voters)
        judged += found.judged
    assert judged == 2000
    assert flagged <= 2


def test_each_kind_is_found_and_nobody_else():
    _, votes = earnest(1, voters=80, each=60)
    who = votes.voter.codes
    outcome, took_s = votes.outcome.copy(), votes.took_s.copy()
    took_s[who == 3] = 0.4
    outcome[who == 5] = 0
    outcome[who == 8] = 2
    strength = hh.arena.fit(votes).score
    mine = who == 13
    outcome[mine] = np.where(strength[votes.a] > strength[votes.b], 1, 0)[mine]
    prompt = votes.prompt.codes.copy()
    a, b = votes.a.copy(), votes.b.copy()
    a[who == 21], b[who == 21], prompt[who == 21] = 0, 1, 4  # one pair again and again
    for column in (a, b, prompt, outcome):  # 34 copies 33
        column[who == 34] = column[who == 33]
    votes = replace(votes, a=a, b=b, outcome=outcome, took_s=took_s,
                    prompt=Labels(votes.prompt.names, prompt))  # fmt: skip
    found = hh.arena.suspicious(votes)
    for number, reason in ((3, "too_fast"), (5, "one_side"), (8, "no_choice"),
                           (13, "against_everyone"), (21, "repeats"), (33, "twin"),
                           (34, "twin")):  # fmt: skip
        assert reason in reasons(found, f"voter {number:03}"), reason
    assert set(found.voters) == {f"voter {k:03}" for k in (3, 5, 8, 13, 21, 33, 34)}
    twin = next(flag for flag in found.flags if flag.voter == "voter 034")
    assert "voter 033" in twin.evidence
    table = found.to_frame()
    assert list(table) == ["voter", "reason", "evidence", "p_value"]
    assert len(table) == len(found.flags)


def test_left_is_not_suspicious_where_the_better_one_was_left():
    truth, votes = earnest(2, voters=60, each=150, spread_points=400, ties=0.0)
    better_left = truth.score[votes.a] > truth.score[votes.b]
    mine = votes.voter.codes == 4
    keep = ~mine | better_left  # voter 4 was shown the better one on the left each time
    votes = votes.where(keep)
    share = np.mean(votes.outcome[votes.voter.codes == 4] == 0)
    assert share > 0.85
    assert "one_side" not in reasons(hh.arena.suspicious(votes), "voter 004")


def test_two_who_mostly_agree_are_not_twins():
    _, votes = earnest(8, voters=40, each=120)
    a, b, prompt, outcome = votes.a.copy(), votes.b.copy(), votes.prompt.codes.copy(), votes.outcome
    outcome = outcome.copy()
    copied = np.random.default_rng(0).random(120) < 0.75
    for column in (a, b, prompt):
        column[votes.voter.codes == 2] = column[votes.voter.codes == 1]
    second, first = np.flatnonzero(votes.voter.codes == 2), np.flatnonzero(votes.voter.codes == 1)
    outcome[second[copied]] = outcome[first[copied]]
    votes = replace(votes, a=a, b=b, outcome=outcome, prompt=Labels(votes.prompt.names, prompt))
    assert "twin" not in reasons(hh.arena.suspicious(votes), "voter 002")


def test_times_between_votes_serve_where_nobody_measured():
    _, votes = earnest(3, voters=30, each=40)
    time_s = np.cumsum(np.where(votes.voter.codes == 6, 0.5, 25.0))
    votes = replace(votes, took_s=None, time_s=time_s)
    assert hh.arena.suspicious(votes).voters == ("voter 006",)
    assert hh.arena.suspicious(votes, fastest_s=0.1).voters == ()


def test_what_was_not_looked_at_is_said():
    _, votes = crowd(4)
    notes = hh.arena.suspicious(replace(votes, prompt=None)).notes
    assert any("too fast" in note for note in notes)
    assert any("twin" in note for note in notes)


def test_leaderboard_with_and_without():
    truth, votes = earnest(5, voters=40, each=100, ties=0.0)
    liar = votes.voter.codes < 8
    outcome = np.where(liar, (truth.score[votes.a] > truth.score[votes.b]).astype(int),
                       votes.outcome)  # fmt: skip
    votes = replace(votes, outcome=outcome)
    suspicion = hh.arena.suspicious(votes)
    table = hh.arena.with_and_without(votes, suspicion, interval="sandwich").set_index("model")
    score = dict(zip(votes.models, 1000 + truth.score, strict=True))
    off = table[["score", "score_without"]].sub([*map(score.get, table.index)], axis=0).abs().mean()
    assert set(suspicion.voters) == {f"voter {k:03}" for k in range(8)}
    assert off["score_without"] < 0.5 * off["score"]
    assert table["votes_without"].sum() == 2 * 32 * 100
    assert (table["change"] == table["score_without"] - table["score"]).all()


def test_nobody_flagged_changes_nothing():
    _, votes = earnest(6)
    suspicion = hh.arena.suspicious(votes)
    assert suspicion.voters == ()
    assert len(suspicion.without(votes)) == len(votes)
    assert len(suspicion.to_frame()) == 0


def test_benjamini_and_hochbergs_example():
    """The fifteen p values of their section 4.2: four are found at .05."""
    p = np.array([.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262,
                  .5719, .6528, .7590, 1.0])  # fmt: skip
    shuffled = np.random.default_rng(0).permutation(15)
    assert np.array_equal(np.sort(p[shuffled][false_discoveries(p[shuffled], 0.05)]), p[:4])
    assert not false_discoveries(np.array([np.nan, 0.9]), 0.05).any()
    assert not false_discoveries(np.zeros(0), 0.05).any()


def test_bad_input_is_named():
    _, votes = crowd(7)
    with pytest.raises(MissingColumn, match="voter"):
        hh.arena.suspicious(replace(votes, voter=None))
    unnamed = Labels(votes.voter.names, np.full(len(votes), -1))
    with pytest.raises(NoVotes):
        hh.arena.suspicious(replace(votes, voter=unnamed))
    for wrong in ({"fastest_s": -1}, {"fastest_s": float("nan")}, {"false_share": 1.0}):
        with pytest.raises(BadArgument):
            hh.arena.suspicious(votes, **wrong)
