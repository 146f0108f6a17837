// Filters of lists and watches (AIP-160), on resources of several kinds.
#include "platform/rpc/filter.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"
#include "trialog/analytics/v1/dataset.pb.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/medication.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;

const std::vector<const Message*>& Types() {
  static const std::vector<const Message*> types = {
      &inventory::v1::Sample::default_instance(),   &inventory::v1::InventoryItem::default_instance(),
      &trials::v1::Patient::default_instance(),     &trials::v1::Trial::default_instance(),
      &trials::v1::DataCapture::default_instance(), &trials::v1::MedicationOrder::default_instance(),
      &analytics::v1::Dataset::default_instance()};
  return types;
}

// Every field of the type, and every field of a message in it.
std::vector<std::string> PathsOf(const Descriptor& type) {
  std::vector<std::string> paths;
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* field = type.field(i);
    paths.push_back(field->name());
    const Descriptor* inner = field->message_type();
    for (int f = 0; inner != nullptr && f < inner->field_count(); ++f)
      paths.push_back(Cat(field->name(), ".", inner->field(f)->name()));
  }
  return paths;
}

const std::vector<std::string>& Paths(size_t type) {
  static const auto* all = [] {
    auto* made = new std::vector<std::vector<std::string>>;
    for (const Message* prototype : Types()) made->push_back(PathsOf(*prototype->GetDescriptor()));
    return made;
  }();
  return (*all)[type];
}

// Messages that a filter is tried on.
std::vector<std::unique_ptr<Message>> Rows(size_t type) {
  std::vector<std::unique_ptr<Message>> rows;
  rows.emplace_back(Types()[type]->New());
  for (int variant = 0; variant < 3; ++variant) {
    rows.emplace_back(Types()[type]->New());
    testing::Fill(*rows.back(), variant);
  }
  return rows;
}

absl::StatusOr<rpc::Filter> Parse(std::string_view text, size_t type) {
  return rpc::Filter::Parse(text, *Types()[type]->GetDescriptor(), {Paths(type).begin(), Paths(type).end()});
}

// Filters that mean the same, or the contrary, say so of every row. Where a larger filter passes a limit on size, depth
// or number, it says nothing.
void CheckMeaning(std::string_view text, const rpc::Filter& filter, size_t type) {
  const auto bracketed = Parse(Cat("(", text, ")"), type), contrary = Parse(Cat("NOT (", text, ")"), type);
  const auto twice = Parse(Cat("(", text, ") AND (", text, ")"), type);
  for (const auto& row : Rows(type)) {
    const bool matches = filter.Matches(*row);
    if (filter.empty()) {
      Require(matches, "an empty filter matches everything");
      continue;
    }
    if (bracketed.ok()) Require(bracketed->Matches(*row) == matches, "brackets change nothing");
    if (contrary.ok()) Require(contrary->Matches(*row) != matches, "NOT is the contrary");
    if (twice.ok()) Require(twice->Matches(*row) == matches, "X AND X is X");
  }
}

// An index that serves the filter's demand loses no row.
void CheckDemand(const rpc::Filter& filter, size_t type) {
  const auto& fields = *Types()[type]->GetDescriptor();
  for (const auto& row : Rows(type)) {
    if (!filter.Matches(*row)) continue;
    for (int i = 0; i < fields.field_count(); ++i) {
      const auto* field = fields.field(i);
      const auto demanded = filter.EqualityOn(field->name());
      if (!demanded || field->is_repeated() || field->type() != field->TYPE_STRING) continue;
      Require(row->GetReflection()->GetString(*row, field) == *demanded, "every match has the demanded value");
    }
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> texts = {"",
                                    "state = SAMPLE_STATE_AVAILABLE AND (quantity.units >= 5 OR NOT uid:*) AND "
                                    "create_time < \"2024-05-01T00:00:00Z\"",
                                    "((((((((((((((((uid=a))))))))))))))))",
                                    "-uid = \"a\\\"b\"",
                                    "create_time >= 2024-05-01T00:00:00.5+02:00",
                                    "update_time <= 9999-12-31T23:59:59Z OR update_time > 0001-01-01T00:00:00Z",
                                    "create_time>99999999999-01-01T00:00:00Z",
                                    "name:'organizations/o'",
                                    "etag != \"\" AND uid=b OR uid=c",
                                    "create_time:*",
                                    "AND",
                                    "NOT",
                                    "uid = ",
                                    "uid = \"a"};
  std::vector<std::string> seeds;
  for (size_t type = 0; type < Types().size(); ++type) {
    for (const std::string& text : texts) seeds.push_back(Big(type, 1) + text);
    for (const std::string& path : Paths(type)) {
      for (std::string_view value : {" = 1", " >= \"2024-02-29\"", ":*", " != true", " = \"uid 21\""})
        seeds.push_back(Cat(Big(type, 1), path, value));
    }
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input input(data, size);
  const size_t type = input.Choose(Types().size());
  const std::string_view text = input.Rest();
  const auto filter = Parse(text, type);
  if (!filter.ok()) {
    Require(trialog::ReasonOf(filter.status()) == "BAD_FILTER", "what is no filter is BAD_FILTER");
    Require(filter.status().message().size() <= 512, "an error's text is bounded");
    return 0;
  }
  CheckMeaning(text, *filter, type);
  CheckDemand(*filter, type);
  return 0;
}
