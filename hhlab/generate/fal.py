"""Models that fal hosts, through its SDK, ``fal-client``, and its queue.

What a model calls its fields is data (``options.fields`` of the contender). The SDK would send a
request that starts a task again when the connection drops; here every request is sent once, by a
transport of our own, and what may be repeated is repeated where money is watched. The queue lists
no requests, so that one whose answer was lost is :class:`~hhlab.errors.UnknownOutcome`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fal_client
import httpx

from hhlab import errors
from hhlab.errors import BadAnswer, ConnectionLost, GeneratorError, UnknownOutcome
from hhlab.generate.contenders import Contender
from hhlab.generate.download import download
from hhlab.generate.endpoint import address_of
from hhlab.generate.hosted import Hosted, only, picture_file
from hhlab.generate.order import Look, Order, Trace
from hhlab.generate.prices import clip_usd
from hhlab.generate.secrets import Secret, from_environment
from hhlab.generate.setting import Setting
from hhlab.types import Shot

_USED = {
    "text-to-video": (), "image-to-video": ("first_frame",),
    "reference-to-video": ("references",),
}  # fmt: skip
_BY_STATUS = {401: "BadKey", 403: "BadKey", 402: "QuotaExhausted", 408: "ServerFault",
              429: "RateLimited"}  # fmt: skip


def make(contender: Contender, setting: Setting) -> Hosted:
    """The generator of a contender; raises KeyMissing or BadKey."""
    key = from_environment(contender.keys, who=contender.name)
    return Hosted(contender, setting, Fal(contender, setting, key), order_of)


def order_of(contender: Contender, setting: Setting, shot: Shot) -> Order:
    """What is sent for a shot, and its price. Raises :class:`UnsupportedShot`."""
    name, mode, limits, known = contender.name, shot.mode, contender.limits, contender.options
    only(shot, name, *_USED[mode])
    size = shot.size_px or limits.sizes_px[0]
    seconds = shot.seconds or limits.default_seconds
    values = {
        "seconds": int(seconds), "resolution": f"{min(size)}p", "seed": shot.seed,
        "ratio": None if mode == "image-to-video" else "9:16" if size[0] < size[1] else "16:9",
    }  # fmt: skip
    fields = known["fields"]
    sent = {fields[k]: v for k, v in values.items() if k in fields and v is not None}
    prompt = re.sub(r"\[Image (\d+)\]", known.get("reference_word", r"[Image \1]"), shot.prompt)
    media = [picture_file(p, fields["references"], setting.folder) for p in shot.references]
    if shot.first_frame is not None:
        media.append(picture_file(shot.first_frame, fields["first_frame"], setting.folder))
    usd = clip_usd(name, mode=mode, size_px=size, seconds=seconds)
    sent |= known.get("fixed", {})
    return Order(name, contender.models[mode], prompt, sent, tuple(media), usd)


class Fal:
    """The service; see :class:`hhlab.generate.order.Service`. A task is ``model#request``."""

    failed_is_free = False  # which failures are charged is not published
    lists = False

    def __init__(self, contender: Contender, setting: Setting, key: Secret) -> None:
        self._who, self._options = contender.name, contender.options
        self._completed: set[str] = set()
        self.kept_s = contender.options["kept_hours"] * 3600.0
        self._client = fal_client.SyncClient(key.reveal(), setting.patience.answer_s)
        # Where the SDK keeps its own, which repeats requests (a cached property).
        self._client.__dict__["_client"] = httpx.Client(
            transport=_Once(contender.name, key, address_of(setting)),
            headers={"Authorization": f"Key {key.reveal()}"}, timeout=setting.patience.answer_s,
        )  # fmt: skip

    def prepare(self, order: Order) -> dict[str, Any]:
        """The order's pictures, which travel inside the request: nobody else can see them."""
        files: dict[str, Any] = {}
        for item in order.media:
            files.setdefault(item.role, []).append(fal_client.encode_file(item.path))
        many = self._options["fields"].get("references")
        return {k: v if k == many else v[0] for k, v in files.items()}

    def start(self, order: Order, prepared: dict[str, Any]) -> str:
        """One request, whatever becomes of it."""
        arguments = {"prompt": order.prompt, **order.parameters, **prepared}
        made = self._guarded(lambda: self._client.submit(order.model, arguments))
        return f"{order.model}#{made.request_id}"

    def look(self, task: str) -> Look:
        model, _, request = task.rpartition("#")
        handle = self._client.get_handle(model, request)
        try:
            if task not in self._completed:
                said = self._guarded(handle.status)
                if not isinstance(said, fal_client.Completed):
                    return Look("waiting" if isinstance(said, fal_client.Queued) else "running")
                if said.error:
                    return Look("failed", error=named(self._who, 500, said.error_type, said.error))
                self._completed.add(task)
            made = self._guarded(lambda: handle.client.get(handle.response_url).json())
        except errors.TaskExpired:
            return Look("gone")
        except (errors.ContentRefused, errors.RequestRefused) as error:
            return Look("failed", error=error)
        url = self._guarded(lambda: made[self._options.get("result", "video")]["url"])
        facts = {"prompt_rewriting": None, "service": {"seed": made.get("seed")}}
        return Look("done", url=url, facts=facts)

    def find(self, order: Order, *, sent_s: float, known: Mapping[str, float]) -> list[Trace]:
        raise UnknownOutcome(
            self._who, expected="a service that lists its tasks (hhlab paid settles it by hand)",
            found="a request whose answer was lost, and that may have been taken and charged",
        )  # fmt: skip

    def cancel(self, task: str) -> None:
        model, _, request = task.rpartition("#")
        self._guarded(lambda: self._client.cancel(model, request))

    def download(self, look: Look, path: Path) -> None:
        download(look.url, path, who=self._who)

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """The SDK's answer; what it cannot make sense of is a BadAnswer."""
        try:
            return call()
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            found = f"{type(error).__name__}: {error}"[:200]
        raise BadAnswer(self._who, expected="an answer of the known form", found=found)


