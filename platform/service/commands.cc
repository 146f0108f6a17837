// From a request to a decision: aim, seal, fingerprint, submit, answer.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "google/protobuf/field_mask.pb.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/sealer.h"
#include "platform/service/backend.h"
#include "platform/service/command_spec.h"
#include "platform/service/fields.h"
#include "platform/service/position.h"
#include "platform/text/text.h"
#include "trialog/options.pb.h"

namespace trialog::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxRequestId = 64;
constexpr std::string_view kSubjectErased = "SUBJECT_ERASED";

std::string Deterministic(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  return bytes;
}

// What makes two requests the same: everything but secrets.
std::string ContentOf(const Message& request) {
  if (!sealing::HasSecretFields(*request.GetDescriptor())) return Deterministic(request);
  std::unique_ptr<Message> content(request.New());
  content->CopyFrom(request);
  sealing::ClearSecrets(*content);
  return Deterministic(*content);
}

bool IsPersonal(const FieldDescriptor& field) { return field.options().GetExtension(trialog::personal); }

bool IsSet(const Message& message, const FieldDescriptor& field) {
  return field.is_repeated() ? message.GetReflection()->FieldSize(message, &field) > 0
                             : message.GetReflection()->HasField(message, &field);
}

// Moves the request's own personal fields to the resource fields of the same name.
std::unique_ptr<Message> PersonalOf(Message& request, const ResourceType& type) {
  std::unique_ptr<Message> personal;
  for (int i = 0; i < request.GetDescriptor()->field_count(); ++i) {
    const auto* from = request.GetDescriptor()->field(i);
    if (!IsPersonal(*from) || !IsSet(request, *from)) continue;
    const auto* to = type.table->prototype->GetDescriptor()->FindFieldByName(from->name());
    if (to == nullptr || to->type() != from->type() || to->is_repeated() != from->is_repeated()) continue;
    if (!personal) personal.reset(type.table->prototype->New());
    // Through bytes: the two messages differ, the field's own encoding differs only in its number.
    const auto* source = request.GetReflection();
    auto* target = personal->GetReflection();
    if (from->is_repeated()) {
      for (int n = 0; n < source->FieldSize(request, from); ++n) {
        if (from->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          target->AddMessage(personal.get(), to)->CopyFrom(source->GetRepeatedMessage(request, from, n));
        } else if (from->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
          target->AddString(personal.get(), to, source->GetRepeatedString(request, from, n));
        }
      }
    } else if (from->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      target->MutableMessage(personal.get(), to)->CopyFrom(source->GetMessage(request, from));
    } else if (from->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      target->SetString(personal.get(), to, source->GetString(request, from));
    }
  }
  return personal;
}

// A resource with only its personal fields, or null when none is set.
std::unique_ptr<Message> OnlyPersonal(const Message& resource) {
  std::unique_ptr<Message> copy(resource.New());
  copy->CopyFrom(resource);
  bool any = false;
  for (int i = 0; i < copy->GetDescriptor()->field_count(); ++i) {
    const auto* field = copy->GetDescriptor()->field(i);
    if (!IsPersonal(*field)) {
      copy->GetReflection()->ClearField(copy.get(), field);
    } else {
      any = any || IsSet(*copy, *field);
    }
  }
  return any ? std::move(copy) : nullptr;
}

// Numbers of the personal fields that an update names; with an empty mask or "*" those that are set.
std::vector<int> PatchedFields(const Message& request, const Message& resource) {
  std::vector<int> numbers;
  const auto* mask = static_cast<const google::protobuf::FieldMask*>(MessageField(request, "update_mask"));
  const auto* descriptor = resource.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (!IsPersonal(*field)) continue;
    bool named = mask == nullptr || mask->paths().empty() ? IsSet(resource, *field) : false;
    if (mask) {
      for (const auto& path : mask->paths()) named = named || path == field->name() || path == "*";
    }
    if (named) numbers.push_back(field->number());
  }
  return numbers;
}

