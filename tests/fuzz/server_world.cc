#include "tests/fuzz/server_world.h"

#include <cstdlib>
#include <filesystem>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "google/api/annotations.pb.h"
#include "platform/errors/errors.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/trialogctl/data_folder.h"
#include "services/trialogctl/secret_files.h"
#include "services/trialogctl/verify.h"
#include "tests/fuzz/fuzz.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/auth/v1/organization.pb.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kPassword[] = "correct horse";
constexpr absl::Duration kTokenLife = absl::Minutes(4);  // A minute less than access tokens live.

std::string NewFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "trialog_fuzz_XXXXXX";
  Require(::mkdtemp(pattern.data()) != nullptr, "a folder");
  return pattern;
}

std::string PatternOf(const google::protobuf::MethodDescriptor& method) {
  const auto& rule = method.options().GetExtension(google::api::http);
  for (const std::string* path : {&rule.get(), &rule.post(), &rule.patch(), &rule.put(), &rule.delete_()}) {
    if (!path->empty()) return *path;
  }
  return "";
}

// "organizations/*/biobanks/*" → "organizations/o/biobanks/a".
std::string Instance(std::string_view pattern, uint8_t choice) {
  std::string name;
  int stars = 0;
  for (const char c : pattern) {
    if (c != '*') {
      name += c;
    } else if (stars++ == 0) {
      name += 'o';
    } else {
      name += (choice >> stars & 1) == 0 ? 'a' : 'b';
    }
  }
  return name;
}

// The string field at a path like "sample.name"; sets it. Nothing happens when there is none.
void SetAt(Message& message, std::string_view path, const std::string& value) {
  const size_t dot = path.find('.');
  const auto* field = message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (field == nullptr || field->is_repeated()) return;
  if (dot == std::string_view::npos) {
    if (field->type() == FieldDescriptor::TYPE_STRING) message.GetReflection()->SetString(&message, field, value);
  } else if (field->message_type() != nullptr) {
    SetAt(*message.GetReflection()->MutableMessage(&message, field), path.substr(dot + 1), value);
  }
}

// Calls `visit` with path and pattern of each variable of a method's path.
template <typename Visit>
void ForEachVariable(std::string_view path, const Visit& visit) {
  for (size_t open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    const size_t equal = path.find('=', open), close = path.find('}', open);
    if (equal < close) visit(path.substr(open + 1, equal - open - 1), path.substr(equal + 1, close - equal - 1));
  }
}

// "storageLocations" → "storage_location": how fields that refer to such a record are called.
std::string FieldNameOf(std::string_view collection) {
  std::string name;
  for (const char c : collection.substr(0, collection.size() - 1)) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c))) name += '_';
    name += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return name;
}

// Patterns of what fields refer to, by field name.
const std::map<std::string, std::string>& References() {
  static const auto* references = [] {
    auto* made = new std::map<std::string, std::string>;
    for (const ServedMethod& method : ServedMethods()) {
      ForEachVariable(method.pattern, [&](std::string_view, std::string_view pattern) {
        const auto segments = Split(pattern, '/');
        if (segments.size() < 2 || segments.back() != "*") return;
        const std::string field = FieldNameOf(segments[segments.size() - 2]);
        (*made)[field] = pattern;
        (*made)[field + 's'] = pattern;
      });
    }
    for (const char* field :
         {"provider", "providers", "recipient", "recipients", "researcher", "researchers", "assignee", "participants",
          "user", "responsible_person", "principal_investigator", "viewer"})
      (*made)[field] = "organizations/*/users/*";
    for (const char* field : {"site", "sites", "primary_clinic"}) (*made)[field] = "organizations/*/sites/*";
    (*made)["location"] = "organizations/*/biobanks/*/storageLocations/*";
    (*made)["scope"] = "organizations/*";
    return made;
  }();
  return *references;
}

