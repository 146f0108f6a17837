// Sums of protobuf times.
#pragma once

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/time_util.h"

namespace trialog::auth {

inline google::protobuf::Duration ToProto(absl::Duration duration) {
  return google::protobuf::util::TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
}

inline google::protobuf::Timestamp Later(google::protobuf::Timestamp time, absl::Duration by) {
  return time + ToProto(by);
}

}  // namespace trialog::auth
