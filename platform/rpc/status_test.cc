#include "platform/rpc/status.h"

#include <grpcpp/support/status.h>

#include "absl/strings/cord.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

TEST(Status, TravelsWithItsDetails) {
  const absl::Status status = BadField("sample.identifier", "IDENTIFIER_TAKEN", "choose another");
  EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
  EXPECT_TRUE(FromGrpc(ToGrpc(absl::OkStatus())).ok());
}

TEST(Status, CarriesAGoogleRpcStatusInItsDetails) {
  const grpc::Status sent = ToGrpc(Denied("ROLE_MISSING", "no"));
  google::rpc::Status wire;
  ASSERT_TRUE(wire.ParseFromString(sent.error_details()));
  EXPECT_EQ(wire.code(), 7);
  EXPECT_EQ(wire.message(), "no");
  ASSERT_EQ(wire.details_size(), 1);
  EXPECT_EQ(wire.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
}

TEST(Status, KeepsTheReasonAndLeavesOutWhatIsTooLong) {
  absl::Status status = Refuse(absl::StatusCode::kInvalidArgument, "MANY", std::string(5000, 'm'));
  status.SetPayload("a/huge", absl::Cord(std::string(8000, 'x')));
  status.SetPayload("b/small", absl::Cord("y"));
  const grpc::Status sent = ToGrpc(status);
  EXPECT_LE(sent.error_details().size(), kMaxDetailBytes);
  EXPECT_LE(sent.error_message().size(), kMaxMessageBytes);
  const absl::Status came = FromGrpc(sent);
  EXPECT_EQ(ReasonOf(came), "MANY");
  EXPECT_FALSE(came.GetPayload("a/huge"));
  EXPECT_TRUE(came.GetPayload("b/small"));
}

TEST(Status, CutsMessagesBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "€";  // Three bytes; 1024 is not a multiple of three.
  const std::string sent = ToGrpc(absl::NotFoundError(ToAbsl(text))).error_message();
  EXPECT_EQ(sent.size(), 1023u);
}

TEST(Status, HidesFaultsButNotRefusals) {
  for (const absl::Status& fault :
       {absl::InternalError("disk 7"), absl::UnknownError("?"), absl::DataLossError("row 3")}) {
    const absl::Status told = ForCaller(fault);
    EXPECT_EQ(told.code(), absl::StatusCode::kInternal);
    EXPECT_EQ(ReasonOf(told), "INTERNAL");
    EXPECT_EQ(told.message().find(fault.message()), absl::string_view::npos);
  }
  const absl::Status said = Refuse(absl::StatusCode::kDataLoss, "PARTITION_STOPPED", "damaged");
  EXPECT_EQ(ForCaller(said), said);
}

TEST(Status, AHiddenRecordTravelsAsOneThatIsNotThere) {
  const grpc::Status hidden = ToGrpc(ForCaller(NotVisible(true, "record")));
  const grpc::Status absent = ToGrpc(ForCaller(NotFound("record")));
  EXPECT_EQ(hidden.error_code(), absent.error_code());
  EXPECT_EQ(hidden.error_message(), absent.error_message());
  EXPECT_EQ(hidden.error_details(), absent.error_details());
}

TEST(Status, FromOthersMayBeStrange) {
  EXPECT_EQ(FromGrpc(grpc::Status(static_cast<grpc::StatusCode>(99), "x")).code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(FromGrpc(grpc::Status(grpc::NOT_FOUND, "x", "\xff\xff")), absl::NotFoundError("x"));
}

}  // namespace
}  // namespace trialog::rpc
