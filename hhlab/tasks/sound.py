"""Metrics that listen: lip sync, speech, and sound and picture beyond lips."""

from __future__ import annotations

from dataclasses import replace

from hhlab.context import Context
from hhlab.observe import Pass
from hhlab.tasks.task import Task
from hhlab.toolbox import LONG_S
from hhlab.types import Score, undetermined

SPEECH_HZ = 16_000


def lip_sync(context: Context) -> Task | Score:
    from hhlab.metrics.lip_sync import METRIC, VERSION
    from hhlab.metrics.lip_sync import lip_sync as sync
    from hhlab.metrics.lip_sync.load import croppers_for

    info = context.clip.info
    if not info.has_audio:
        return undetermined(METRIC, VERSION, "the clip has no sound")

    def finish(seen: Pass) -> Score:
        # Loaded only now: the network's library is large, and so is what decoding needs.
        estimators = context.toolbox.sync_estimators_for(info.duration_s)
        audio = context.clip.audio(sample_rate=SPEECH_HZ, mono=True)
        chosen = context.wanted_face(seen)
        if chosen is None:
            result = sync(seen.tracks, audio, estimators)
            return replace(result, subject=context.with_excuse(result.subject)).to_score()
        wanted, which = chosen
        result = sync([wanted] if wanted else [], audio, estimators)
        return replace(result, subject=which).to_score()

    croppers = {**croppers_for(info.duration_s), **context.look_croppers}
    return Task(finish, croppers=croppers, needs_faces=True)


def speech(context: Context) -> Task | Score:
    from hhlab.metrics.speech import METRIC, VERSION, asked_words, measure_speech
    from hhlab.readout.listener import listener_for

    if not context.clip.info.has_audio:
        return undetermined(METRIC, VERSION, "the clip has no sound")

    def finish(seen: Pass) -> Score:
        ear, info = context.toolbox.ear, context.clip.info
        asked = asked_words(context.prompt)
        # All samples of a long clip would take half a gigabyte.
        long = info.duration_s > LONG_S
        result = measure_speech(
            context.clip.audio(sample_rate=SPEECH_HZ if long else None), asked,
            detector=ear("detector"), judge=ear("judge"),
            listener=listener_for(info, asked) or ear("recogniser"),
        )  # fmt: skip
        return (result.without_peaks(LONG_S) if long else result).to_score()

    return Task(finish)


def sound_picture(context: Context) -> Task | Score:
    from hhlab.metrics.sound_picture import METRIC, VERSION, EventCurve, match
    from hhlab.metrics.sound_picture_onsets import onsets_of

    if not context.clip.info.has_audio:
        return undetermined(METRIC, VERSION, "the clip has no sound")
    curve = EventCurve(context.flow)

    def finish(seen: Pass) -> Score:
        audio = context.clip.audio(sample_rate=SPEECH_HZ, mono=True)
        onsets = onsets_of(audio.mono, sample_rate=SPEECH_HZ, start_s=audio.start_s)
        span_s = (max(seen.first_s, audio.start_s),
                  min(seen.last_s, audio.start_s + audio.duration_s))  # fmt: skip
        return match(*curve.curve(), onsets, span_s=span_s).to_score()

    return Task(finish, curve.see)
