#include "sidecar/access_log_sink.h"

namespace tidegate::sidecar {

void AccessLogSink::Write(const flow::AccessRecord& record) {
  telemetry::AccessRecord out;
  out.method = record.method;
  out.path = record.path;
  out.entrypoint = record.entrypoint;
  out.endpoint = record.endpoint;
  out.key = record.key;
  out.end_reason = record.end_reason;
  out.status = record.status;
  out.duration = record.duration;
  out.messages = record.messages;
  out.request_bytes = record.request_bytes;
  out.response_bytes = record.response_bytes;
  if (const exchange::Context* context = record.context) {
    out.request_id = context->request_id;
    out.api = context->api;
    out.plan = context->plan;
    out.application = context->application;
    out.subscription = context->subscription;
    out.client = context->client_address;
    out.traceparent = context->traceparent;
  }
  writer_->Write(out);
}

}  // namespace tidegate::sidecar
