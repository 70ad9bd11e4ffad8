"""Veo, through Google's SDK, ``google-genai``, and its enterprise platform (once Vertex AI).

The SDK offers video there only; the key is one of that platform (``GOOGLE_API_KEY``), or the
machine is logged in and ``GOOGLE_CLOUD_PROJECT`` names the project. The clip comes inside the
answer. Veo lists no tasks: where the answer to a request that starts one is lost, nobody can tell
whether it was, and it is not sent again (:class:`~hhlab.errors.UnknownOutcome`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from google import genai
from google.auth.exceptions import GoogleAuthError
from google.genai import types
from google.genai.errors import APIError

from hhlab import errors
from hhlab.errors import BadAnswer, ConnectionLost, DownloadDamaged, GeneratorError, UnknownOutcome
from hhlab.generate.contenders import Contender
from hhlab.generate.endpoint import address_of, has_dropped
from hhlab.generate.hosted import Hosted, only, picture_file
from hhlab.generate.order import Look, Order, Trace
from hhlab.generate.prices import clip_usd
from hhlab.generate.protocol import UnsupportedShot
from hhlab.generate.secrets import Secret, from_environment
from hhlab.generate.setting import Setting
from hhlab.types import Shot

PROJECT = "GOOGLE_CLOUD_PROJECT"
_USED = {
    "text-to-video": (), "image-to-video": ("first_frame",),
    "reference-to-video": ("references",),
}  # fmt: skip
_REFUSED = ("support codes", "usage guidelines", "responsible ai", "safety")
_BY_STATUS = {
    "UNAUTHENTICATED": "BadKey", "PERMISSION_DENIED": "BadKey", "NOT_FOUND": "RequestRefused",
    "INVALID_ARGUMENT": "RequestRefused", "FAILED_PRECONDITION": "RequestRefused",
    "OUT_OF_RANGE": "RequestRefused", "UNIMPLEMENTED": "RequestRefused",
    "RESOURCE_EXHAUSTED": "RateLimited", "INTERNAL": "ServerFault", "UNAVAILABLE": "ServerFault",
    "UNKNOWN": "ServerFault", "DEADLINE_EXCEEDED": "ServerFault", "ABORTED": "ServerFault",
    "CANCELLED": "ServerFault",
}  # fmt: skip
_STATUS = {3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 7: "PERMISSION_DENIED",
           8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 10: "ABORTED", 13: "INTERNAL",
           14: "UNAVAILABLE", 16: "UNAUTHENTICATED"}  # fmt: skip  # google.rpc.Code
_NOT_TAKEN = {"INTERNAL", "UNAVAILABLE"}  # said in the service's own words, no task was made


def make(contender: Contender, setting: Setting) -> Hosted:
    """The generator of a contender; raises KeyMissing or BadKey."""
    project = os.environ.get(PROJECT, "").strip()
    names = [name for name in contender.keys if name != PROJECT]
    key = None if project else from_environment(names, who=contender.name)
    return Hosted(contender, setting, Veo(contender, setting, key, project), order_of)


def order_of(contender: Contender, setting: Setting, shot: Shot) -> Order:
    """What is sent for a shot, and its price. Raises :class:`UnsupportedShot`."""
    name, mode, known = contender.name, shot.mode, contender.options
    only(shot, name, *_USED[mode])
    size = shot.size_px or contender.limits.sizes_px[0]
    seconds = shot.seconds or contender.limits.default_seconds
    upright = size[0] < size[1]
    if mode == "reference-to-video" and (upright or seconds != known["reference_seconds"]):
        raise UnsupportedShot(
            f"{name}: {mode}", expected=f"16:9 and {known['reference_seconds']} s",
            found="{}x{} and {:g} s".format(*size, seconds),
        )  # fmt: skip
    sent = {
        "duration_seconds": int(seconds), "aspect_ratio": "9:16" if upright else "16:9",
        "resolution": f"{min(size)}p", "seed": shot.seed, "generate_audio": True,
        "number_of_videos": 1,
    }  # fmt: skip
    if shot.negative_prompt:
        sent["negative_prompt"] = shot.negative_prompt
    media = [picture_file(p, "asset", setting.folder) for p in shot.references]
    if shot.first_frame is not None:
        media.append(picture_file(shot.first_frame, "first_frame", setting.folder))
    usd = clip_usd(name, mode=mode, size_px=size, seconds=seconds)
    return Order(name, contender.models[mode], shot.prompt, sent, tuple(media), usd)


class Veo:
    """The service; see :class:`hhlab.generate.order.Service`."""

    failed_is_free = False  # that a failed task costs nothing is not published
    lists = False

    def __init__(
        self, contender: Contender, setting: Setting, key: Secret | None, project: str
    ) -> None:
        self._who, self._hide = contender.name, key.hide if key else str
        self.kept_s = contender.options["kept_hours"] * 3600.0
        self._clips: dict[str, bytes] = {}
        # The SDK tries once unless told otherwise; a request that starts a task must not be
        # repeated behind our back.
        options = types.HttpOptions(
            base_url=address_of(setting, "GOOGLE_VERTEX_BASE_URL"),
            timeout=int(setting.patience.answer_s * 1000),
        )
        given = {"api_key": key.reveal()} if key else {"project": project, "location": "global"}
        self._client = self._guarded(
            lambda: genai.Client(vertexai=True, http_options=options, **given)
        )

    def prepare(self, order: Order) -> dict[str, Any]:
        """The order's pictures, which travel inside the request."""
        kinds = {".png": "image/png", ".webp": "image/webp"}
        pictures = [
            (m.role, types.Image(
                image_bytes=m.path.read_bytes(), mime_type=kinds.get(m.path.suffix, "image/jpeg")
            ))
            for m in order.media
        ]  # fmt: skip
        assets = [
            types.VideoGenerationReferenceImage(image=image, reference_type="ASSET")
            for role, image in pictures if role == "asset"
        ]  # fmt: skip
        first = [image for role, image in pictures if role == "first_frame"]
        return {"image": first[0] if first else None, "assets": assets or None}

    def start(self, order: Order, prepared: dict[str, Any]) -> str:
        """One request, whatever becomes of it."""
        source = types.GenerateVideosSource(prompt=order.prompt or None, image=prepared["image"])
        config = types.GenerateVideosConfig(reference_images=prepared["assets"], **order.parameters)
        said = self._guarded(
            lambda: self._client.models.generate_videos(
                model=order.model, source=source, config=config
            ),
            starts=True,
        )
        if not (isinstance(said.name, str) and "/operations/" in said.name):
            raise BadAnswer(self._who, expected="the name of an operation", found=repr(said.name))
        return said.name

    def look(self, task: str) -> Look:
        asked = types.GenerateVideosOperation(name=task)
        try:
            said = self._guarded(lambda: self._client.operations.get(asked))
        except errors.RequestRefused as error:
            if "NOT_FOUND" in error.found:
                return Look("gone")
            raise
        if not said.done:
            return Look("running")
        if said.error:
            code = said.error.get("code")
            return Look("failed", error=self._named(_STATUS.get(code, str(code)),
                                                    said.error.get("message")))  # fmt: skip
        made = said.response
        reasons = list((made and made.rai_media_filtered_reasons) or ())
        video = made.generated_videos[0].video if made and made.generated_videos else None
        if video is None and made and (reasons or made.rai_media_filtered_count):
            found = "; ".join(reasons) or "filtered"
            refused = errors.ContentRefused(self._who, expected="a clip", found=found[:300])
            return Look("failed", error=refused)
        if video is None or not video.video_bytes:
            raise BadAnswer(self._who, expected="a clip inside the answer", found="none")
        self._clips[task] = video.video_bytes
        facts = {"prompt_rewriting": None, "service": {"mime_type": video.mime_type}}
        return Look("done", url=task, facts=facts)

    def find(self, order: Order, *, sent_s: float, known: Mapping[str, float]) -> list[Trace]:
        raise UnknownOutcome(
            self._who, expected="a service that lists its tasks (hhlab paid settles it by hand)",
            found="a request whose answer was lost, and that may have been taken and charged",
        )  # fmt: skip

    def cancel(self, task: str) -> None:
        raise errors.RequestRefused(self._who, expected="to stop a task", found="no way to say so")

    def download(self, look: Look, path: Path) -> None:
        """Write the clip that came inside the answer."""
        data = self._clips.pop(look.url, b"")
        if not data:
            raise DownloadDamaged(self._who, expected="a clip", found="0 bytes")
        path.write_bytes(data)

    # --- what goes wrong ------------------------------------------------------------------------
    def _guarded(self, call: Callable[[], Any], *, starts: bool = False) -> Any:
        """Whatever the SDK raises, as a named error without the key; nothing else is chained."""
        try:
            return call()
        except APIError as error:
            failed = self._of_answer(error, starts)
        except GoogleAuthError as error:
            failed = errors.BadKey(
                self._who, expected="gcloud auth application-default login, or GOOGLE_API_KEY",
                found=type(error).__name__,
            )  # fmt: skip
        except Exception as error:  # of one of two HTTP packages, pydantic, or json
            if has_dropped(error):
                failed = ConnectionLost(self._who, expected="an answer", found=type(error).__name__)
            else:
                found = f"{type(error).__name__}: {self._hide(error)[:200]}"
                failed = BadAnswer(self._who, expected="an answer of the known form", found=found)
        raise failed from None

    def _of_answer(self, error: Any, starts: bool) -> GeneratorError:
        """The named error of an HTTP status; who answers in another form is not the service."""
        own = isinstance(error.details, dict) and isinstance(error.details.get("error"), dict)
        if own and starts and error.status in _NOT_TAKEN:
            found = self._hide(f"{error.status}: {error.message}")[:300]
            return errors.NotTaken(self._who, expected="a task", found=found)
        if own and error.status in _BY_STATUS:
            return self._named(error.status, error.message)
        status = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
                  429: "RESOURCE_EXHAUSTED"}.get(error.code)  # fmt: skip
        status = status or ("UNKNOWN" if error.code >= 500 or error.code == 408 else "OUT_OF_RANGE")
        return self._named(status, f"HTTP {error.code}")

    def _named(self, status: str, message: object) -> GeneratorError:
        """The named error of a status of google.rpc and its words."""
        found = self._hide(f"{status}: {message or ''}")[:300]
        kind = _BY_STATUS.get(status, "TaskFailed")
        if kind == "RequestRefused" and any(part in found.lower() for part in _REFUSED):
            kind = "ContentRefused"
        return getattr(errors, kind)(self._who, expected="a clip", found=found)
