#include "platform/rpc/validate.h"

#include <map>

#include "absl/time/civil_time.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/type/date.pb.h"
#include "platform/errors/errors.h"
#include "platform/rpc/field_behavior.h"
#include "platform/text/text.h"
#include "trialog/options.pb.h"

namespace trialog::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct MessageRules;

struct FieldRule {
  const FieldDescriptor* field = nullptr;
  bool required = false;
  bool clear = false;      // Only the server sets it.
  bool page_size = false;  // Must not be negative.
  size_t max_bytes = 0;    // Of strings and bytes.
  const MessageRules* message = nullptr;
};

struct MessageRules {
  enum class Kind { kPlain, kTimestamp, kDate };
  Kind kind = Kind::kPlain;
  std::vector<FieldRule> fields;
  // An Update request (AIP-134): the mask, and the resource that it is about.
  const FieldDescriptor* update_mask = nullptr;
};

size_t MaxBytes(const FieldDescriptor& field, const ValidationLimits& limits) {
  if (field.type() == FieldDescriptor::TYPE_BYTES) return limits.bytes_bytes;
  if (field.options().GetExtension(personal)) return limits.personal_string_bytes;
  if (field.options().GetExtension(secret)) return limits.secret_string_bytes;
  for (std::string_view query : {"filter", "order_by", "page_token", "resume_token"})
    if (field.name() == query) return limits.query_string_bytes;
  return limits.string_bytes;
}

// Whether absence can be told from a value: a required number or bool cannot be missing in proto3.
bool CanBeMissing(const FieldDescriptor& field) {
  return field.is_repeated() || field.has_presence() || field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
}

bool IsUpdateMask(const FieldDescriptor& field) {
  return field.name() == "update_mask" && field.message_type() == google::protobuf::FieldMask::descriptor();
}

// What was found wrong so far, and where the walk stands.
struct Findings {
  std::vector<FieldViolation> violations;
  std::string path;

  bool full() const { return violations.size() >= kMaxViolations; }
  void Add(std::string_view what) {
    if (!full()) violations.push_back({path, std::string(what)});
  }
};

// Appends a step to the path for as long as it lives.
class Step {
 public:
  Step(Findings& findings, const FieldDescriptor& field, int index)
      : findings_(findings), length_(findings.path.size()) {
    Append(findings_.path, length_ == 0 ? "" : ".", field.name());
    if (index >= 0) Append(findings_.path, "[", index, "]");
  }
  ~Step() { findings_.path.resize(length_); }

 private:
  Findings& findings_;
  const size_t length_;
};

void CheckTimestamp(const Message& message, Findings& findings) {
  const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
  constexpr int64_t kFirst = -62'135'596'800, kLast = 253'402'300'799;  // Years 1 to 9999 (timestamp.proto).
  if (time.seconds() < kFirst || time.seconds() > kLast || time.nanos() < 0 || time.nanos() > 999'999'999)
    findings.Add("is not a time between the years 1 and 9999");
}

void CheckDate(const Message& message, Findings& findings) {
  const auto& date = static_cast<const google::type::Date&>(message);
  const auto bad = [&] { findings.Add("is not a date of the calendar"); };
  if (date.year() < 0 || date.year() > 9999 || date.month() < 0 || date.month() > 12 || date.day() < 0) return bad();
  if (date.day() == 0) return;                             // A month or a year (date.proto).
  if (date.month() == 0) return bad();                     // A day of no month.
  const int year = date.year() == 0 ? 2000 : date.year();  // Yearly day: 29 February counts.
  const absl::CivilDay day(year, date.month(), date.day());
  if (day.month() != date.month() || day.day() != date.day()) bad();
}

// The fields of an update that must be there, or null when all that are REQUIRED must.
using Named = const google::protobuf::FieldMask*;

bool Names(Named mask, const FieldDescriptor& field) {
  if (mask == nullptr) return true;
  return std::any_of(mask->paths().begin(), mask->paths().end(),
                     [&](const std::string& path) { return path == "*" || path == field.name(); });
}

class Walk {
 public:
  Walk(const ValidationLimits& limits, Findings& findings) : limits_(limits), findings_(findings) {}

  void Check(Message& message, const MessageRules& rules, int depth, Named named = nullptr) {
    if (findings_.full()) return;
    if (depth > limits_.depth) return findings_.Add("is nested too deep");
    const Reflection& reflection = *message.GetReflection();
    if (!reflection.GetUnknownFields(message).empty()) reflection.MutableUnknownFields(&message)->Clear();
    if (rules.kind == MessageRules::Kind::kTimestamp) return CheckTimestamp(message, findings_);
    if (rules.kind == MessageRules::Kind::kDate) return CheckDate(message, findings_);

    Named mask = nullptr;
    if (rules.update_mask != nullptr && reflection.HasField(message, rules.update_mask))
      mask = &static_cast<const google::protobuf::FieldMask&>(reflection.GetMessage(message, rules.update_mask));
    if (mask != nullptr && mask->paths().empty()) mask = nullptr;
    for (const FieldRule& rule : rules.fields) CheckField(message, reflection, rule, depth, named, mask);
  }

