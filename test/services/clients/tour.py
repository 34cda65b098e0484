"""Tours a gateway with the stock Python SDKs of OpenAI, Anthropic and LangChain, each beginning with the program that
`sallyport connect` prints for it; prints what came as JSON.

The settings are the environment's, as `connect` exports them; others: PRINTED_OPENAI, PRINTED_ANTHROPIC, PRINTED_LANGCHAIN
(those programs), IMAGE (a data: URL).
"""
import contextlib
import io
import json
import os
import runpy

from anthropic import Anthropic
from langchain_openai import ChatOpenAI
from openai import OpenAI

image = os.environ["IMAGE"]
out = {}
schema = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def attempt(name, run):
    try:
        out[name] = run()
    except Exception as error:  # noqa: BLE001 (what came is what is judged)
        out[name] = {"status": getattr(error, "status_code", 0), "error": str(error)[:300]}


names = {}


def printed(client):
    """Runs a printed program as it stands: what it said. Its names are in `names` then."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        names.update(runpy.run_path(os.environ[f"PRINTED_{client}"]))
    return {"text": said.getvalue()}


for sdk in ("OPENAI", "ANTHROPIC", "LANGCHAIN"):
    attempt(f"printed {sdk.lower()}", lambda: printed(sdk))

openai = OpenAI(max_retries=0)
messages = [{"role": "user", "content": "hello"}]
tool = {"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": schema}}


def openai_tools():
    answer = openai.chat.completions.create(
        model="tiny", messages=messages, tools=[tool], tool_choice="required", max_tokens=100
    )
    calls = answer.choices[0].message.tool_calls
    history = [
        *messages,
        answer.choices[0].message,
        {"role": "tool", "tool_call_id": calls[0].id, "content": '{"degrees":20}'},
    ]
    again = openai.chat.completions.create(model="tiny", messages=history, tools=[tool], max_tokens=6, temperature=0)
    return {"calls": [call.function.name for call in calls], "text": again.choices[0].message.content}


def openai_schema():
    answer = openai.chat.completions.create(
        model="tiny",
        messages=messages,
        max_tokens=60,
        response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}},
    )
    return {"text": answer.choices[0].message.content}


def openai_image():
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}]
    answer = openai.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": content}], max_tokens=6, temperature=0
    )
    return {"text": answer.choices[0].message.content}


def openai_responses():
    answer = openai.responses.create(model="tiny", input="hello", max_output_tokens=6)
    return {"text": answer.output_text}


def openai_responses_stream():
    with openai.responses.stream(model="tiny", input="hello", max_output_tokens=6) as stream:
        for _ in stream:
            pass
        return {"text": stream.get_final_response().output_text}


attempt("openai tools", openai_tools)
attempt("openai schema", openai_schema)
attempt("openai image", openai_image)
attempt("openai responses", openai_responses)
attempt("openai responses stream", openai_responses_stream)
attempt("openai embedding", lambda: {"length": len(openai.embeddings.create(model="tiny", input="hi").data[0].embedding)})

anthropic = Anthropic(max_retries=0)


def anthropic_text():
    answer = anthropic.messages.create(model="tiny", max_tokens=6, messages=messages)
    return {"text": answer.content[0].text, "tokens": answer.usage.output_tokens}


def anthropic_stream():
    with anthropic.messages.stream(model="tiny", max_tokens=6, messages=messages) as stream:
        return {"text": "".join(stream.text_stream)}


def anthropic_tools():
    tools = [{"name": "weather", "description": "Weather", "input_schema": schema}]
    answer = anthropic.messages.create(
        model="tiny", max_tokens=100, messages=messages, tools=tools, tool_choice={"type": "any"}
    )
    call = next(block for block in answer.content if block.type == "tool_use")
    history = [
        *messages,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "20"}]},
    ]
    again = anthropic.messages.create(model="tiny", max_tokens=6, messages=history, tools=tools)
    return {"calls": [call.name], "text": again.content[0].text}


attempt("anthropic text", anthropic_text)
attempt("anthropic stream", anthropic_stream)
attempt("anthropic tools", anthropic_tools)
attempt("anthropic count", lambda: {"tokens": anthropic.messages.count_tokens(model="tiny", messages=messages).input_tokens})

base_url = os.environ["OPENAI_BASE_URL"]
model = ChatOpenAI(model="tiny", base_url=base_url, max_retries=0, max_tokens=6, temperature=0)
longer = ChatOpenAI(model="tiny", base_url=base_url, max_retries=0, max_tokens=100)


def langchain_printed_tools():
    bound = names["model"].bind_tools([tool])
    asked = {"role": "user", "content": "Please use weather"}
    call = bound.invoke([asked])
    result = {"role": "tool", "tool_call_id": call.tool_calls[0]["id"], "content": '{"degrees":20}'}
    return {"calls": [one["name"] for one in call.tool_calls], "text": bound.invoke([asked, call, result]).content}


def langchain_tools():
    return {"calls": [call["name"] for call in longer.bind_tools([tool], tool_choice="required").invoke("weather?").tool_calls]}


attempt("langchain printed stream", lambda: {"text": "".join(part.content for part in names["model"].stream("hello"))})
attempt("langchain printed tools", langchain_printed_tools)
attempt("langchain text", lambda: {"text": model.invoke("hello").content})
attempt("langchain stream", lambda: {"text": "".join(part.content for part in model.stream("hello"))})
attempt("langchain tools", langchain_tools)
attempt(
    "langchain schema",
    lambda: {"text": json.dumps(longer.with_structured_output({**schema, "title": "city"}, method="json_schema").invoke("a city"))},
)
print(json.dumps(out))
