"""Every grant of the authorization server by Authlib, over requests.

Reads its facts as JSON from the variable OAUTH. Where a person is needed it says so on a line of standard output and
reads the answer from standard input. Prints the name of each step that worked.
"""

import json
import os

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

FACTS = json.loads(os.environ["OAUTH"])
ISSUER = FACTS["issuer"]
META = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server").json()
SCOPE = "inference:chat models:read"
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def ask(**question):
    print(json.dumps(question), flush=True)
    return input()


def done(step):
    print(json.dumps({"done": step}), flush=True)


def use(session):
    """The token of a session is what the gateway takes."""
    models = session.get(f"{ISSUER}/v1/models")
    assert models.status_code == 200, models.text
    assert [one["id"] for one in models.json()["data"]] == ["tiny"], models.text
    answer = session.post(f"{ISSUER}/v1/chat/completions", json=CHAT)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"], answer.text


def session_of(name, **more):
    client = FACTS[name]
    return OAuth2Session(
        client["id"],
        client["secret"],
        token_endpoint_auth_method="client_secret_basic" if client["secret"] else "none",
        scope=SCOPE,
        **more,
    )


def client_credentials():
    session = session_of("service")
    session.fetch_token(META["token_endpoint"], grant_type="client_credentials")
    use(session)
    done("client credentials")

    token = session.token["access_token"]
    shown = session.introspect_token(META["introspection_endpoint"], token=token).json()
    assert shown["active"] is True and shown["client_id"] == FACTS["service"]["id"], shown
    done("introspection")

    assert session.revoke_token(META["revocation_endpoint"], token=token).status_code == 200
    assert session.introspect_token(META["introspection_endpoint"], token=token).json() == {"active": False}
    refused = session.get(f"{ISSUER}/v1/models")
    assert refused.json()["error"]["code"] == "revoked_credential", refused.text
    done("revocation")


def private_key_jwt():
    client = FACTS["signer"]
    session = OAuth2Session(client["id"], client["key"], token_endpoint_auth_method="private_key_jwt", scope=SCOPE)
    session.register_client_auth_method(
        PrivateKeyJWT(META["token_endpoint"], headers={"kid": client["kid"]})
    )
    session.fetch_token(META["token_endpoint"], grant_type="client_credentials")
    use(session)
    done("client credentials by private_key_jwt")


def authorization_code(name):
    session = session_of(name, redirect_uri=FACTS["redirect"], code_challenge_method="S256")
    verifier = "v" * 43 + name
    url, state = session.create_authorization_url(META["authorization_endpoint"], code_verifier=verifier)
    back = ask(open=url)
    session.fetch_token(META["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
    use(session)
    done(f"code with PKCE, {name}")

    before = session.token["refresh_token"]
    session.refresh_token(META["token_endpoint"], refresh_token=before)
    assert session.token["refresh_token"] != before
    use(session)
    done(f"refresh, {name}")


def device():
    session = session_of("public")
    form = {"client_id": FACTS["public"]["id"], "scope": SCOPE}
    started = requests.post(META["device_authorization_endpoint"], data=form).json()
    ask(device=started["user_code"])
    session.fetch_token(META["token_endpoint"], grant_type=DEVICE, device_code=started["device_code"])
    use(session)
    done("device")


client_credentials()
private_key_jwt()
authorization_code("confidential")
authorization_code("public")
device()
