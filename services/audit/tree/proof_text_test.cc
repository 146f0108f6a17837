#include "services/audit/tree/proof_text.h"

#include <gtest/gtest.h>

namespace trialog::audit {
namespace {

// tests/clients/test_public_log.py has a library of others read what a server gives.
TEST(ProofText, IsTheFormOfTlogProof) {
  EXPECT_EQ(ProofText("leaf", 7, {"first", "second"}, "origin\n8\nroot\n\nsignature\n"),
            "c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 7\nZmlyc3Q=\nc2Vjb25k\n\norigin\n8\nroot\n\nsignature\n");
  EXPECT_EQ(ProofText("l", 0, {}, "note\n"), "c2sp.org/tlog-proof@v1\nextra bA==\nindex 0\n\nnote\n");
}

}  // namespace
}  // namespace trialog::audit
