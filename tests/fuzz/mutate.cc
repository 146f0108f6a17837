#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/filled_message.h"

namespace trialog::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int64_t kNumbers[] = {0,
                                1,
                                -1,
                                2,
                                9,
                                10,
                                63,
                                64,
                                255,
                                256,
                                1000,
                                INT32_MAX,
                                INT32_MIN,
                                INT64_MAX,
                                INT64_MIN,
                                253'402'300'799,
                                253'402'300'800,
                                -62'135'596'800,
                                -62'135'596'801,
                                1'767'225'600};
constexpr std::string_view kTexts[] = {"",
                                       "-",
                                       "*",
                                       "a",
                                       "0",
                                       ".",
                                       "/",
                                       "organizations/o",
                                       "organizations/o/",
                                       "organizations/o/biobanks/b",
                                       "organizations/o/trials/t/subjects/s",
                                       "organizations/o/patients/p",
                                       "\u00e9",
                                       "\u2028",
                                       "\U0001f600",
                                       "A B",
                                       "\t"};

int64_t Number(Random& random) {
  if (Pick(random, 4) == 0) return static_cast<int64_t>(random() >> Pick(random, 64));
  return kNumbers[Pick(random, std::size(kNumbers))];
}

std::string NewText(Random& random, const std::string& old) {
  switch (Pick(random, 6)) {
    case 0:
      return old.size() < 1 << 14 ? old + old : old;
    case 1:
      return old.empty() ? "x" : old.substr(0, Pick(random, old.size()));
    case 2:
      return std::string(size_t{1} << Pick(random, 12), 'x');
    case 3:
      return Cat(Number(random));
    default:
      return std::string(kTexts[Pick(random, std::size(kTexts))]);
  }
}

// A text that stays UTF-8: only bytes of ASCII are changed one by one.
std::string ChangedText(Random& random, std::string text) {
  if (text.empty() || Pick(random, 2) == 0) return NewText(random, text);
  char& c = text[Pick(random, text.size())];
  if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(Pick(random, 0x80));
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) text.pop_back();
  return text;
}

class MessageChange {
 public:
  MessageChange(Message& message, Random& random)
      : message_(message), random_(random), reflection_(*message.GetReflection()) {}

  void Make() {
    const auto& type = *message_.GetDescriptor();
    if (type.field_count() == 0) return;
    std::vector<const FieldDescriptor*> set;
    reflection_.ListFields(message_, &set);
    // Deeper messages hold most of what there is to change.
    if (Pick(random_, 4) != 0 && Descend(set)) return;
    const bool known = !set.empty() && Pick(random_, 3) != 0;
    const FieldDescriptor& field =
        known ? *set[Pick(random_, set.size())] : *type.field(static_cast<int>(Pick(random_, type.field_count())));
    field.is_repeated() ? ChangeList(field) : ChangeField(field);
  }

 private:
  bool Descend(const std::vector<const FieldDescriptor*>& set) {
    std::vector<Message*> below;
    for (const FieldDescriptor* field : set) {
      if (field->message_type() == nullptr) continue;
      if (!field->is_repeated()) below.push_back(reflection_.MutableMessage(&message_, field));
      for (int i = 0; field->is_repeated() && i < reflection_.FieldSize(message_, field); ++i)
        below.push_back(reflection_.MutableRepeatedMessage(&message_, field, i));
    }
    if (below.empty()) return false;
    MessageChange(*below[Pick(random_, below.size())], random_).Make();
    return true;
  }

  void ChangeField(const FieldDescriptor& field) {
    if (Pick(random_, 5) == 0) return reflection_.ClearField(&message_, &field);
    Set(field, -1);
  }

  void ChangeList(const FieldDescriptor& field) {
    const int size = reflection_.FieldSize(message_, &field);
    const int at = size == 0 ? 0 : static_cast<int>(Pick(random_, size));
    switch (Pick(random_, 5)) {
      case 0:
        return reflection_.ClearField(&message_, &field);
      case 1:
        if (size > 0) reflection_.RemoveLast(&message_, &field);
        return;
      case 2:
        if (size > 1) reflection_.SwapElements(&message_, &field, at, size - 1);
        return;
      case 3:
        if (size > 0) return Set(field, at);
        [[fallthrough]];
      default:
        Add(field, size > 0 && field.message_type() != nullptr ? at : -1);
    }
  }

