#include "services/audit/app/public_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/tree/checkpoint.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::audit {
namespace {

constexpr char kOrigin[] = "example.org/made-up-site";

sealing::SecretKey Key(char fill) { return *sealing::SecretKey::FromBytes(std::string(32, fill)); }

class PublicLogTest : public ::testing::Test {
 protected:
  PublicLogTest() { store_ = AuditStore::Open({.path = "/audit", .env = env_.get()}).value(); }

  // Leaves up to `size`, not signed.
  void GrowTo(uint64_t size) {
    while (store_->pending_size() < size) {
      const auto offset = static_cast<int64_t>(store_->pending_size());
      event::v1::LogRecord record;
      record.mutable_data()->set_organization("o");
      record.mutable_data()->set_command_id(Cat("0123456789 ", 10'000 + offset));
      const std::string bytes = record.SerializeAsString();
      store_->Append({"inventory", 0, offset, bytes, *EntriesOf({"inventory", 0, offset, bytes}, Key('s'))});
    }
    ASSERT_EQ(store_->Commit(), absl::OkStatus());
  }
  void Sign() {
    v1::Checkpoint checkpoint;
    checkpoint.set_tree_size(store_->size());
    checkpoint.set_root(store_->PendingRoot());
    store_->AddCheckpoint(checkpoint);
    ASSERT_EQ(store_->Commit(), absl::OkStatus());
  }
  int StatusOf(std::string_view path) const { return Log().Get(path).status; }
  PublicLog Log() const { return PublicLog(store_.get(), signer_); }

  const std::unique_ptr<rocksdb::Env> env_{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  std::unique_ptr<AuditStore> store_;
  const sealing::NoteSigner signer_ = sealing::NoteSigner::FromSeed(kOrigin, Key('e')).value();
};

TEST_F(PublicLogTest, ShowsNothingBeforeTheFirstCheckpoint) {
  GrowTo(3);
  for (const char* path : {"/checkpoint", "/tile/0/000.p/3", "/tile/entries/000.p/3"}) EXPECT_EQ(StatusOf(path), 404);
  EXPECT_EQ(Log().Get("/key").body, Cat(signer_.verifier().Text(), '\n'));
}

TEST_F(PublicLogTest, ShowsWhatIsSignedAndNoMore) {
  GrowTo(513);
  Sign();
  GrowTo(700);
  const http::Page signed_page = Log().Get("/checkpoint");
  EXPECT_EQ(signed_page.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(signed_page.cache_control, "no-cache");
  const auto checkpoint = ParseCheckpoint(sealing::OpenNote(signed_page.body, {signer_.verifier()}).value()).value();
  EXPECT_EQ(checkpoint.size, 513u);
  EXPECT_EQ(checkpoint.origin, kOrigin);
  for (const char* path : {"/tile/0/000", "/tile/0/001", "/tile/0/002.p/1", "/tile/1/000.p/2", "/tile/entries/000",
                           "/tile/entries/001", "/tile/entries/002.p/1"}) {
    const http::Page page = Log().Get(path);
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(page.content_type, "application/octet-stream") << path;
    EXPECT_THAT(page.cache_control, ::testing::HasSubstr("immutable")) << path;
  }
  for (const char* path : {"/tile/0/002.p/2", "/tile/0/002", "/tile/0/003.p/1", "/tile/1/000.p/3", "/tile/1/000",
                           "/tile/2/000.p/1", "/tile/63/000.p/1", "/tile/entries/002.p/2", "/tile/entries/002",
                           "/tile/entries/x999/x999/x999/x999/x999/999", "/tile/0/x072/x057/x594/x037/x927/935.p/1"}) {
    EXPECT_EQ(StatusOf(path), 404) << path;
  }
}

TEST_F(PublicLogTest, KeepsEachTileOfEachSizeThatWasSigned) {
  GrowTo(260);
  Sign();
  const http::Page partial = Log().Get("/tile/0/001.p/4");
  GrowTo(512);
  Sign();
  EXPECT_EQ(partial.body.size(), 4u * 32);
  EXPECT_EQ(Log().Get("/tile/0/001.p/4").body, partial.body);
  EXPECT_EQ(Log().Get("/tile/0/001").body.substr(0, partial.body.size()), partial.body);
  EXPECT_EQ(Log().Get("/tile/0/001").body.size(), 256u * 32);
}

TEST_F(PublicLogTest, LeavesOfABundleHashToTheTileAbove) {
  GrowTo(300);
  Sign();
  const std::string bundle = Log().Get("/tile/entries/001.p/44").body, tile = Log().Get("/tile/0/001.p/44").body;
  std::string hashes;
  for (size_t at = 0; at < bundle.size();) {
    const size_t length =
        static_cast<size_t>(static_cast<unsigned char>(bundle[at])) * 256 + static_cast<unsigned char>(bundle[at + 1]);
    hashes += HashLeaf(bundle.substr(at + 2, length));
    at += 2 + length;
  }
  EXPECT_EQ(hashes, tile);
}

TEST_F(PublicLogTest, KnowsNoOtherPath) {
  GrowTo(2);
  Sign();
  for (const char* path : {"",
                           "/",
                           "/checkpoint/",
                           "/tile",
                           "/tile/",
                           "/tile/0",
                           "/tile/0/",
                           "/tile/0/0",
                           "/tile/00/000.p/2",
                           "/tile/0/000.p/0",
                           "/tile/0/000.p/02",
                           "/tile/0/000.p/256",
                           "/tile/0/x000/000.p/2",
                           "/tile/-1/000.p/2",
                           "/tile/64/000.p/2",
                           "/tile/entries",
                           "/tile/entries/",
                           "/tile/entries/0",
                           "/tile/entries/entries/000.p/2",
                           "/tile/0/000.p/2/",
                           "//tile/0/000.p/2",
                           "/keys"}) {
    EXPECT_EQ(StatusOf(path), 404) << path;
  }
  EXPECT_EQ(StatusOf("/tile/0/000.p/2"), 200);
}

}  // namespace
}  // namespace trialog::audit
