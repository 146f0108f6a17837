#include "platform/service/watch_answer.h"

#include <memory>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "platform/service/fields.h"

namespace trialog::service {
namespace {

using google::protobuf::Message;
using google::protobuf::internal::WireFormatLite;

void AppendTag(std::string& out, int field, WireFormatLite::WireType type, uint32_t value) {
  uint8_t bytes[2 * 5];
  using google::protobuf::io::CodedOutputStream;
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(WireFormatLite::MakeTag(field, type), bytes);
  end = CodedOutputStream::WriteVarint32ToArray(value, end);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(end - bytes));
}

}  // namespace

std::string WatchAnswer::Element(ChangeKind kind, const std::string& name, Message* resource) const {
  const std::unique_ptr<Message> element(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(change_)->New());
  const auto* reflection = element->GetReflection();
  reflection->SetEnumValue(element.get(), change_->FindFieldByName("kind"), static_cast<int>(kind));
  SetStringField(*element, "name", name);
  if (resource != nullptr) {
    Message* field =
        reflection->MutableMessage(element.get(), FieldOfType(*change_, *resource->GetDescriptor(), false));
    field->GetReflection()->Swap(field, resource);
  }
  std::string bytes;
  AppendTag(bytes, changes_, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, static_cast<uint32_t>(element->ByteSizeLong()));
  element->AppendToString(&bytes);
  return bytes;
}

void WatchAnswer::AppendResumeToken(std::string_view token, std::string& answer) const {
  AppendTag(answer, resume_token_, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, static_cast<uint32_t>(token.size()));
  answer += token;
}

void WatchAnswer::AppendInitialDone(std::string& answer) const {
  AppendTag(answer, initial_done_, WireFormatLite::WIRETYPE_VARINT, 1);
}

}  // namespace trialog::service