void AimReferences(Message& message, uint8_t choice) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 0;
    if (field->message_type() != nullptr) {
      for (int i = 0; i < size; ++i)
        AimReferences(*reflection.MutableRepeatedMessage(&message, field, i), static_cast<uint8_t>(choice ^ i << 2));
      if (!field->is_repeated()) AimReferences(*reflection.MutableMessage(&message, field), choice);
      continue;
    }
    if (field->name() == "scale" && field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32)
      reflection.SetUInt32(&message, field, reflection.GetUInt32(message, field) % 10);
    if (field->type() != FieldDescriptor::TYPE_STRING) continue;
    const auto aimed = [&](std::string text) {
      if (const auto reference = References().find(field->name()); reference != References().end())
        return Instance(reference->second, choice);
      if (field->name() == "etag") return Cat('"', 1 + (choice & 3), '"');
      // Made-up texts are then ids and names of columns as well, and differ within a list.
      for (char& c : text) c = c == ' ' ? static_cast<char>('A' + (choice >> 2 & 7)) : c;
      return text;
    };
    for (int i = 0; i < size; ++i, choice = static_cast<uint8_t>(choice ^ 4))
      reflection.SetRepeatedString(&message, field, i, aimed(reflection.GetRepeatedString(message, field, i)));
    if (!field->is_repeated()) reflection.SetString(&message, field, aimed(reflection.GetString(message, field)));
  }
}

template <typename Response>
Response Must(const rpc::Client& client, const std::string& method, const Message& request,
              const std::string& token = "") {
  auto response = client.Call<Response>(method, request, {.token = token});
  Require(response.ok(), Cat(method, ": ", response.status().ToString()));
  return *std::move(response);
}

absl::StatusOr<std::unique_ptr<standalone::Standalone>> StartServer(const std::string& folder) {
  standalone::Options options;
  options.data = folder;
  options.address = "127.0.0.1:0";
  options.min_free_bytes = 0;
  return standalone::Standalone::Start(options);
}

}  // namespace

void Aim(const ServedMethod& method, uint8_t choice, Message& request) {
  AimReferences(request, choice);
  ForEachVariable(method.pattern, [&](std::string_view path, std::string_view pattern) {
    SetAt(request, path, Instance(pattern, choice));
  });
  const auto& type = *request.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.type() != FieldDescriptor::TYPE_STRING || field.is_repeated()) continue;
    if (field.name() == "request_id") {
      const size_t number = method.name.size() % 10 * 10 + (choice >> 2 & 7);
      SetAt(request, field.name(), Cat("00000000-0000-4000-8000-0000000000", number / 10, number % 10));
    } else if (field.name() == "filter" || field.name() == "order_by" || field.name().ends_with("page_token") ||
               field.name() == "resume_token") {
      if ((choice & 1) == 0) SetAt(request, field.name(), "");
    } else if (field.name().ends_with("_id")) {
      SetAt(request, field.name(), (choice & 8) == 0 ? "a" : "b");
    }
  }
}

ServerWorld::ServerWorld() : folder_(NewFolder()), started_(absl::Now()) {
  Require(ctl::MakeDataFolder(folder_, RealRuntime()).ok(), "a data folder");
  auto server = StartServer(folder_);
  Require(server.ok(), server.status().ToString());
  server_ = *std::move(server);
  client_ = std::make_unique<rpc::Client>(server_->server().InProcessChannel());
  MakePeople();
}

ServerWorld::~ServerWorld() {
  client_.reset();
  server_->Drain(absl::Now() + absl::Seconds(5));
  server_.reset();
  const absl::Status verified = ctl::VerifyDataFolder(folder_, std::nullopt, "");
  Require(verified.ok(), Cat("the folder verifies: ", verified.ToString()));
  std::filesystem::remove_all(folder_);
}

