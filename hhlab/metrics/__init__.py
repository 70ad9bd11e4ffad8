"""The measuring itself: functions on arrays, one module a metric or a room of its own.

No files, no models loaded, no globals: :mod:`hhlab.tasks` says how each takes part in the pass over
a clip, :mod:`hhlab.toolbox` loads the networks.
"""
