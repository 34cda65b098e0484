"""A mail server that wants STARTTLS and a password, and prints each mail as a line of JSON."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Keep:
    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "login": session.auth_data.login.decode(),
            "data": envelope.content.decode(),
        }
        print(json.dumps(mail), flush=True)
        return "250 kept"


def judge(server, session, envelope, mechanism, data):
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"gateway", b"right-password")
    return AuthResult(success=known, handled=False, auth_data=data if known else None)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
controller = Controller(
    Keep(),
    hostname="127.0.0.1",
    port=int(sys.argv[3]),
    tls_context=context,
    require_starttls=True,
    auth_required=True,
    authenticator=judge,
)
controller.start()
print(json.dumps({"ready": True}), flush=True)
asyncio.new_event_loop().run_forever()
