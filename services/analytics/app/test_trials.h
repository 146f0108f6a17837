// For tests: the export of the trials service, as its proto says it, for one trial whose subjects the test gives.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/rpc/server.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "trialog/trials/v1/data_capture.pb.h"

namespace trialog::analytics {

class TestTrials {
 public:
  // Callers are known by `directory`, which outlives it.
  explicit TestTrials(callers::Directory& directory) {
    const auto* service = trials::v1::DataCapture::descriptor()->file()->FindServiceByName("DataCaptureService");
    rpc::Handlers handlers;
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string method = Cat(service->full_name(), "/", service->method(i)->name());
      if (service->method(i)->name() == "ExportCodedCaptures") {
        handlers.Stream(method, [this](std::shared_ptr<rpc::Stream> stream) { Export(*stream); });
      } else if (service->method(i)->server_streaming()) {
        handlers.Stream(method, [](std::shared_ptr<rpc::Stream> stream) { stream->Finish(NotFound("record")); });
      } else {
        handlers.Unary(method, [](std::shared_ptr<rpc::Call> call) { call->Finish(NotFound("record")); });
      }
    }
    std::vector<std::unique_ptr<rpc::Frame>> frames;
    frames.push_back(*rpc::Frame::Create({service}, std::move(handlers),
                                         std::make_shared<callers::TokenAuthenticator>(RealRuntime(), directory)));
    server_ = *rpc::Server::Start(std::move(frames), {.address = ""});
  }

  std::shared_ptr<grpc::Channel> Channel() { return server_->InProcessChannel(); }

  // Before an import.
  std::vector<trials::v1::ExportCodedCapturesResponse> subjects;
  // After an import: who asked for what.
  event::v1::Caller caller;
  std::string trial, traceparent;

 private:
  void Export(rpc::Stream& stream) {
    caller = stream.principal().caller;
    traceparent = stream.traceparent();
    trial = stream.Request<trials::v1::ExportCodedCapturesRequest>().parent();
    for (const auto& subject : subjects) {
      if (stream.Write(subject) != rpc::Stream::Written::kTaken) ADD_FAILURE() << "more subjects than one buffer holds";
    }
    stream.Finish(absl::OkStatus());
  }

  std::unique_ptr<rpc::Server> server_;
};

}  // namespace trialog::analytics
