#include "tests/support/filled_message.h"

#include <map>

#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "platform/text/text.h"

namespace trialog::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

constexpr int kElements = 2;
constexpr int kPlain = 1000;
constexpr int kWithinItself = 2;  // How often a type may stand within itself.

class Filler {
 public:
  explicit Filler(int variant) : variant_(variant) {}

  void Fill(Message& message) {
    const Descriptor& type = *message.GetDescriptor();
    int& depth = depth_[&type];
    if (depth >= kWithinItself) return;
    ++depth;
    ++level_;
    if (&type == google::protobuf::Timestamp::descriptor()) {
      FillTime(static_cast<google::protobuf::Timestamp&>(message));
    } else if (&type == google::type::Date::descriptor()) {
      FillDate(static_cast<google::type::Date&>(message));
    } else {
      for (int i = 0; i < type.field_count(); ++i) {
        if (IsChosen(*type.field(i))) FillField(message, *type.field(i));
      }
    }
    --level_;
    --depth;
  }

 private:
  bool IsChosen(const FieldDescriptor& field) const {
    const OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof == nullptr) return true;
    // Beyond kPlain the choices within shift against the outer one, whatever factors their numbers share.
    const int chosen = (variant_ + (level_ - 1) * (variant_ / kPlain)) % oneof->field_count();
    return oneof->field(chosen) == &field;
  }

  static void FillTime(google::protobuf::Timestamp& time) {
    time.set_seconds(1'767'225'600);  // 2026-01-01T00:00:00Z
    time.set_nanos(250'000'000);
  }
  static void FillDate(google::type::Date& date) {
    date.set_year(2024);
    date.set_month(2);
    date.set_day(29);
  }

  void FillField(Message& message, const FieldDescriptor& field) {
    const int elements = field.is_repeated() ? kElements : 1;
    for (int i = 0; i < elements; ++i) FillValue(message, field, i + 1);
  }

  // `n` counts the elements of a list, from 1.
  void FillValue(Message& message, const FieldDescriptor& field, int n) {
    const Reflection& to = *message.GetReflection();
    const bool list = field.is_repeated();
    const int number = field.number() * 10 + n;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return list ? to.AddInt32(&message, &field, number) : to.SetInt32(&message, &field, number);
      case FieldDescriptor::CPPTYPE_INT64:
        return list ? to.AddInt64(&message, &field, number) : to.SetInt64(&message, &field, number);
      case FieldDescriptor::CPPTYPE_UINT32:
        return list ? to.AddUInt32(&message, &field, static_cast<uint32_t>(number))
                    : to.SetUInt32(&message, &field, static_cast<uint32_t>(number));
      case FieldDescriptor::CPPTYPE_UINT64:
        return list ? to.AddUInt64(&message, &field, static_cast<uint64_t>(number))
                    : to.SetUInt64(&message, &field, static_cast<uint64_t>(number));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return list ? to.AddDouble(&message, &field, number + 0.5) : to.SetDouble(&message, &field, number + 0.5);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return list ? to.AddFloat(&message, &field, static_cast<float>(number) + 0.5f)
                    : to.SetFloat(&message, &field, static_cast<float>(number) + 0.5f);
      case FieldDescriptor::CPPTYPE_BOOL:
        return list ? to.AddBool(&message, &field, true) : to.SetBool(&message, &field, true);
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto& type = *field.enum_type();
        // The first value is "unspecified" and would not be stored.
        const int value = type.value_count() == 1 ? 0 : 1 + (variant_ + n - 1) % (type.value_count() - 1);
        return list ? to.AddEnumValue(&message, &field, type.value(value)->number())
                    : to.SetEnumValue(&message, &field, type.value(value)->number());
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text = Cat(field.name(), " ", number);
        return list ? to.AddString(&message, &field, std::move(text)) : to.SetString(&message, &field, std::move(text));
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (list && depth_[field.message_type()] >= kWithinItself) return;
        return Fill(list ? *to.AddMessage(&message, &field) : *to.MutableMessage(&message, &field));
    }
  }

  const int variant_;
  int level_ = 0;  // Messages that are being filled, one within the other.
  std::map<const Descriptor*, int> depth_;
};

// Calls `visit` with each message within `message`, itself included.
template <typename Visit>
void ForEachMessage(const Message& message, const Visit& visit) {
  visit(message);
  const Reflection& from = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  from.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr) continue;
    const int size = field->is_repeated() ? from.FieldSize(message, field) : 0;
    for (int i = 0; i < size; ++i) ForEachMessage(from.GetRepeatedMessage(message, field, i), visit);
    if (!field->is_repeated()) ForEachMessage(from.GetMessage(message, field), visit);
  }
}

void AddFields(const Descriptor& type, FieldSet& fields) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (fields.insert(field).second && field->message_type() != nullptr) AddFields(*field->message_type(), fields);
  }
}

}  // namespace

void Fill(Message& message, int variant) { Filler(variant).Fill(message); }

FieldSet FieldsSet(const Message& message) {
  FieldSet set;
  ForEachMessage(message, [&](const Message& part) {
    std::vector<const FieldDescriptor*> fields;
    part.GetReflection()->ListFields(part, &fields);
    set.insert(fields.begin(), fields.end());
  });
  return set;
}

FieldSet AllFields(const Descriptor& type) {
  FieldSet fields;
  AddFields(type, fields);
  return fields;
}

bool HasUnknownFields(const Message& message) {
  bool unknown = false;
  ForEachMessage(message,
                 [&](const Message& part) { unknown |= !part.GetReflection()->GetUnknownFields(part).empty(); });
  return unknown;
}

}  // namespace trialog::testing
