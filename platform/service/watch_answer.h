// The bytes of a Watch method's answers. They are put together from elements that streams share, each rendered once, so
// the message is written field by field here instead of being built.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace trialog::service {

// Kinds of change; the numbers of each Watch response's Change.Kind.
enum class ChangeKind { kCreate = 1, kUpdate = 2, kEnter = 3, kLeave = 4, kDelete = 5 };

// Of one method: every Watch response has these fields.
class WatchAnswer {
 public:
  explicit WatchAnswer(const google::protobuf::Descriptor& answer)
      : change_(answer.FindFieldByName("changes")->message_type()),
        changes_(answer.FindFieldByName("changes")->number()),
        resume_token_(answer.FindFieldByName("resume_token")->number()),
        initial_done_(answer.FindFieldByName("initial_done")->number()) {}

  // One element of `changes`. `resource` is taken out of; null when it left or is gone.
  std::string Element(ChangeKind kind, const std::string& name, google::protobuf::Message* resource) const;
  // Both append to an answer of elements.
  void AppendResumeToken(std::string_view token, std::string& answer) const;
  void AppendInitialDone(std::string& answer) const;

 private:
  const google::protobuf::Descriptor* const change_;
  const int changes_, resume_token_, initial_done_;
};

}  // namespace trialog::service
