"""What a person does in Open WebUI: signs in, adds a tool, asks for it in a chat. Prints the chat's answer as JSON."""

import json
import os
import sys
import time
import urllib.request
import uuid

ORIGIN = os.environ["WEBUI_ORIGIN"]
DEADLINE = time.monotonic() + 120
TOOL = '''
class Tools:
    def get_weather(self, city: str) -> str:
        """
        Weather of a city.
        :param city: name of the city
        """
        return "sunny in " + city
'''


def call(path, body=None, token=None):
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(ORIGIN + path, data, headers), timeout=60) as answer:
        return json.loads(answer.read())


def until(ask):
    """Asks until there is an answer."""
    while True:
        try:
            found = ask()
        except OSError:
            found = None
        if found:
            return found
        if time.monotonic() > DEADLINE:
            sys.exit("Open WebUI did not get there in time")
        time.sleep(0.5)


until(lambda: call("/health"))
token = call("/api/v1/auths/signin", {"email": "", "password": ""})["token"]
models = [model["id"] for model in call("/api/models", token=token)["data"]]
call("/api/v1/tools/create", {"id": "weather", "name": "weather", "content": TOOL, "meta": {"description": "weather"}}, token)

question, answer = str(uuid.uuid4()), str(uuid.uuid4())
text = "Use get_weather please"
asked = {"id": question, "role": "user", "content": text, "parentId": None, "childrenIds": [answer], "models": models}
awaited = {"id": answer, "role": "assistant", "content": "", "parentId": question, "childrenIds": [], "model": models[0]}
history = {"currentId": answer, "messages": {question: asked, answer: awaited}}
chat = call("/api/v1/chats/new", {"chat": {"title": "weather", "models": models, "history": history, "messages": []}}, token)["id"]
call(
    "/api/chat/completions",
    {
        "model": models[0],
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "tool_ids": ["weather"],
        "params": {"function_calling": "native"},
        "chat_id": chat,
        "id": answer,
        "session_id": str(uuid.uuid4()),
        "background_tasks": {},
    },
    token,
)


def finished():
    message = call(f"/api/v1/chats/{chat}", token=token)["chat"]["history"]["messages"][answer]
    return message if message.get("done") else None


message = until(finished)
print(json.dumps({"models": models, "output": message.get("output", []), "text": message["content"]}))
