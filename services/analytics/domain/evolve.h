// What analytics' events do to its rows, and the domain as the platform knows it.
#pragma once

#include "platform/command/decision.h"
#include "trialog/analytics/v1/events.pb.h"

namespace trialog::analytics {

// Total: it never refuses; an event about a record that is not there changes nothing.
void Evolve(view::ChangeSet& state, const v1::AnalyticsEvent& event);

const Domain& AnalyticsDomain();

}  // namespace trialog::analytics
