// Whom records of other services concern, kept from those services' public events: providers of a biobank, who
// registered a sample or took stock in, who asked for an analysis, and the roles that access to such records follows
// from. Decisions and rows of this service, so that a replay gives the same; docs/adr/0019 says why.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/timestamp.pb.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::trials {

// The types of public events from which something is kept.
std::vector<std::string_view> ConcernCauses();

// Adds what is to be kept of the cause and is not yet: nothing, when it is repeated. Total.
void KeepConcerns(const event::v1::PublicEvent& cause, const view::State& state, Decision& decision);

// Name of the row that says whom a record concerns.
std::string ConcernName(std::string_view record);

// Who is concerned with a record of another service by name, sorted; whether they may still see it is to be asked.
std::vector<std::string> ConcernedWith(const view::State& state, std::string_view record);

// Users with a grant of `role` in force at `time` whose scope is the record or an ancestor of it, sorted. Of each scope
// at most `limit` grants are looked at.
std::vector<std::string> HoldersOf(const view::State& state, Role role, std::string_view record,
                                   const google::protobuf::Timestamp& time, size_t limit);

// The user's grants in force at `time`, of the roles that are kept: to be asked as a caller's are.
Principal GrantsKeptOf(const view::State& state, std::string_view user, const google::protobuf::Timestamp& time);

}  // namespace trialog::trials
