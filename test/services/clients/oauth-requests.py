"""The grants of the authorization server by requests-oauthlib, whose device client is oauthlib's.

Speaks with its test as oauth-authlib.py does.
"""

import json
import os

import requests
from oauthlib.oauth2 import BackendApplicationClient, DeviceClient, WebApplicationClient
from requests_oauthlib import OAuth2Session

FACTS = json.loads(os.environ["OAUTH"])
ISSUER = FACTS["issuer"]
META = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server").json()
SCOPE = ["inference:chat", "models:read"]
FORM = {"content-type": "application/x-www-form-urlencoded"}
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}


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


def basic(name):
    return requests.auth.HTTPBasicAuth(FACTS[name]["id"], FACTS[name]["secret"])


def client_credentials():
    client = BackendApplicationClient(FACTS["service"]["id"], scope=SCOPE)
    session = OAuth2Session(client=client)
    session.fetch_token(META["token_endpoint"], auth=basic("service"))
    use(session)
    done("client credentials")

    token = session.token["access_token"]
    url, headers, body = WebApplicationClient(FACTS["service"]["id"]).prepare_token_revocation_request(
        META["revocation_endpoint"], token
    )
    assert requests.post(url, headers=headers, data=body, auth=basic("service")).status_code == 200
    refused = session.get(f"{ISSUER}/v1/models")
    assert refused.json()["error"]["code"] == "revoked_credential", refused.text
    done("revocation")


def authorization_code(name):
    is_public = FACTS[name]["secret"] is None
    session = OAuth2Session(FACTS[name]["id"], redirect_uri=FACTS["redirect"], scope=SCOPE, pkce="S256")
    url, _ = session.authorization_url(META["authorization_endpoint"])
    back = ask(open=url)
    who = {"include_client_id": True} if is_public else {"auth": basic(name)}
    session.fetch_token(META["token_endpoint"], authorization_response=back, **who)
    use(session)
    done(f"code with PKCE, {name}")

    before = session.token["refresh_token"]
    again = {"client_id": FACTS[name]["id"]} if is_public else {"auth": basic(name)}
    session.refresh_token(META["token_endpoint"], **again)
    assert session.token["refresh_token"] != before
    use(session)
    done(f"refresh, {name}")


def device():
    client = DeviceClient(FACTS["public"]["id"], scope=SCOPE)
    endpoint, form = client.prepare_request_uri(META["device_authorization_endpoint"], scope=SCOPE).split("?")
    started = requests.post(endpoint, data=form, headers=FORM).json()
    ask(device=started["user_code"])
    form = client.prepare_request_body(started["device_code"], include_client_id=True)
    answer = requests.post(META["token_endpoint"], data=form, headers=FORM)
    client.parse_request_body_response(answer.text, scope=SCOPE)
    use(OAuth2Session(client=client, token=client.token))
    done("device")


client_credentials()
authorization_code("confidential")
authorization_code("public")
device()
