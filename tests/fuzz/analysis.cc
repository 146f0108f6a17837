// Datasets, cohorts and analyses as callers describe them: what passed the checks can be computed, twice with the same
// bytes, in whatever order the rows came; and its chart is XML.
#include <libxml/parser.h>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/analytics/domain/analysis_runner.h"
#include "services/analytics/domain/criteria.h"
#include "services/analytics/domain/rows.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"

namespace trialog::fuzz {
namespace {

using namespace trialog::analytics;
using event::v1::Value;
using google::protobuf::Message;

const Message* TypeOf(uint8_t, size_t index) {
  static const Message* const types[] = {&v1::AnalysisSpec::default_instance(), &v1::Cohort::default_instance(),
                                         &v1::DatasetVersion::default_instance(), &v1::DataRows::default_instance()};
  return index < std::size(types) ? types[index] : nullptr;
}

bool Parse(Input& input, AnalysisInput& out) {
  input.Byte();
  for (Message* part : {static_cast<Message*>(&out.spec), static_cast<Message*>(&out.cohort),
                        static_cast<Message*>(&out.version), static_cast<Message*>(&out.rows)}) {
    if (!part->ParseFromString(std::string(input.Text()))) return false;
  }
  return true;
}

void CheckXml(const std::string& svg) {
  xmlDoc* const parsed = xmlReadMemory(svg.data(), static_cast<int>(svg.size()), nullptr, nullptr,
                                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  Require(parsed != nullptr, "a chart is XML");
  xmlFreeDoc(parsed);
}

void CheckRun(const AnalysisInput& input) {
  const auto output = RunAnalysis(input);
  if (!output.ok()) {
    return Require(absl::IsFailedPrecondition(output.status()) && !ReasonOf(output.status()).empty(),
                   "what passed the checks fails by name");
  }
  const auto again = RunAnalysis(input);
  Require(again.ok() && again->bytes == output->bytes, "the same input gives the same bytes");
  v1::AnalysisResult result;
  Require(result.ParseFromString(output->bytes), "a result can be read");
  if (!result.has_survival()) return;
  CheckXml(ToSvg(PlotOf(result.survival(), "by <\"'& group")));
  AnalysisInput reversed = input;
  std::reverse(reversed.rows.mutable_rows()->pointer_begin(), reversed.rows.mutable_rows()->pointer_end());
  const auto other = RunAnalysis(reversed);
  Require(other.ok() && other->bytes == output->bytes, "the order of the rows says nothing");
}

}  // namespace

std::vector<std::string> Seeds() {
  v1::DatasetVersion version;
  const auto column = [&](std::string_view name, v1::ColumnType type) {
    version.add_columns()->set_name(std::string(name));
    version.mutable_columns()->rbegin()->set_type(type);
  };
  column("start", v1::COLUMN_TYPE_DATE);
  column("end", v1::COLUMN_TYPE_DATE);
  column("dead", v1::COLUMN_TYPE_BOOLEAN);
  column("sex", v1::COLUMN_TYPE_TEXT);
  column("age", v1::COLUMN_TYPE_INTEGER);
  column("weight", v1::COLUMN_TYPE_DECIMAL);
  v1::DataRows rows;
  for (int i = 0; i < 24; ++i) {
    v1::DataRow& row = *rows.add_rows();
    row.set_subject(Cat("s", i));
    for (int month : {1, 2 + i % 10}) {
      auto& date = *row.add_values()->mutable_date();
      date.set_year(2024);
      date.set_month(month);
      date.set_day(1 + i % 28);
    }
    row.add_values()->set_boolean(i % 3 != 0);
    row.add_values()->set_text(i % 2 == 0 ? "f" : "m");
    row.add_values()->set_integer(40 + i);
    row.add_values()->mutable_decimal()->set_units(500 + i);
  }
  v1::AnalysisSpec survival;
  auto& spec = *survival.mutable_log_rank();
  spec.set_start_column("start");
  spec.set_end_column("end");
  spec.set_event_column("dead");
  spec.mutable_event_value()->set_boolean(true);
  spec.set_group_column("sex");
  v1::AnalysisSpec describe, cross;
  describe.mutable_describe()->add_columns("age");
  describe.mutable_describe()->add_columns("weight");
  describe.mutable_describe()->set_group_column("sex");
  cross.mutable_cross_tabulation()->set_row_column("sex");
  cross.mutable_cross_tabulation()->set_column_column("dead");

  std::vector<std::string> seeds;
  for (const v1::AnalysisSpec& asked : {survival, describe, cross}) {
    for (int variant = 0; variant < 6; ++variant) {
      v1::Cohort cohort;
      if (variant > 0) testing::Fill(*cohort.add_criteria(), variant);
      seeds.push_back(Big(0, 1) + Part(asked.SerializeAsString()) + Part(cohort.SerializeAsString()) +
                      Part(version.SerializeAsString()) + Part(rows.SerializeAsString()));
    }
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input bytes(data, size);
  AnalysisInput input;
  if (!Parse(bytes, input)) return 0;
  const auto& columns = input.version.columns();
  const absl::Status checks[] = {CheckColumns(columns, "columns"), CheckRows(columns, input.rows.rows()),
                                 CheckCriteria(columns, input.cohort.criteria()), CheckSpec(columns, input.spec)};
  for (const absl::Status& checked : checks) {
    Require(checked.ok() || (absl::IsInvalidArgument(checked) && !trialog::ReasonOf(checked).empty()),
            "bad input is named so");
  }
  for (const absl::Status& checked : checks) {
    if (!checked.ok()) return 0;
  }
  CheckRun(input);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return trialog::fuzz::MutateMessageList(data, size, max_size, seed,
                                          {.type_of = trialog::fuzz::TypeOf, .fixed = true});
}
