#include "services/inventory/domain/tables.h"

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::inventory {
namespace {

// A key in an order of its own, one entry a row: without the counter that IndexSink::Add keeps for each key.
void AddOrdered(view::IndexSink& sink, const view::Index& index, std::string_view order, std::string_view name) {
  sink.AddUnique(index, Cat(order, name));
}

void IndexSample(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& sample = row.As<v1::Sample>();
  sink.AddUnique(kSampleByIdentifier, IdentifierKey(OrganizationOf(name), sample.identifier()));
  sink.Add(kSamplesByBiobank, ParentOf(name));
  for (const auto& key : row.sealed.keys()) {
    if (key.index() == kPatientLookup) sink.Add(kSamplesByPatient, key.mac());
  }
  if (sample.has_expire_time()) AddOrdered(sink, kSamplesByExpiry, view::OrderedTime(sample.expire_time()), name);
}

}  // namespace

const view::Table kSamples{3, "organizations/*/biobanks/*/samples/*", &v1::Sample::default_instance(), IndexSample};

std::string IdentifierKey(std::string_view organization, std::string_view identifier) {
  return Cat(organization, '\0', identifier);
}

}  // namespace trialog::inventory
