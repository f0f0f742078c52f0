"""A real SMTP server for the tests: takes mail on a port of its own choosing and prints, as lines of JSON, first the port and
then each mail. Addresses say what becomes of them: refused@ is 550, later@ is 451, slow@ waits before it answers."""

import asyncio
import json
import sys

from aiosmtpd.smtp import SMTP


def say(**what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "refused":
            return "550 5.1.1 no such mailbox"
        if name == "later":
            return "451 4.3.0 try again later"
        if name == "slow":
            await asyncio.sleep(3)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say(sender=envelope.mail_from, to=envelope.rcpt_tos, mail=envelope.content.decode())
        return "250 OK"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True), "127.0.0.1", 0)
    say(port=server.sockets[0].getsockname()[1])
    # Ends with the test that started it.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
