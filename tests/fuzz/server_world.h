// A running server, all five services, for a fuzzer of calls: its methods, people who may call most of them, and names
// that such calls can hit.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "platform/rpc/client.h"
#include "services/standalone/standalone.h"

namespace trialog::fuzz {

struct ServedMethod {
  const google::protobuf::MethodDescriptor* descriptor;
  std::string name;     // "package.Service/Method"
  std::string pattern;  // Of its google.api.http annotation: "/v1/{parent=organizations/*/biobanks/*}/samples".
  const google::protobuf::Message* request;
};

// All methods that a server serves, in the order of their names.
const std::vector<ServedMethod>& ServedMethods();

// Makes `request` speak of records that may be there: the fields of the method's path, ids of new records and
// references get names of two ids only, `choice` says which; request ids and etags are of few, filters and tokens
// mostly empty.
void Aim(const ServedMethod& method, uint8_t choice, google::protobuf::Message& request);

class ServerWorld {
 public:
  ServerWorld();
  // Stops the server and requires that the folder verifies: every store equals its replay, all proofs hold.
  ~ServerWorld();

  // What the call ended with; a stream is left after its first messages. `caller` picks who calls: nobody, root, or one
  // who has every role but root's.
  absl::Status Call(const ServedMethod& method, size_t caller, const std::string& bytes);
  absl::Status Health() const { return server_->Health(); }
  // Whether its people can no longer sign in, or their tokens will soon expire.
  bool worn_out() const;

 private:
  void MakePeople();
  absl::StatusOr<std::string> TrySignIn(std::string_view username);
  std::string SignIn(std::string_view username);

  const std::string folder_;
  std::unique_ptr<standalone::Standalone> server_;
  std::unique_ptr<rpc::Client> client_;
  std::vector<std::string> tokens_;  // By caller.
  absl::Time started_;
  int refused_in_a_row_ = 0;
};

}  // namespace trialog::fuzz
