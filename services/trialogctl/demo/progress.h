// How far a run of the demo came, kept in a file, so that one begun again goes on there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace trialog::ctl::demo {

class Progress {
 public:
  // What the file says; nothing done where there is none, or where `path` is empty: then nothing is kept either.
  // FAILED_PRECONDITION, reason DEMO_STATE, when the file is not the demo's or is damaged, saying where.
  static absl::StatusOr<Progress> Load(const std::string& path);

  bool Has(std::string_view step) const;
  // Names of steps are for ever: a newer program reads an older file.
  absl::Status Done(const std::string& step);

  // What another file's run made stays what it is: DEMO_STATE where the state is of data with another digest.
  absl::Status UseData(const std::string& digest);

  // A note of the audit log from the demo's start; empty before.
  const std::string& checkpoint() const { return checkpoint_; }
  absl::Status KeepCheckpoint(const std::string& note);

  // Whether there is a file, and so something from earlier runs.
  bool kept() const { return !path_.empty(); }

 private:
  explicit Progress(std::string path) : path_(std::move(path)) {}
  absl::Status Parse(const std::string& text);
  absl::Status Save() const;
  absl::Status Bad(std::string_view why) const;

  std::string path_;
  std::vector<std::string> done_;
  std::optional<std::string> data_;
  std::string checkpoint_;
};

}  // namespace trialog::ctl::demo
