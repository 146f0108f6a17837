#include "services/trialogctl/demo/progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trialogctl/demo/proof.h"
#include "services/trialogctl/secret_files.h"

namespace trialog::ctl::demo {

using nlohmann::json;

absl::StatusOr<Progress> Progress::Load(const std::string& path) {
  Progress progress(path);
  if (path.empty()) return progress;
  auto text = ReadSecretFile(path);
  if (absl::IsNotFound(text.status())) return progress;
  if (!text.ok()) return text.status();
  if (absl::Status parsed = progress.Parse(*text); !parsed.ok()) return parsed;
  return progress;
}

absl::Status Progress::Parse(const std::string& text) {
  const json state = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!state.is_object() || !state.contains("done")) return Bad("is not the demo's");
  for (const auto& [member, value] : state.items()) {
    if (member == "done") {
      const auto is_text = [](const json& step) { return step.is_string(); };
      if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) {
        return Bad("is damaged: \"done\" is no list of texts");
      }
      done_ = value.get<std::vector<std::string>>();
    } else if (member == "data" || member == "checkpoint") {
      if (!value.is_string()) return Bad(Cat("is damaged: \"", member, "\" is no text"));
      if (member == "data") {
        data_ = value.get<std::string>();
      } else {
        checkpoint_ = value.get<std::string>();
      }
    } else {
      // Saving would drop it: of a newer program, or no file of ours.
      return Bad(Cat("is not the demo's, or a newer one's: \"", member, "\" is unknown"));
    }
  }
  if (!checkpoint_.empty() && !IsCheckpoint(checkpoint_)) return Bad("is damaged: \"checkpoint\" is no checkpoint");
  return absl::OkStatus();
}

bool Progress::Has(std::string_view step) const { return std::find(done_.begin(), done_.end(), step) != done_.end(); }

absl::Status Progress::Done(const std::string& step) {
  done_.push_back(step);
  return Save();
}

absl::Status Progress::UseData(const std::string& digest) {
  if (data_.value_or(digest) != digest) {
    return Bad(
        "is of a demo with other data: give that file as --data, or load this one into an organization of its own, "
        "with a --state of its own");
  }
  data_ = digest;
  return Save();
}

absl::Status Progress::KeepCheckpoint(const std::string& note) {
  checkpoint_ = note;
  return Save();
}

absl::Status Progress::Save() const {
  if (path_.empty()) return absl::OkStatus();
  json state = {{"done", done_}};
  if (data_) state["data"] = *data_;
  if (!checkpoint_.empty()) state["checkpoint"] = checkpoint_;
  return ReplaceSecretFile(path_, state.dump(1) + "\n");
}

absl::Status Progress::Bad(std::string_view why) const {
  return Refuse(absl::StatusCode::kFailedPrecondition, "DEMO_STATE", Cat(path_, " ", why));
}

}  // namespace trialog::ctl::demo
