// One sentence about an event for people who read the audit log. Made of the event's type and the record's name alone,
// so that it cannot hold personal data.
#pragma once

#include <string>
#include <string_view>

#include "trialog/event/v1/record.pb.h"

namespace trialog::audit {

// "trialog.inventory.v1.SampleMoved" about ".../samples/S-1" → "Sample moved: S-1".
std::string Summarize(std::string_view type, std::string_view entity);

// Of a read of personal fields, a refused access or a failed sign-in.
std::string SummarizeAccess(const event::v1::Access& access);

// "ProtocolAdherenceRecorded" → "Protocol adherence recorded".
std::string Words(std::string_view camel_case);

// "/trialog.inventory.v1.SampleService/MoveSample" → "MoveSample"; a reaction's or timer's name as it is.
std::string_view ActionOf(std::string_view method);

}  // namespace trialog::audit
