"""A fast stand-in for an OpenAI-compatible server: ``python stub_server.py --latency 0.02 0.05 --capacity 64``.

Prints its address as the first line and ends when its standard input does. It answers every prompt with words that
follow from the prompt, serves at most ``capacity`` requests at once (the others wait, or with ``--reject`` get a 429),
and refuses for ever what holds a word given by ``--poison``. ``GET /stats`` tells what was asked and answered.
Under ``/mode/NAME+NAME/v1`` each prompt is answered in one of these modes (``server_modes.py``), drawn by its words.
Under ``/as/STATUS/WORDS/LIST/v1`` a model that is not there gets that status, with words (``said``) or without
(``silent``), and the list of models is ``data``, ``bare``, ``names``, ``empty``, or a status.
"""

import argparse
import asyncio
import collections
import hashlib
import json
import sys
import time
from typing import Any

from server_modes import answered, refused

MODEL = "stub"


class Stub:
    """What all connections share."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.low, self.high = args.latency
        self.capacity, self.reject, self.poison, self.key = args.capacity, args.reject, args.poison, args.key
        self.words, self.active, self.peak, self.requests, self.rejected = args.words, 0, 0, 0, 0
        self.waiting: collections.deque[tuple[Connection, dict[str, Any]]] = collections.deque()
        self.answered: collections.Counter[str] = collections.Counter()
        self.modes: collections.Counter[str] = collections.Counter()
        self.input_tokens = self.output_tokens = 0
        self.new = args.new

    def ask(self, connection: "Connection", body: dict[str, Any]) -> None:
        self.requests += 1
        if self.active < self.capacity:
            self.start(connection, body)
        elif self.reject:
            self.rejected += 1
            connection.send(429, error("rate limit reached"), b"Retry-After: 1\r\n")
        else:
            self.waiting.append((connection, body))

    def start(self, connection: "Connection", body: dict[str, Any]) -> None:
        self.active += 1
        self.peak = max(self.peak, self.active)
        prompt = "\n".join(message["content"] for message in body["messages"])
        digest = hashlib.blake2b(prompt.encode(), digest_size=8).hexdigest()
        delay = self.low + (self.high - self.low) * int(digest[:4], 16) / 65536
        asyncio.get_running_loop().call_later(delay, self.finish, connection, body, prompt, digest)

    def finish(self, connection: "Connection", body: dict[str, Any], prompt: str, digest: str) -> None:
        self.active -= 1
        if self.waiting:
            self.start(*self.waiting.popleft())
        if self.poison and self.poison in prompt:
            connection.send(400, error("this prompt cannot be answered"))
            return
        words = reworded(prompt, digest)[: self.words]
        limit = body.get("max_tokens") or body.get("max_completion_tokens") or 10**9
        usage = {"prompt_tokens": len(prompt.split()) + 4, "completion_tokens": min(len(words) + 1, limit)}
        usage["total_tokens"] = sum(usage.values())
        self.answered[digest] += 1
        self.input_tokens += usage["prompt_tokens"]
        self.output_tokens += usage["completion_tokens"]
        finish = "length" if len(words) + 1 > limit else "stop"
        message = {"role": "assistant", "content": " ".join(words[:limit])}
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        reply = {
            "id": f"chatcmpl-{digest}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": MODEL,
            "choices": [choice],
            "usage": usage,
        }
        self.modes[connection.mode] += 1
        connection.send(*answered(connection.mode, reply, connection.key))

    def stats(self) -> bytes:
        counts = {
            "requests": self.requests,
            "rejected": self.rejected,
            "answered": sum(self.answered.values()),
            "distinct": len(self.answered),
            "peak": self.peak,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "modes": self.modes,
        }
        return json.dumps(counts).encode()


def reworded(prompt: str, digest: str) -> list[str]:
    """The words of the longest line, most of them in other places, and a mark of the prompt."""
    words = max(prompt.splitlines(), key=len).split()
    return [digest, *(words[i + 1 - 2 * (i % 2)] if i + 1 < len(words) else words[i] for i in range(len(words)))]


def error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()


class Connection(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, as little of it as a client needs."""

    def __init__(self, stub: Stub) -> None:
        self.stub, self.buffer, self.mode, self.key = stub, b"", "", ""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1")
            lowered = head.lower()
            at = lowered.find("content-length:")
            length = int(lowered[at + 15 :].split("\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            self.answer(head, lowered, body)

    def answer(self, head: str, lowered: str, body: bytes) -> None:
        method, path, _ = head.split("\r\n", 1)[0].split(" ")
        status, words, listing = "404", "said", "data"
        if path.startswith("/as/"):
            _, _, status, words, listing, rest = path.split("/", 5)
            path = f"/{rest}"
        names = [""]
        if path.startswith("/mode/"):
            _, _, listed, rest = path.split("/", 3)
            names, path = listed.split("+"), f"/{rest}"
        self.key = next((line[22:].strip() for line in head.split("\r\n") if line[:14].lower() == "authorization:"), "")
        if path == "/stats":
            self.send(200, self.stub.stats())
        elif self.stub.key and f"authorization: bearer {self.stub.key.lower()}" not in lowered:
            self.send(401, error(f"Incorrect API key provided in {lowered.splitlines()[-1]}"))
        elif path == "/v1/models":
            self.models(listing)
        elif method == "POST" and path == "/v1/chat/completions":
            asked = json.loads(body)
            drawn = hashlib.blake2b("".join(each["content"] for each in asked["messages"]).encode(), digest_size=4)
            self.mode = names[int.from_bytes(drawn.digest(), "big") % len(names)]
            if said := refused(self.mode, asked, self.key):
                self.send(*said)
                return
            if self.stub.new and "max_tokens" in asked:
                self.send(400, error("Unsupported parameter: use 'max_completion_tokens' instead"))
            elif asked["model"] != MODEL:
                missing = error(f"the model {asked['model']} does not exist")
                self.send(int(status), b"" if words == "silent" else missing)
            else:
                self.stub.ask(self, asked)
        else:
            self.send(404, error("no such page"))

    def models(self, listing: str) -> None:
        models = [{"id": MODEL, "object": "model", "created": 0, "owned_by": "nobody"}]
        if listing.isdecimal():
            self.send(int(listing), error("no list"))
        else:
            forms = {
                "data": {"object": "list", "data": models},
                "bare": models,
                "names": [MODEL],
                "empty": {"data": []},
            }
            self.send(200, json.dumps(forms[listing]).encode())

    def send(self, status: int, body: bytes, headers: bytes = b"") -> None:
        if not self.transport.is_closing():
            start = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (status, len(body))
            self.transport.write(start + headers + b"\r\n" + body)


async def serve(args: argparse.Namespace) -> None:
    loop, stub = asyncio.get_running_loop(), Stub(args)
    server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", args.port, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, nargs=2, default=(0.0, 0.0), help="seconds, from and to")
    parser.add_argument("--capacity", type=int, default=1_000_000)
    parser.add_argument("--reject", action="store_true", help="429 above the capacity; else requests wait")
    parser.add_argument("--words", type=int, default=400, help="of an answer, at most")
    parser.add_argument("--poison", help="a word in a prompt that is never answered")
    parser.add_argument("--new", action="store_true", help="refuse max_tokens, as hosted reasoning models do")
    parser.add_argument("--key", help="the only key that is accepted")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