absl::StatusOr<std::string> CheckedName(std::string_view pattern, std::string_view field, std::string_view name) {
  if (NameMatches(pattern, name)) return std::string(name);
  return BadField(field, "BAD_NAME", Cat("must have the form ", pattern));
}

// Another organisation's records are not there at all for this caller, nor do they seal anything of its own. A caller
// without organisation is one of our own services, or nobody yet: the method is public, as sign-in is.
bool MayAimAt(const Principal& principal, const Target& target) {
  const bool seals = target.personal != nullptr && !target.key_subject.empty();
  if (seals && OrganizationOf(target.key_subject) != target.organization) return false;
  return principal.internal || principal.organization.empty() || principal.organization == target.organization;
}

std::string SubjectOf(const ResourceType& type, std::string_view name, const Message& resource) {
  return type.key_subject ? type.key_subject(name, resource) : std::string();
}

}  // namespace

Target WithoutRow(Target target) {
  target.personal.reset();
  target.instead = RetryLater(absl::StatusCode::kUnavailable, "RECORD_JUST_MADE",
                              "the record was made while this request came; repeat it", absl::Milliseconds(50));
  return target;
}

Aim Backend::AimToCreate(const ResourceType& type) {
  return [this, &type](Message& request, const Principal&) -> absl::StatusOr<Target> {
    const auto* field = FieldOfType(*request.GetDescriptor(), *type.table->prototype->GetDescriptor(), false);
    if (field == nullptr) return absl::InternalError("a create request without its resource");
    const std::string id_field = Cat(field->name(), "_id");
    if (StringField(request, id_field).empty()) {
      const int64_t millis = absl::ToUnixMillis(runtime_.Now());
      SetStringField(request, id_field, UuidText(UuidV7(millis, runtime_.RandomBytes(10))));
    }
    const std::string_view pattern = type.table->pattern;  // "…/samples/*"
    const std::string_view collection = IdOf(pattern.substr(0, pattern.rfind('/')));
    const std::string name = Cat(StringField(request, "parent"), "/", collection, "/", StringField(request, id_field));
    if (!NameMatches(ParentOf(pattern), StringField(request, "parent"))) {
      return BadField("parent", "BAD_NAME", Cat("must have the form ", ParentOf(pattern)));
    }
    if (!NameMatches(pattern, name)) return BadField(id_field, "BAD_ID", "1 to 63 letters, digits or . _ ~ -");
    const Message& resource = request.GetReflection()->GetMessage(request, field);
    return Target{std::string(OrganizationOf(name)), name, OnlyPersonal(resource), SubjectOf(type, name, resource)};
  };
}

Aim Backend::AimToUpdate(const ResourceType& type) {
  return [this, &type](Message& request, const Principal&) -> absl::StatusOr<Target> {
    const auto* field = FieldOfType(*request.GetDescriptor(), *type.table->prototype->GetDescriptor(), false);
    if (field == nullptr) return absl::InternalError("an update request without its resource");
    const Message& resource = request.GetReflection()->GetMessage(request, field);
    auto name = CheckedName(type.table->pattern, Cat(field->name(), ".name"), StringField(resource, "name"));
    if (!name.ok()) return name.status();
    const std::string organization(OrganizationOf(*name));
    Target target{organization, *name, nullptr, ""};
    target.patched = PatchedFields(request, resource);
    if (target.patched.empty()) return target;
    view::RowPtr row = store_->partition(PartitionOf(organization)).Find(*type.table, *name);
    if (!row) return WithoutRow(std::move(target));
    target.personal.reset(resource.New());
    target.personal->CopyFrom(resource);
    target.key_subject = SubjectOf(type, *name, *row->resource);
    return target;
  };
}

Aim Backend::AimToAct(const ResourceType& type) {
  return [this, &type](Message& request, const Principal&) -> absl::StatusOr<Target> {
    auto name = CheckedName(type.table->pattern, "name", StringField(request, "name"));
    if (!name.ok()) return name.status();
    Target target{std::string(OrganizationOf(*name)), *name, PersonalOf(request, type), ""};
    if (!target.personal) return target;
    view::RowPtr row = store_->partition(PartitionOf(target.organization)).Find(*type.table, *name);
    if (!row) return WithoutRow(std::move(target));
    target.key_subject = SubjectOf(type, *name, *row->resource);
    return target;
  };
}

