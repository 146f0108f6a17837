// A request of any method as it comes from the wire: what the frame does with it before a handler sees it.
#include <grpcpp/support/byte_buffer.h>

#include "google/rpc/error_details.pb.h"
#include "platform/errors/errors.h"
#include "platform/rpc/method.h"
#include "platform/rpc/resource.h"
#include "platform/rpc/status.h"
#include "platform/rpc/validate.h"
#include "platform/sealing/sealer.h"
#include "platform/text/text.h"
#include "services/analytics/app/analytics_app.h"
#include "services/audit/app/audit_app.h"
#include "services/auth/app/auth_app.h"
#include "services/inventory/app/inventory_app.h"
#include "services/trials/app/trials_app.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"
#include "trialog/event/v1/subscribe.pb.h"

namespace trialog::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The request type of each method of each service, once.
std::vector<const Message*> RequestTypes() {
  const auto signer = sealing::NoteSigner::FromSeed("fuzz", sealing::SecretKey()).value();
  audit::AuditParts audit_parts{.log = nullptr, .store_path = "", .keys = {signer, sealing::SecretKey()}};
  std::set<const google::protobuf::Descriptor*> types = {event::v1::SubscribeRequest::descriptor()};
  for (const service::Definition& definition :
       {auth::AuthDefinition({}), inventory::InventoryDefinition(), trials::TrialsDefinition(),
        analytics::AnalyticsDefinition({.blobs = nullptr, .trials = nullptr}), audit::AuditDefinition(audit_parts)}) {
    for (const auto* service : definition.services) {
      for (int i = 0; i < service->method_count(); ++i) types.insert(service->method(i)->input_type());
    }
  }
  std::vector<const Message*> prototypes;
  for (const auto* type : types)
    prototypes.push_back(google::protobuf::MessageFactory::generated_factory()->GetPrototype(type));
  // In an order that does not depend on addresses.
  std::sort(prototypes.begin(), prototypes.end(),
            [](const Message* a, const Message* b) { return a->GetTypeName() < b->GetTypeName(); });
  return prototypes;
}

const std::vector<const Message*>& Types() {
  static const std::vector<const Message*> types = RequestTypes();
  return types;
}

const rpc::Validator& ValidatorOf(size_t type) {
  static const auto* validators = [] {
    auto* made = new std::vector<rpc::Validator>;
    for (const Message* prototype : Types()) made->emplace_back(*prototype->GetDescriptor());
    return made;
  }();
  return (*validators)[type];
}

// As gRPC hands it over: in pieces.
grpc::ByteBuffer InPieces(std::string_view bytes) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0, piece = 1; at < bytes.size(); at += piece, piece = piece * 2 + 1)
    slices.emplace_back(std::string(bytes.substr(at, piece)));
  return {slices.data(), slices.size()};
}

std::string Bytes(const Message& message) { return message.SerializeAsString(); }

void CheckRefusal(const absl::Status& refused) {
  Require(absl::IsInvalidArgument(refused) && ReasonOf(refused) == "INVALID_REQUEST", "bad form is INVALID_REQUEST");
  const auto payload = refused.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  google::rpc::BadRequest bad;
  Require(payload && bad.ParseFromString(std::string(*payload)), "a refusal says which fields are bad");
  Require(bad.field_violations_size() > 0, "a refusal names a field");
  Require(bad.field_violations_size() <= static_cast<int>(rpc::kMaxViolations),
          "a refusal names a bounded number of fields");
  for (const auto& violation : bad.field_violations()) {
    Require(!violation.field().empty() && !violation.description().empty(), "a violation has a field and a text");
  }
  Require(rpc::ToGrpc(refused).error_details().size() <= rpc::kMaxDetailBytes, "details are bounded");
  Require(ReasonOf(rpc::FromGrpc(rpc::ToGrpc(refused))) == ReasonOf(refused), "the reason reaches the caller");
}

// Form is a fixed point: what was accepted is accepted again, unchanged.
void CheckAccepted(const Message& request, const rpc::Validator& validator) {
  Require(!testing::HasUnknownFields(request), "nothing unknown passes");
  const std::unique_ptr<Message> again(request.New());
  again->CopyFrom(request);
  Require(validator.Check(*again).ok(), "an accepted request is accepted again");
  Require(Bytes(*again) == Bytes(request), "an accepted request is not changed again");
}

void CheckMarks(const Message& request) {
  for (const auto clear : {sealing::ClearPersonal, sealing::ClearSecrets}) {
    const std::unique_ptr<Message> once(request.New());
    once->CopyFrom(request);
    clear(*once);
    const std::string cleared = Bytes(*once);
    clear(*once);
    Require(Bytes(*once) == cleared, "clearing twice is clearing once");
  }
  constexpr size_t kMaxLine = 4096 + 3;  // And the mark of the cut.
  Require(sealing::RedactedDebugString(request).size() <= kMaxLine, "a line for the log is bounded");
}

// An update's mask on a resource that stands.
void CheckUpdate(const Message& request) {
  const auto& type = *request.GetDescriptor();
  const FieldDescriptor* mask_field = type.FindFieldByName("update_mask");
  if (mask_field == nullptr || mask_field->message_type() != google::protobuf::FieldMask::descriptor()) return;
  const auto& reflection = *request.GetReflection();
  const auto& mask = static_cast<const google::protobuf::FieldMask&>(reflection.GetMessage(request, mask_field));
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->message_type() == nullptr || field->is_repeated() || field == mask_field) continue;
    const Message& from = reflection.GetMessage(request, field);
    const std::unique_ptr<Message> onto(from.New());
    testing::Fill(*onto);
    const std::string before = Bytes(*onto);
    const std::unique_ptr<Message> stood(from.New());
    stood->CopyFrom(*onto);
    const absl::Status applied = rpc::ApplyUpdateMask(*onto, from, mask);
    if (!applied.ok()) {
      Require(ReasonOf(applied) == "BAD_UPDATE_MASK", "a mask that does not fit is BAD_UPDATE_MASK");
      Require(Bytes(*onto) == before, "a refused mask changes nothing");
      continue;
    }
    const std::string after = Bytes(*onto);
    Require(rpc::ApplyUpdateMask(*onto, from, mask).ok() && Bytes(*onto) == after, "the same update twice is one");
    for (int f = 0; f < from.GetDescriptor()->field_count(); ++f) {
      const FieldDescriptor* part = from.GetDescriptor()->field(f);
      if (rpc::IsServerSet(*part)) stood->GetReflection()->SwapFields(stood.get(), onto.get(), {part});
    }
    Require(Bytes(*stood) == before, "what the server sets stays");
  }
}

}  // namespace

std::vector<std::string> Seeds() { return ChosenMessageSeeds(Types(), 3); }

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input input(data, size);
  const size_t type = input.Number(2) % Types().size();
  const std::string_view bytes = input.Rest();
  const std::unique_ptr<google::protobuf::Message> request(Types()[type]->New()), whole(Types()[type]->New());
  const bool parsed = trialog::rpc::ParseBytes(InPieces(bytes), *request);
  Require(parsed == whole->ParseFromString(std::string(bytes)), "pieces are parsed like the whole");
  if (!parsed) return 0;
  Require(Bytes(*request) == Bytes(*whole), "pieces give the message that the whole gives");
  CheckMarks(*request);
  const absl::Status checked = ValidatorOf(type).Check(*request);
  checked.ok() ? CheckAccepted(*request, ValidatorOf(type)) : CheckRefusal(checked);
  if (checked.ok()) CheckUpdate(*request);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return trialog::fuzz::MutateChosenMessage(data, size, max_size, seed, trialog::fuzz::Types());
}
