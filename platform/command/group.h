// Commands that are decided together and appended as one request.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/command/command.h"
#include "platform/view/state.h"

namespace trialog {

// A command that became a record of a group.
struct Pending {
  std::unique_ptr<Command> command;
  std::vector<std::unique_ptr<Command>> joined;  // Retries that came while it was pending.
  event::v1::Data data;
  std::string bytes;
};

struct Answer {
  std::unique_ptr<Command> command;
  absl::StatusOr<Outcome> outcome;
};

// Decided on the committed state or, while another group is in flight, on what that one will make of it.
struct Group {
  explicit Group(std::unique_ptr<view::State> committed) : base(std::move(committed)), changes(base.get()) {}
  // `in_flight` stays where it is until Rebase.
  explicit Group(Group& in_flight) : changes(&in_flight.changes), before(&in_flight) {}

  // The group in flight was committed: goes on over the state that holds it.
  void Rebase(std::unique_ptr<view::State> committed) {
    changes.Rebase(committed.get());
    base = std::move(committed);
    before = nullptr;
  }

  // The last record decided, here or in the group in flight; null when that is the store's.
  const Pending* Last() const {
    if (!records.empty()) return &records.back();
    return before ? before->Last() : nullptr;
  }

  // The pending command of this request key, here or in the group in flight, or null.
  Pending* Find(const std::string& request_key) {
    const auto found = by_request.find(request_key);
    if (found != by_request.end()) return &records[found->second];
    return before ? before->Find(request_key) : nullptr;
  }

  void Add(Pending pending) {
    bytes += pending.bytes.size();
    if (!pending.data.request_key().empty()) by_request[pending.data.request_key()] = records.size();
    records.push_back(std::move(pending));
  }

  // Decided on pending records, a rejection waits for them; with rivals, always for a record that follows it.
  void Reject(std::unique_ptr<Command> command, absl::Status status) {
    (rivals || Last() ? conditional : answers).push_back({std::move(command), std::move(status)});
  }

  // Answers the commands for which `ends` holds. Their records stay.
  void Take(const std::function<bool(const Command&)>& ends, const absl::Status& answer) {
    const auto end = [&](std::unique_ptr<Command>& command) {
      if (!command || !ends(*command)) return false;
      std::exchange(command, nullptr)->done(answer);
      return true;
    };
    for (Pending& pending : records) {
      end(pending.command);
      std::erase_if(pending.joined, end);
    }
    std::erase_if(answers, [&](Answer& each) { return end(each.command); });
    std::erase_if(conditional, [&](Answer& each) { return end(each.command); });
  }

  std::unique_ptr<view::State> base;  // Null while another group is in flight.
  view::ChangeSet changes;
  std::vector<Pending> records;
  std::vector<Answer> answers;               // They follow from the store alone.
  std::vector<Answer> conditional;           // They wait until the group is admitted.
  std::map<std::string, size_t> by_request;  // Into records.
  size_t bytes = 0;
  Group* before = nullptr;
  bool rivals = false;  // Another process may own the partition by now, unseen.
};

}  // namespace trialog