void Backend::Create(std::string_view method, const ResourceType& type, DecideRequest decide) {
  CommandMethod(method, type, AimToCreate(type), std::move(decide));
}

void Backend::Update(std::string_view method, const ResourceType& type, DecideRequest decide) {
  CommandMethod(method, type, AimToUpdate(type), std::move(decide));
}

void Backend::Act(std::string_view method, const ResourceType& type, DecideRequest decide, Answer answer) {
  CommandMethod(method, type, AimToAct(type), std::move(decide), std::move(answer));
}

void Backend::CommandMethod(std::string_view method, const ResourceType& type, Aim aim, DecideRequest decide,
                            Answer answer) {
  Serve(type);
  auto spec = std::make_shared<const CommandSpec>(
      CommandSpec{std::string(method), &type, std::move(aim), std::move(decide), std::move(answer), nullptr});
  handlers_.Unary(std::string(method),
                  [this, spec](std::shared_ptr<rpc::Call> call) { RunCommand(std::move(call), spec); });
}

void Backend::Run(std::shared_ptr<rpc::Call> call, const ResourceType& type, Aim aim, DecideRequest decide,
                  Answer answer, Refused refused) {
  std::string method(call->method_name());
  RunCommand(std::move(call),
             std::make_shared<const CommandSpec>(CommandSpec{
                 std::move(method), &type, std::move(aim), std::move(decide), std::move(answer), std::move(refused)}));
}

void Backend::RunCommand(std::shared_ptr<rpc::Call> call, std::shared_ptr<const CommandSpec> spec) {
  Message& request = call->mutable_request();
  std::string request_key, request_mac;
  const std::string request_id = StringField(request, "request_id");
  if (request_id.size() > kMaxRequestId) {
    return call->Finish(BadField("request_id", "FIELD_TOO_LONG", "a UUID; at most 64 bytes"));
  }
  if (!request_id.empty()) {
    // Of the request as sent: an id that is drawn below must not make a retry look like another request.
    std::string key;
    for (std::string_view part :
         {std::string_view(call->principal().organization), std::string_view(call->principal().user()),
          call->method_name(), std::string_view(request_id)}) {
      sealing::AppendLengthPrefixed(key, part);
    }
    request_key = sealing::HmacSha256(options_.request_key, key);
    request_mac = sealing::HmacSha256(options_.request_key, ContentOf(request));
  }
  CompletePrincipal(call->shared_principal(), call->deadline(),
                    [=, this](absl::StatusOr<std::shared_ptr<const Principal>> principal) {
                      if (!principal.ok()) return call->Finish(principal.status());
                      absl::StatusOr<Target> aimed = spec->aim(call->mutable_request(), **principal);
                      if (!aimed.ok()) return call->Finish(aimed.status());
                      auto target = std::make_shared<Target>(*std::move(aimed));
                      if (!MayAimAt(**principal, *target)) return call->Finish(NotVisible(true, "record"));
                      sealing::ClearPersonal(call->mutable_request());
                      sealing::ClearSecrets(call->mutable_request());
                      Seal(*spec->type, *target, call->deadline(),
                           [=, this](absl::StatusOr<event::v1::SealedPart> sealed) {
                             if (!sealed.ok() && ReasonOf(sealed.status()) == kSubjectErased) {
                               target->instead = sealed.status();
                               sealed = event::v1::SealedPart();
                             }
                             if (!sealed.ok()) return call->Finish(sealed.status());
                             SubmitCall(call, spec, **principal, *target, *std::move(sealed), request_key, request_mac);
                           });
                    });
}