class _Once(httpx.BaseTransport):
    """Sends a request once, and makes named errors of whatever is not an answer."""

    def __init__(self, who: str, key: Secret, address: str | None) -> None:
        self._who, self._key = who, key
        self._address = None if address is None else httpx.URL(address)
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._address is not None:
            to = self._address
            request.url = request.url.copy_with(scheme=to.scheme, host=to.host, port=to.port)
        try:
            answer = self._inner.handle_request(request)
            answer.read()
        except httpx.HTTPError as error:
            failed: GeneratorError = ConnectionLost(
                self._who, expected="an answer", found=type(error).__name__
            )
        else:
            if answer.is_success:
                return answer
            failed = self._of_answer(request, answer)
        raise failed from None

    def _of_answer(self, request: httpx.Request, answer: httpx.Response) -> GeneratorError:
        try:
            said = answer.json()
        except ValueError:
            said = None
        own = isinstance(said, dict) and "detail" in said
        status, gate = answer.status_code, "nginx" in answer.text  # which it never passed
        found = self._key.hide(said["detail"] if own else f"HTTP {status}")[:300]
        if request.method == "POST" and status in (500, 502, 503, 504) and (own or gate):
            return errors.NotTaken(self._who, expected="a task", found=found)
        if status == 404 and request.method != "POST":
            return errors.TaskExpired(self._who, expected="a request that is kept", found=found)
        kind = said.get("error_type") if own else None
        return named(self._who, status, kind or answer.headers.get("x-fal-error-type"), found)


def named(who: str, status: int, kind: object, words: object) -> GeneratorError:
    """The named error of a status, fal's own type of error, and its words."""
    found = f"{kind or status}: {words}"[:300]
    if "content_policy" in found:
        return errors.ContentRefused(who, expected="a clip", found=found)
    if status == 403 and "balance" in found.lower():
        return errors.QuotaExhausted(who, expected="a clip", found=found)
    fallback = "ServerFault" if status >= 500 else "RequestRefused"
    return getattr(errors, _BY_STATUS.get(status, fallback))(who, expected="a clip", found=found)
