"""A proxy that spoils a share of the answers: ``python fault_proxy.py http://127.0.0.1:8000/v1 --rate 0.3``.

Prints its address as the first line and ends when its standard input does. Spoils only requests for completions, each
time drawn anew: 429 and 503 with Retry-After, 500, a reset before and after the request was passed on, no answer at
all, JSON that is cut off or malformed or HTML, and answers that trickle. ``GET /faults`` tells how many of each.
"""

import argparse
import asyncio
import collections
import json
import random
import sys
from contextlib import suppress
from urllib.parse import urlsplit

KINDS = ("429", "503", "500", "reset", "reset-late", "hang", "truncated", "cut-json", "malformed", "html", "trickle")
BUSY = b'{"error": {"message": "slow down", "type": "rate_limit"}}'
Read, Write = asyncio.StreamReader, asyncio.StreamWriter


class Proxy:
    """What all connections share."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.host, self.port = urlsplit(args.to).hostname, urlsplit(args.to).port
        self.rate, self.kinds, self.random = args.rate, args.only or KINDS, random.Random(args.seed)
        self.wait, self.hang = args.retry_after, args.hang
        self.faults: collections.Counter[str] = collections.Counter()

    async def serve(self, reader: Read, writer: Write) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (asked := await read_message(reader)) is not None:
                if not await self.answer(*asked, writer):
                    break
        writer.close()

    async def answer(self, head: bytes, body: bytes, writer: Write) -> bool:
        """Answer one request; whether the connection may be used again."""
        if head.startswith(b"GET /faults "):
            await send(writer, 200, json.dumps(self.faults).encode())
            return True
        spoiled = b"/chat/completions" in head and self.random.random() < self.rate
        kind = self.random.choice(self.kinds) if spoiled else ""
        self.faults[kind or "none"] += 1
        if kind in ("429", "503", "500"):
            await send(writer, int(kind), BUSY, f"Retry-After: {self.wait}\r\n" if kind != "500" else "")
            return True
        if kind == "reset":
            writer.transport.abort()
            return False
        answer = await self.forward(head, body)
        if kind == "":
            writer.write(answer)
            await writer.drain()
            return True
        start, _, content = answer.partition(b"\r\n\r\n")
        if kind == "hang":
            await asyncio.sleep(self.hang)
        elif kind == "truncated":  # the connection ends before the length that was promised
            writer.write(start + b"\r\n\r\n" + content[: len(content) // 2])
            await writer.drain()
        elif kind == "cut-json":
            await send(writer, 200, content[: len(content) // 2])
        elif kind == "malformed":
            await send(writer, 200, b'{"choices": [{"message": null}]}')
        elif kind == "html":
            await send(writer, 200, b"<html>Bad gateway</html>", "Content-Type: text/html\r\n")
        elif kind == "trickle":
            for at in range(0, len(answer), max(1, len(answer) // 20)):
                writer.write(answer[at : at + max(1, len(answer) // 20)])
                await writer.drain()
                await asyncio.sleep(self.hang / 20)
        writer.transport.abort()
        return False

    async def forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(head.replace(b"\r\nConnection: keep-alive", b"") + b"\r\n\r\n" + body)
        try:
            found = await read_message(reader)
            assert found is not None
            return found[0] + b"\r\n\r\n" + found[1]
        finally:
            writer.close()


async def read_message(reader: Read) -> tuple[bytes, bytes] | None:
    """Head and body of a request or an answer; None at the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head[:-4], await reader.readexactly(int(lengths[0])) if lengths else b""


async def send(writer: Write, status: int, body: bytes, headers: str = "") -> None:
    start = f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    writer.write(start.encode() + body)
    await writer.drain()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("to", help="address of the server behind")
    parser.add_argument("--rate", type=float, default=0.3, help="share of the requests that are spoiled")
    parser.add_argument("--only", nargs="+", choices=KINDS, help="with these faults alone")
    parser.add_argument("--retry-after", type=float, default=0.05)
    parser.add_argument("--hang", type=float, default=2.0, help="seconds without an answer, or of a trickling one")
    parser.add_argument("--seed", type=int, default=0)
    proxy = Proxy(parser.parse_args())
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
