// Stores are what evolve and the tables made of the log. Where either comes to make other rows or keys of the same
// events, stores built before are not what a replay gives: Domain::view is raised with that, and they are built again.
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/analytics/domain/evolve.h"
#include "services/audit/domain/choices.h"
#include "services/auth/domain/evolve.h"
#include "services/inventory/domain/evolve.h"
#include "services/trials/domain/evolve.h"
#include "tests/support/golden.h"

namespace trialog::testing {
namespace {

using sealing::AppendLengthPrefixed;

// Folds every event on file, of all kinds and versions.
void FoldAll(const Domain& domain, view::ChangeSet& state) {
  const auto& kinds = *domain.event->GetDescriptor()->oneof_decl(0);
  uint64_t record = 0;
  for (int i = 0; i < kinds.field_count(); ++i) {
    const std::string& type = kinds.field(i)->message_type()->full_name();
    for (const auto& [version, hex] : ReadGolden(Cat("tests/golden/testdata/events/", type))) {
      const std::unique_ptr<google::protobuf::Message> event(domain.event->New());
      ASSERT_TRUE(event->ParseFromString(absl::HexStringToBytes(hex))) << type << " " << version;
      const absl::Time time = absl::FromUnixSeconds(1'767'225'600 + static_cast<int64_t>(record));
      state.Begin({std::string(16, 'e'), "o", {}, ToProto(time), record++});
      domain.evolve(state, *event);
    }
  }
}

std::string HashOf(const view::ChangeSet& state) {
  std::string bytes;
  for (const auto& write : state.writes()) {
    AppendLengthPrefixed(bytes, Cat(write.table->id, " ", write.name));
    AppendLengthPrefixed(bytes, write.row->resource ? write.row->resource->SerializeAsString() : "");
    AppendLengthPrefixed(bytes, write.row->sealed.SerializeAsString());
    AppendLengthPrefixed(bytes, write.row->meta.SerializeAsString());
  }
  for (const auto& [key, name] : state.keys()) {
    AppendLengthPrefixed(bytes, key);
    AppendLengthPrefixed(bytes, name ? *name : "");
  }
  for (const auto& [key, count] : state.counts()) AppendLengthPrefixed(bytes, Cat(key, " ", count));
  return absl::BytesToHexString(sealing::Sha256(bytes));
}

TEST(ViewFormat, IsAnotherOnlyUnderAnotherNumber) {
  constexpr char kPath[] = "tests/golden/testdata/views";
  GoldenLines lines = ReadGolden(kPath);
  for (const Domain* domain : {&auth::AuthDomain(), &inventory::InventoryDomain(), &trials::TrialsDomain(),
                               &analytics::AnalyticsDomain(), &audit::AuditDomain()}) {
    view::ChangeSet state(view::EmptyState());
    FoldAll(*domain, state);
    EXPECT_FALSE(state.empty());
    lines[Cat(domain->service, ".", domain->view)] = HashOf(state);
  }
  SCOPED_TRACE("a line of another text: raise Domain::view of that service; a line that is missing: write it");
  ExpectGolden(kPath, lines);
}

}  // namespace
}  // namespace trialog::testing