void Backend::SubmitCall(std::shared_ptr<rpc::Call> call, std::shared_ptr<const CommandSpec> spec, Principal principal,
                         const Target& target, event::v1::SealedPart sealed, std::string request_key,
                         std::string request_mac) {
  auto command = std::make_unique<Command>();
  command->organization = target.organization;
  command->method = spec->method;
  command->principal = std::move(principal);
  for (const int role : call->method().options().GetExtension(access).roles()) {
    if (!command->principal.HasAnywhere(static_cast<Role>(role))) continue;
    command->principal.caller.add_roles(static_cast<Role>(role));
  }
  command->request_key = std::move(request_key);
  command->request_mac = std::move(request_mac);
  command->trace = call->traceparent();
  command->deadline = call->deadline();
  command->decide = [call, spec, sealed = std::move(sealed), instead = target.instead](
                        const view::State& state, const Context& context) -> absl::StatusOr<Decision> {
    absl::StatusOr<Decision> decision = spec->decide(state, context, call->request(), sealed);
    // Whoever is refused by a rule hears that, and nothing of what was or was not found before.
    return decision.ok() && !instead.ok() ? instead : decision;
  };
  auto answer = [this, call, spec](const Outcome& outcome) {
    call->SetPosition(PositionText({outcome.partition, outcome.offset}));
    if (spec->answer) return spec->answer(call, outcome);
    if (outcome.names.empty()) {
      return call->Finish(Refuse(absl::StatusCode::kInternal, "NO_RECORD", "the command left no record to show"));
    }
    AnswerWithRecord(call, *spec->type, outcome, outcome.names[0]);
  };
  command->done = [this, call, spec, answer, organization = command->organization](absl::StatusOr<Outcome> outcome) {
    if (!outcome.ok()) return spec->refused ? spec->refused(call, outcome.status()) : call->Finish(outcome.status());
    if (!options_.callers_known) return answer(*outcome);
    // Durable already: answered even when the callers' directory lags too long.
    options_.callers_known(organization, outcome->offset,
                           [answer, outcome = *outcome](const absl::Status&) { answer(outcome); });
  };
  owner_.Submit(std::move(command));
}

void Backend::Seal(const ResourceType& type, const Target& target, absl::Time deadline, Sealed done) {
  if (!target.personal) return done(event::v1::SealedPart());
  if (keys_ == nullptr || target.key_subject.empty()) {
    return done(Refuse(absl::StatusCode::kInternal, "NO_KEY", "this record has nowhere to keep personal fields"));
  }
  std::shared_ptr<Message> personal(target.personal->New());
  personal->CopyFrom(*target.personal);
  const std::string organization = target.organization;
  sealing::KeyRequest request{organization, {target.key_subject}, {}, true};
  GetKeys(std::move(request), deadline,
          [this, &type, personal, organization, deadline, name = target.name, patched = target.patched,
           done = std::move(done)](absl::StatusOr<std::vector<sealing::DataKey>> keys) {
            if (!keys.ok()) return done(keys.status());
            if (keys->size() != 1 || keys->front().state != sealing::DataKey::State::kPresent) {
              return done(BrokenRule(kSubjectErased, name,
                                     "the personal data of this record was erased; nothing can be added"));
            }
            auto sealed = std::make_shared<event::v1::SealedPart>(
                patched.empty() ? sealing::SealResource(*personal, name, keys->front(), runtime_)
                                : sealing::SealPatch(*personal, patched, name, keys->front(), runtime_));
            bool wanted = false;
            for (const LookupField& lookup : type.lookups)
              wanted = wanted || !StringField(*personal, lookup.field).empty();
            if (!wanted) return done(std::move(*sealed));
            GetLookupKey(organization, deadline,
                         [&type, personal, sealed, done](absl::StatusOr<sealing::LookupKeyMaterial> key) {
                           if (!key.ok()) return done(key.status());
                           for (const LookupField& lookup : type.lookups) {
                             std::string value = StringField(*personal, lookup.field);
                             if (value.empty()) continue;
                             if (lookup.normalize) value = lookup.normalize(value);
                             auto* added = sealed->add_keys();
                             added->set_index(std::string(lookup.index));
                             added->set_mac(sealing::LookupMac(*key, lookup.index, value));
                           }
                           done(std::move(*sealed));
                         });
          });
}

}  // namespace trialog::service
