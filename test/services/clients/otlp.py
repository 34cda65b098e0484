"""Judges what a gateway has sent to a collector by OpenTelemetry's own messages, and its metrics page by the parser of the
Prometheus client. Reads one JSON object a line: {"path", "body"}; says what it saw, one JSON object.
"""

import base64
import json
import re
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.openmetrics.parser import text_string_to_metric_families

IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def with_bytes(value):
    """OTLP writes ids in hexadecimal where the JSON mapping of Protobuf has base64."""
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: id_bytes(name, item) if name in IDS else with_bytes(item) for name, item in value.items()}


def id_bytes(name, text):
    assert re.fullmatch("[0-9a-f]{%d}" % IDS[name], text), (name, text)
    return base64.b64encode(bytes.fromhex(text)).decode()


def attributes(of):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of}


def traces(body):
    message = json_format.Parse(json.dumps(with_bytes(json.loads(body))), ExportTraceServiceRequest())
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                assert len(span.trace_id) == 16 and len(span.span_id) == 8
                assert span.start_time_unix_nano <= span.end_time_unix_nano
                yield {
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind),
                    "scope": scope.scope.name,
                    "resource": attributes(resource.resource.attributes),
                    "attributes": attributes(span.attributes),
                }


def metrics(body):
    message = json_format.Parse(body, ExportMetricsServiceRequest())
    for resource in message.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                assert metric.histogram.aggregation_temporality == 2, metric
                for point in metric.histogram.data_points:
                    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
                    assert sum(point.bucket_counts) == point.count
                    assert list(point.explicit_bounds) == sorted(set(point.explicit_bounds))
                    assert 0 < point.start_time_unix_nano <= point.time_unix_nano
                    yield {
                        "name": metric.name,
                        "unit": metric.unit,
                        "count": point.count,
                        "sum": point.sum,
                        "attributes": attributes(point.attributes),
                    }


def page(body):
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            if sample.exemplar is not None:
                yield {"name": sample.name, "labels": sample.labels, "exemplar": sample.exemplar.labels}


saw = {"spans": [], "metrics": [], "exemplars": []}
for line in sys.stdin:
    one = json.loads(line)
    kind = one["path"].rsplit("/", 1)[-1]
    if kind == "traces":
        saw["spans"] += traces(one["body"])
    elif kind == "metrics" and one["path"].startswith("/v1/"):
        saw["metrics"] += metrics(one["body"])
    else:
        saw["exemplars"] += page(one["body"])
print(json.dumps(saw))
