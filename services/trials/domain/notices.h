// Who is to be told what when something public happened: a pure function of the event and the state, and the decision
// that the platform's reactions turn it into. Notices hold ids only; docs/notices.md has the texts that clients show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/record.pb.h"
#include "trialog/trials/v1/care_events.pb.h"

namespace trialog::trials {

// Most notices of one decision: a record is at most 512 KiB.
inline constexpr size_t kMaxNotices = 300;
// How long a notice is shown.
inline constexpr int64_t kNoticeLifetimeSeconds = 90 * int64_t{86'400};

// Some of the notices that follow from an event.
struct NoticePage {
  std::vector<v1::NotificationCreated> notices;
  std::string next;  // Where the following page starts; empty when this is the last.
};

// The types of public events that can have notices, or say whom those of others go to; the reaction loop needs to look
// at no others.
std::vector<std::string_view> NoticeCauses();

// The notices of one public event, of any service, in a fixed order; `after` is `next` of the page before. Nobody is
// told what they did themselves, nor a kind that they muted. A repeat gives the same names. Total: what the event names
// and is not there, or bytes that do not parse, give no notice.
NoticePage NoticesFor(const event::v1::PublicEvent& cause, const view::State& state, std::string_view after = {});

// What a reaction does: records the notices of one page that do not stand yet and whose time is not over, and what
// concerns.h keeps of the cause.
struct NoticesDecision {
  Decision decision;
  std::string next;  // As in NoticePage: the cause is dealt with only when a page leaves it empty.
};
NoticesDecision CreateNotices(const view::State& state, const Context& context, const event::v1::PublicEvent& cause,
                              std::string_view after = {});

}  // namespace trialog::trials
