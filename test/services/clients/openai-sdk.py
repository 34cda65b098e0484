"""Calls a gateway with the stock OpenAI SDK for Python; prints what came as JSON. Environment: BASE_URL, API_KEY."""
import json
import os

from openai import APIStatusError, OpenAI

client = OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"], max_retries=0)
messages = [{"role": "user", "content": "hello"}]
out = {}


def attempt(name, run):
    try:
        out[name] = run()
    except APIStatusError as error:
        out[name] = {"status": error.status_code, "code": error.code, "request_id": error.request_id}


def chat():
    answer = client.chat.completions.create(model="tiny", messages=messages, max_tokens=6, temperature=0)
    return {"tokens": answer.usage.completion_tokens, "text": answer.choices[0].message.content}


def stream():
    chunks = list(
        client.chat.completions.create(
            model="tiny", messages=messages, max_tokens=6, temperature=0, stream=True, stream_options={"include_usage": True}
        )
    )
    return {
        "tokens": chunks[-1].usage.completion_tokens,
        "text": "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
    }


def completion():
    answer = client.completions.create(model="tiny", prompt="once", max_tokens=4, temperature=0)
    return {"tokens": answer.usage.completion_tokens, "text": answer.choices[0].text}


def completion_stream():
    chunks = client.completions.create(model="tiny", prompt="once", max_tokens=4, temperature=0, stream=True)
    return {"text": "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)}


def models():
    return [model.id for model in client.models.list()]


for name, run in [
    ("chat", chat),
    ("stream", stream),
    ("completion", completion),
    ("completion_stream", completion_stream),
    ("models", models),
    ("foreign_model", lambda: client.chat.completions.create(model="tiny-lora", messages=messages).id),
    ("too_long", lambda: client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "word " * 5000}]).id),
]:
    attempt(name, run)
print(json.dumps(out))
