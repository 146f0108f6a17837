// Numbers and name patterns of every service's tables: rows of every store begin with them.
#include <gtest/gtest.h>

#include "platform/text/text.h"
#include "services/analytics/domain/evolve.h"
#include "services/audit/domain/choices.h"
#include "services/auth/domain/evolve.h"
#include "services/inventory/domain/evolve.h"
#include "services/trials/domain/evolve.h"
#include "tests/support/golden.h"

namespace trialog::testing {
namespace {

TEST(TableFormat, NoTableIsRenumberedOrOfAnotherKind) {
  GoldenLines lines;
  for (const Domain* domain : {&auth::AuthDomain(), &inventory::InventoryDomain(), &trials::TrialsDomain(),
                               &analytics::AnalyticsDomain(), &audit::AuditDomain()}) {
    for (const view::Table* table : domain->tables) {
      const bool added =
          lines.emplace(Cat(domain->service, ".", table->id), Cat(table->pattern, " ", table->prototype->GetTypeName()))
              .second;
      EXPECT_TRUE(added) << domain->service << " has two tables numbered " << table->id;
    }
  }
  ExpectGolden("tests/golden/testdata/tables", lines);
}

}  // namespace
}  // namespace trialog::testing