  // Adds an element: a copy of the one at `copied`, or a new one.
  void Add(const FieldDescriptor& field, int copied) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message& added = *reflection_.AddMessage(&message_, &field);
        if (copied >= 0) {
          added.CopyFrom(reflection_.GetRepeatedMessage(message_, &field, copied));
        } else {
          testing::Fill(added, static_cast<int>(Pick(random_, 64)));
        }
        return;
      }
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection_.AddString(&message_, &field, "");
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection_.AddInt32(&message_, &field, static_cast<int32_t>(Number(random_)));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection_.AddInt64(&message_, &field, Number(random_));
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection_.AddUInt32(&message_, &field, static_cast<uint32_t>(Number(random_)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection_.AddUInt64(&message_, &field, static_cast<uint64_t>(Number(random_)));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return reflection_.AddDouble(&message_, &field, Real());
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection_.AddFloat(&message_, &field, static_cast<float>(Real()));
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection_.AddBool(&message_, &field, Pick(random_, 2) == 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection_.AddEnumValue(&message_, &field, EnumValue(field));
    }
  }

  // Sets a field, or its element at `index` when that is not -1.
  void Set(const FieldDescriptor& field, int index) {
    const bool list = index >= 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message& child = list ? *reflection_.MutableRepeatedMessage(&message_, &field, index)
                              : *reflection_.MutableMessage(&message_, &field);
        return Pick(random_, 2) == 0 ? testing::Fill(child, static_cast<int>(Pick(random_, 64)))
                                     : MessageChange(child, random_).Make();
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text =
            list ? reflection_.GetRepeatedString(message_, &field, index) : reflection_.GetString(message_, &field);
        if (field.type() == FieldDescriptor::TYPE_BYTES && Pick(random_, 2) == 0) {
          MutateBytes(text, random_, {});
        } else {
          text = ChangedText(random_, std::move(text));
        }
        return list ? reflection_.SetRepeatedString(&message_, &field, index, std::move(text))
                    : reflection_.SetString(&message_, &field, std::move(text));
      }
      case FieldDescriptor::CPPTYPE_INT32: {
        const auto number = static_cast<int32_t>(Number(random_));
        return list ? reflection_.SetRepeatedInt32(&message_, &field, index, number)
                    : reflection_.SetInt32(&message_, &field, number);
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        const int64_t number = Number(random_);
        return list ? reflection_.SetRepeatedInt64(&message_, &field, index, number)
                    : reflection_.SetInt64(&message_, &field, number);
      }
      case FieldDescriptor::CPPTYPE_UINT32: {
        const auto number = static_cast<uint32_t>(Number(random_));
        return list ? reflection_.SetRepeatedUInt32(&message_, &field, index, number)
                    : reflection_.SetUInt32(&message_, &field, number);
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        const auto number = static_cast<uint64_t>(Number(random_));
        return list ? reflection_.SetRepeatedUInt64(&message_, &field, index, number)
                    : reflection_.SetUInt64(&message_, &field, number);
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        const double number = Real();
        return list ? reflection_.SetRepeatedDouble(&message_, &field, index, number)
                    : reflection_.SetDouble(&message_, &field, number);
      }
      case FieldDescriptor::CPPTYPE_FLOAT: {
        const auto number = static_cast<float>(Real());
        return list ? reflection_.SetRepeatedFloat(&message_, &field, index, number)
                    : reflection_.SetFloat(&message_, &field, number);
      }
      case FieldDescriptor::CPPTYPE_BOOL: {
        const bool value = Pick(random_, 2) == 0;
        return list ? reflection_.SetRepeatedBool(&message_, &field, index, value)
                    : reflection_.SetBool(&message_, &field, value);
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        return list ? reflection_.SetRepeatedEnumValue(&message_, &field, index, EnumValue(field))
                    : reflection_.SetEnumValue(&message_, &field, EnumValue(field));
    }
  }

  double Real() {
    constexpr double kReals[] = {0.0, -0.0, 1.0, -1.0, 0.05, 1e-300, 1e300};
    switch (Pick(random_, 6)) {
      case 0:
        return std::numeric_limits<double>::quiet_NaN();
      case 1:
        return std::numeric_limits<double>::infinity();
      case 2:
        return static_cast<double>(Number(random_));
      default:
        return kReals[Pick(random_, std::size(kReals))];
    }
  }

  int EnumValue(const FieldDescriptor& field) {
    if (Pick(random_, 6) == 0) return static_cast<int>(Number(random_));
    const auto& type = *field.enum_type();
    return type.value(static_cast<int>(Pick(random_, type.value_count())))->number();
  }

  Message& message_;
  Random& random_;
  const Reflection& reflection_;
};

