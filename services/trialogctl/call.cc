#include "services/trialogctl/call.h"

#include <google/protobuf/util/json_util.h>

#include <cstdio>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trialogctl/saved_login.h"
#include "services/trialogctl/server.h"

namespace trialog::ctl {
namespace {

using google::protobuf::Message;

const google::protobuf::MethodDescriptor* FindMethod(std::string_view name) {
  const auto parts = Split(name, '/');
  const auto* service =
      parts.size() == 2 ? google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(parts[0]))
                        : nullptr;
  return service == nullptr ? nullptr : service->FindMethodByName(std::string(parts[1]));
}

std::unique_ptr<Message> New(const google::protobuf::Descriptor* type) {
  return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

absl::Status Print(const Message& message, bool many) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = !many;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto printed = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!printed.ok()) return absl::InternalError(std::string(printed.message()));
  std::printf("%s%s", text.c_str(), many ? "\n" : "");
  std::fflush(stdout);
  return absl::OkStatus();
}

struct Target {
  std::string server, token;
};

absl::StatusOr<Target> TargetOf(const std::string& server) {
  auto path = SavedLoginPath();
  if (!path.ok()) return path.status();
  const auto login = LoadLogin(*path);
  if (!login.ok() || (!server.empty() && server != login->server)) {
    if (!server.empty()) return Target{server, ""};
    return login.status();
  }
  auto token = CurrentToken(*path, absl::Now());
  if (!token.ok()) return token.status();
  return Target{login->server, *std::move(token)};
}

}  // namespace

absl::Status Call(const std::string& server, std::string_view name, std::string_view json) {
  const auto* method = FindMethod(name);
  if (method == nullptr) {
    return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_METHOD",
                  Cat("there is no method '", name, "'; docs/api lists them, as trialog.auth.v1.AuthService/WhoAmI"));
  }
  const auto request = New(method->input_type()), response = New(method->output_type());
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(json.empty() ? "{}" : std::string(json), request.get());
  if (!parsed.ok()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_JSON",
                  Cat("this is no ", method->input_type()->full_name(), " in JSON: ", std::string(parsed.message())));
  }
  auto target = TargetOf(server);
  if (!target.ok()) return target.status();
  const auto client = Connect(target->server);
  if (!client.ok()) return client.status();
  rpc::ClientOptions options{.token = target->token};
  if (!method->server_streaming()) {
    if (absl::Status called = client->CallAny(name, *request, *response, options, nullptr); !called.ok()) return called;
    return Print(*response, false);
  }
  options.timeout = absl::InfiniteDuration();
  const auto stream = client->Open(name, *request, options);
  while (stream->Read(*response)) {
    if (absl::Status printed = Print(*response, true); !printed.ok()) return printed;
  }
  return stream->Finish();
}

}  // namespace trialog::ctl