void ServerWorld::MakePeople() {
  auth::v1::CreateOrganizationRequest create;
  create.set_organization_id("o");
  create.mutable_organization()->set_display_name("Fuzz");
  create.mutable_administrator()->set_username("root");
  create.set_password(kPassword);
  create.set_init_token(ctl::ReadSecretFile(ctl::InitTokenPath(folder_)).value());
  Must<auth::v1::Organization>(*client_, "trialog.auth.v1.OrganizationService/CreateOrganization", create);
  const std::string root = SignIn("root");

  auth::v1::CreateInvitationRequest invite;
  invite.set_parent("organizations/o");
  for (int role = ROLE_DATA_MANAGER; role <= ROLE_AUDITOR; ++role) {
    if (role != ROLE_NOTIFIER) invite.mutable_invitation()->add_roles()->set_role(static_cast<Role>(role));
  }
  auth::v1::SignUpRequest sign_up;
  sign_up.set_organization("organizations/o");
  sign_up.set_user_id("a");
  sign_up.mutable_user()->set_username("everybody");
  sign_up.set_password(kPassword);
  sign_up.set_invitation_token(Must<auth::v1::CreateInvitationResponse>(
                                   *client_, "trialog.auth.v1.OrganizationService/CreateInvitation", invite, root)
                                   .invitation_token());
  Must<auth::v1::SignUpResponse>(*client_, "trialog.auth.v1.AuthService/SignUp", sign_up);
  tokens_ = {"", root, SignIn("everybody")};
}

absl::StatusOr<std::string> ServerWorld::TrySignIn(std::string_view username) {
  auth::v1::LoginRequest login;
  login.set_organization("organizations/o");
  login.set_username(std::string(username));
  login.set_password(kPassword);
  auto answer = client_->Call<auth::v1::LoginResponse>("trialog.auth.v1.AuthService/Login", login);
  if (!answer.ok()) return answer.status();
  return answer->tokens().access_token();
}

std::string ServerWorld::SignIn(std::string_view username) {
  auto token = TrySignIn(username);
  Require(token.ok(), Cat("signing in: ", token.status().ToString()));
  return *std::move(token);
}

absl::Status ServerWorld::Call(const ServedMethod& method, size_t caller, const std::string& bytes) {
  // Mostly the one who may do most.
  const size_t who = caller % 8 < 2 ? caller % 8 : 2;
  rpc::ClientOptions options;
  options.token = tokens_[who];
  absl::Status status;
  if (method.descriptor->server_streaming()) {
    options.timeout = absl::Milliseconds(50);
    const std::unique_ptr<Message> request(method.request->New());
    request->ParseFromString(bytes);
    const auto reader = client_->Open(method.name, *request, options);
    const std::unique_ptr<Message> response(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor->output_type())->New());
    for (int messages = 0; messages < 3 && reader->Read(*response); ++messages) {
    }
    reader->Cancel();
    status = reader->Finish();
  } else {
    options.timeout = absl::Seconds(30);
    status = client_->CallRaw(method.name, bytes, options);
  }
  // Who signed out signs in again.
  if (who != 0 && absl::IsUnauthenticated(status) && ReasonOf(status) == "SESSION_ENDED") {
    if (const auto token = TrySignIn(who == 1 ? "root" : "everybody"); token.ok()) tokens_[who] = *token;
  }
  if (who == 2) refused_in_a_row_ = absl::IsUnauthenticated(status) ? refused_in_a_row_ + 1 : 0;
  return status;
}

bool ServerWorld::worn_out() const { return refused_in_a_row_ > 20 || absl::Now() - started_ > kTokenLife; }

const std::vector<ServedMethod>& ServedMethods() {
  static const auto* methods = [] {
    auto* made = new std::vector<ServedMethod>;
    // Of a server that runs for this alone: what is registered is what is served.
    const auto* pool = google::protobuf::DescriptorPool::generated_pool();
    const std::string folder = NewFolder();
    Require(ctl::MakeDataFolder(folder, RealRuntime()).ok(), "a data folder");
    {
      auto server = StartServer(folder);
      Require(server.ok(), server.status().ToString());
      for (const auto& frame : (*server)->server().frames()) {
        for (const auto& [name, counters] : frame->counters()) {
          const std::string full(name);
          const size_t slash = full.find('/');
          const auto* method = pool->FindServiceByName(full.substr(0, slash))->FindMethodByName(full.substr(slash + 1));
          made->push_back({method, full, PatternOf(*method),
                           google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->input_type())});
        }
      }
    }
    std::filesystem::remove_all(folder);
    std::sort(made->begin(), made->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return made;
  }();
  return *methods;
}

}  // namespace trialog::fuzz