// One change of bytes that are not empty.
void ChangeBytes(std::string& bytes, Random& random, const std::vector<std::string>& others) {
  const size_t at = Pick(random, bytes.size());
  const size_t length = std::min(bytes.size() - at, 1 + (Pick(random, 2) == 0 ? Pick(random, 4) : Pick(random, 64)));
  switch (Pick(random, 8)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << Pick(random, 8));
      return;
    case 1:
      bytes[at] = static_cast<char>(random());
      return;
    case 2:
      bytes.erase(at, length);
      return;
    case 3:
      bytes.insert(at, 1 + Pick(random, 4), static_cast<char>(random()));
      return;
    case 4:  // A number of 1, 2, 4 or 8 bytes.
      for (size_t i = at, end = std::min(bytes.size(), at + (size_t{1} << Pick(random, 4))); i < end; ++i)
        bytes[i] = static_cast<char>(0xff * Pick(random, 2));
      return;
    case 5:
      bytes.insert(Pick(random, bytes.size()), bytes.substr(at, length));
      return;
    case 6:
      bytes.resize(at);
      return;
    default:
      if (others.empty()) return;
      const std::string& other = others[Pick(random, others.size())];
      const size_t from = other.empty() ? 0 : Pick(random, other.size());
      Pick(random, 2) == 0 ? bytes.insert(at, other.substr(from, length))
                           : bytes.replace(at, length, other.substr(from, length));
  }
}

}  // namespace

void MutateBytes(std::string& bytes, Random& random, const std::vector<std::string>& others) {
  for (size_t changes = 1 + Pick(random, 4); changes > 0; --changes) {
    if (bytes.empty()) bytes.assign(1 + Pick(random, 8), static_cast<char>(random()));
    ChangeBytes(bytes, random, others);
  }
}

void MutateMessage(Message& message, Random& random) { MessageChange(message, random).Make(); }

size_t GiveBack(const std::string& input, uint8_t* data, size_t max_size) {
  if (input.size() > max_size) return 0;
  std::memcpy(data, input.data(), input.size());
  return input.size();
}

size_t MutateChosenMessage(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                           const std::vector<const Message*>& types) {
  Random random(seed);
  const size_t how = Pick(random, 16);
  if (how < 2) return LLVMFuzzerMutate(data, size, max_size);
  Input input(data, size);
  size_t chosen = input.Number(2) % types.size();
  if (how == 2) chosen = Pick(random, types.size());
  const std::unique_ptr<Message> message(types[chosen]->New());
  message->ParsePartialFromString(std::string(input.Rest()));
  for (size_t changes = 1 + Pick(random, 3); changes > 0; --changes) MutateMessage(*message, random);
  const size_t given = GiveBack(Big(chosen, 2) + message->SerializePartialAsString(), data, max_size);
  return given != 0 ? given : LLVMFuzzerMutate(data, size, max_size);
}

size_t MutateMessageList(uint8_t* data, size_t size, size_t max_size, unsigned seed, const MessageList& list) {
  Random random(seed);
  const size_t how = Pick(random, 16);
  Input input(data, size);
  const uint8_t first = input.Byte();
  std::vector<std::string> parts;
  while (!input.empty()) parts.emplace_back(input.Text());
  if (how == 0 || parts.empty()) return LLVMFuzzerMutate(data, size, max_size);

  const size_t at = Pick(random, parts.size());
  if (!list.fixed && how < 6) {
    if (how == 1) parts.erase(parts.begin() + static_cast<ptrdiff_t>(at));
    if (how == 2) parts.insert(parts.begin() + static_cast<ptrdiff_t>(Pick(random, parts.size() + 1)), parts[at]);
    if (how == 3) std::swap(parts[at], parts.back());
    if (how > 3) {
      const std::unique_ptr<Message> added(list.type_of(first, at)->New());
      testing::Fill(*added, static_cast<int>(Pick(random, 256)));
      parts.insert(parts.begin() + static_cast<ptrdiff_t>(at), added->SerializeAsString());
    }
  } else if (const Message* type = list.type_of(first, at)) {
    const std::unique_ptr<Message> message(type->New());
    message->ParsePartialFromString(parts[at]);
    for (size_t changes = 1 + Pick(random, 3); changes > 0; --changes) MutateMessage(*message, random);
    parts[at] = message->SerializePartialAsString();
  }
  std::string out(1, static_cast<char>(first));
  for (const std::string& part : parts) out += Part(part);
  const size_t given = GiveBack(out, data, max_size);
  return given != 0 ? given : LLVMFuzzerMutate(data, size, max_size);
}

std::vector<std::string> ChosenMessageSeeds(const std::vector<const Message*>& types, int variants) {
  std::vector<std::string> seeds;
  for (size_t i = 0; i < types.size(); ++i) {
    seeds.push_back(Big(i, 2));
    for (int variant = 0; variant < variants; ++variant) {
      const std::unique_ptr<Message> message(types[i]->New());
      testing::Fill(*message, variant);
      std::string seed = Big(i, 2) + message->SerializeAsString();
      if (seed != seeds.back()) seeds.push_back(std::move(seed));
    }
  }
  return seeds;
}

}  // namespace trialog::fuzz
