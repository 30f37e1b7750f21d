"""A service that answers ten times x, one request after the other, as slowly as its environment tells.

``python stub_server.py PORT SECONDS_UNLESS_POOL right|wrong|refuses``: wrong answers when batched, or every second
request refused.
"""

import asyncio
import json
import os
import sys
import time


async def serve(reader, writer, *, seconds, off, refuses):
    turn = 0
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            (row,) = json.loads(await reader.readexactly(length))["dataframe_records"]
            turn += 1
            if refuses and turn % 2:
                writer.write(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nretry-after: 1\r\n\r\n")
                continue
            time.sleep(seconds)  # in the loop: nobody else is answered meanwhile
            body = json.dumps({"predictions": [row["x"] * 10 + off]}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port, slow, how):
    seconds = 0.0 if os.environ["SLIPWAY_SERVING_MODE"] == "pool" else slow
    off = 1 if how == "wrong" and os.environ["SLIPWAY_SERVING_BATCH_ROWS"] != "1" else 0
    given = {"seconds": seconds, "off": off, "refuses": how == "refuses"}
    server = await asyncio.start_server(lambda r, w: serve(r, w, **given), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))
