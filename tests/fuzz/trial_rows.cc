// What the trials service exports, taken into a dataset: rows that came in are rows as callers' own must be.
#include "services/analytics/app/trial_rows.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"

namespace trialog::fuzz {
namespace {

using google::protobuf::Message;
using trials::v1::ExportCodedCapturesResponse;

// The columns come first, then the subjects.
const Message* TypeOf(uint8_t, size_t index) {
  return index == 0 ? static_cast<const Message*>(&analytics::v1::DatasetVersion::default_instance())
                    : &ExportCodedCapturesResponse::default_instance();
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (int variant = 0; variant < 8; ++variant) {
    analytics::v1::DatasetVersion version;
    for (std::string_view name : {"enroll_date", "last_contact_date", "state", "weight"}) {
      analytics::v1::Column& column = *version.add_columns();
      column.set_name(std::string(name));
      column.set_type(name == "state"    ? analytics::v1::COLUMN_TYPE_TEXT
                      : name == "weight" ? static_cast<analytics::v1::ColumnType>(1 + variant % 5)
                                         : analytics::v1::COLUMN_TYPE_DATE);
    }
    ExportCodedCapturesResponse subject;
    testing::Fill(subject, variant);
    subject.set_consent_state(trials::v1::CONSENT_STATE_GIVEN);
    for (auto& capture : *subject.mutable_captures()) {
      for (auto& item : *capture.mutable_data_value()) item.set_name("weight");
    }
    std::string seed = Big(0, 1) + Part(version.SerializeAsString()) + Part(subject.SerializeAsString());
    subject.set_subject_key("another");
    seeds.push_back(seed + Part(subject.SerializeAsString()));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  Input input(data, size);
  input.Byte();
  analytics::v1::DatasetVersion version;
  if (!version.ParseFromString(std::string(input.Text()))) return 0;
  if (!analytics::CheckColumns(version.columns(), "columns").ok()) return 0;
  analytics::TrialRows rows(version.columns());
  while (!input.empty()) {
    ExportCodedCapturesResponse subject;
    if (!subject.ParseFromString(std::string(input.Text()))) return 0;
    if (const absl::Status added = rows.Add(subject); !added.ok()) {
      Require(!ReasonOf(added).empty(), "a subject is refused by name");
      return 0;
    }
  }
  const absl::Status checked = analytics::CheckRows(version.columns(), rows.Take().rows());
  const std::string reason = ReasonOf(checked);
  // Keys are the trials service's own, drawn at random; values are what people entered.
  Require(checked.ok() || reason == "SUBJECT_TWICE" || reason == "BAD_SUBJECT_KEY", "rows from a trial are rows");
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return trialog::fuzz::MutateMessageList(data, size, max_size, seed, {.type_of = trialog::fuzz::TypeOf});
}
