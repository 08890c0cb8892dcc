#!/usr/bin/env python3
"""Hold many idle sessions, and see that they all still answer.

  idle.py PORT COUNT

Opens COUNT connections, reads each greeting and says so in one line on stdout; after a line on stdin each session is
asked NOOP and QUIT.
"""

import asyncio
import sys

SOURCES = ["127.0.0.1", "127.0.0.2"]


async def hold(number, port, few):
    async with few:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(SOURCES[number % 2], 0), limit=4096)
        greeting = await asyncio.wait_for(reader.readline(), 30)
        if not greeting.startswith(b"220 "):
            raise ValueError(f"session {number} was greeted with {greeting!r}")
        return reader, writer


async def ask(session, few):
    reader, writer = session
    async with few:
        for command, code in ((b"NOOP\r\n", b"250 "), (b"QUIT\r\n", b"221 ")):
            writer.write(command)
            reply = await asyncio.wait_for(reader.readline(), 30)
            if not reply.startswith(code):
                raise ValueError(f"{command!r} was answered with {reply!r}")
        rest = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        if rest:
            raise ValueError(f"after QUIT came {rest!r}")


async def main(port, count):
    few = asyncio.Semaphore(200)
    held = await asyncio.gather(*(hold(number, port, few) for number in range(count)))
    print(len(held), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    answers = await asyncio.gather(*(ask(session, few) for session in held), return_exceptions=True)
    failures = [answer for answer in answers if answer is not None]
    print(len(held) - len(failures), flush=True)
    if failures:
        sys.exit(f"{len(failures)} sessions failed, the first: {failures[0]!r}")


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