 private:
  void CheckField(Message& message, const Reflection& reflection, const FieldRule& rule, int depth, Named named,
                  Named mask) {
    const FieldDescriptor& field = *rule.field;
    if (rule.clear) return reflection.ClearField(&message, &field);
    const int size = field.is_repeated() ? reflection.FieldSize(message, &field) : 0;
    const bool set = field.is_repeated() ? size > 0 : reflection.HasField(message, &field);
    if (!set) {
      if (rule.required && Names(named, field)) {
        Step step(findings_, field, -1);
        findings_.Add("is required");
      }
      return;
    }
    if (!field.is_repeated()) return CheckValue(message, reflection, rule, -1, depth, mask);
    if (size > limits_.repeated_elements) {
      Step step(findings_, field, -1);
      return findings_.Add(Cat("has more than ", limits_.repeated_elements, " elements"));
    }
    for (int i = 0; i < size && !findings_.full(); ++i) CheckValue(message, reflection, rule, i, depth, nullptr);
  }

  // One value: that of a singular field when `index` is -1.
  void CheckValue(Message& message, const Reflection& reflection, const FieldRule& rule, int index, int depth,
                  Named mask) {
    const FieldDescriptor& field = *rule.field;
    const bool element = index >= 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        const std::string& text = element ? reflection.GetRepeatedStringReference(message, &field, index, &scratch)
                                          : reflection.GetStringReference(message, &field, &scratch);
        if (text.size() > rule.max_bytes) Complain(field, index, Cat("is longer than ", rule.max_bytes, " bytes"));
        return;
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number = element ? reflection.GetRepeatedEnumValue(message, &field, index)
                                   : reflection.GetEnumValue(message, &field);
        if (field.enum_type()->FindValueByNumber(number) == nullptr)
          Complain(field, index, Cat("has no value with the number ", number));
        return;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Step step(findings_, field, index);
        Message* child = element ? reflection.MutableRepeatedMessage(&message, &field, index)
                                 : reflection.MutableMessage(&message, &field);
        return Check(*child, *rule.message, depth + 1, mask);
      }
      case FieldDescriptor::CPPTYPE_INT32:
        if (rule.page_size && reflection.GetInt32(message, &field) < 0) Complain(field, index, "is negative");
        return;
      default:
        return;
    }
  }

  void Complain(const FieldDescriptor& field, int index, std::string_view what) {
    Step step(findings_, field, index);
    findings_.Add(what);
  }

  const ValidationLimits& limits_;
  Findings& findings_;
};

}  // namespace

struct Validator::Plan {
  ValidationLimits limits;
  std::map<const Descriptor*, MessageRules> types;  // Stable addresses: rules point at each other.
  const MessageRules* root = nullptr;

  const MessageRules* Add(const Descriptor& type) {
    auto [it, added] = types.try_emplace(&type);
    MessageRules& rules = it->second;
    if (!added) return &rules;
    if (&type == google::protobuf::Timestamp::descriptor()) rules.kind = MessageRules::Kind::kTimestamp;
    if (&type == google::type::Date::descriptor()) rules.kind = MessageRules::Kind::kDate;
    for (int i = 0; i < type.field_count(); ++i) AddField(*type.field(i), rules);
    return &rules;
  }

  void AddField(const FieldDescriptor& field, MessageRules& rules) {
    if (IsUpdateMask(field)) rules.update_mask = &field;
    FieldRule rule{.field = &field};
    // A resource's name and etag say which state of which record a caller means, whoever sets them.
    const bool identifies = field.name() == "name" || field.name() == "etag";
    rule.clear = Behaves(field, google::api::OUTPUT_ONLY) && !identifies;
    rule.required = Behaves(field, google::api::REQUIRED) && CanBeMissing(field);
    rule.page_size =
        field.name() == "page_size" && field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 && !field.is_repeated();
    rule.max_bytes = MaxBytes(field, limits);
    if (field.message_type() != nullptr && !rule.clear) rule.message = Add(*field.message_type());
    const bool scalar = field.cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
                        field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM && field.message_type() == nullptr;
    if (scalar && !field.is_repeated() && !rule.clear && !rule.required && !rule.page_size) return;  // Cannot be wrong.
    rules.fields.push_back(rule);
  }
};

Validator::Validator(const Descriptor& type, const ValidationLimits& limits) {
  auto plan = std::make_unique<Plan>();
  plan->limits = limits;
  plan->root = plan->Add(type);
  plan_ = std::move(plan);
}
Validator::~Validator() = default;
Validator::Validator(Validator&&) noexcept = default;

absl::Status Validator::Check(Message& request) const {
  Findings findings;
  Walk(plan_->limits, findings).Check(request, *plan_->root, 1);
  return findings.violations.empty() ? absl::OkStatus() : BadFields("INVALID_REQUEST", findings.violations);
}

}  // namespace trialog::rpc
