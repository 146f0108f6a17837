// Calls of every method on a running server: whatever is sent, the answer is an answer or a refusal that says why,
// never a fault; the server stays healthy; and in the end every store equals the replay of its log and all proofs hold.
//
// The server lives over many inputs, so that records made by one are met by the next. A find is repeated by the seed.
#include "platform/errors/errors.h"
#include "platform/rpc/status.h"
#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/server_world.h"
#include "tests/support/filled_message.h"

namespace trialog::fuzz {
namespace {

using google::protobuf::Message;

// Never destroyed with the process's statics, some of which it needs to end.
std::unique_ptr<ServerWorld>& world = *new std::unique_ptr<ServerWorld>;

// A call within an input: who, which method, how it is aimed, and the request.
struct FuzzedCall {
  uint8_t caller = 0;
  size_t method = 0;
  uint8_t choice = 0;
  std::string bytes;

  static FuzzedCall From(std::string_view part) {
    Input input(part);
    FuzzedCall call;
    call.caller = input.Byte();
    call.method = input.Number(2) % ServedMethods().size();
    call.choice = input.Byte();
    call.bytes = std::string(input.Rest());
    return call;
  }
  std::string ToString() const { return Big(caller, 1) + Big(method, 2) + Big(choice, 1) + bytes; }
};

void Make(const FuzzedCall& call) {
  const ServedMethod& method = ServedMethods()[call.method];
  std::string bytes = call.bytes;
  const std::unique_ptr<Message> request(method.request->New());
  // One in sixteen goes out as it is.
  if (call.choice >> 4 != 0 && request->ParseFromString(bytes)) {
    Aim(method, call.choice, *request);
    bytes = request->SerializeAsString();
  }
  const absl::Status status = world->Call(method, call.caller, bytes);
  if (status.ok() || absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) return;
  const bool ours =
      absl::IsInternal(status) || absl::IsUnknown(status) || absl::IsDataLoss(status) || absl::IsUnimplemented(status);
  Require(!ours, Cat(method.name, " answers a fault: ", status.ToString(), " to ", request->ShortDebugString()));
  Require(!ReasonOf(status).empty(), Cat(method.name, " refuses without a reason: ", status.ToString()));
  Require(status.message().size() <= rpc::kMaxMessageBytes, "a refusal's text is bounded");
}

}  // namespace

std::vector<std::string> Seeds() {
  // Creations first, so that what follows finds something: by the order of their names within three rounds.
  std::vector<std::string> seeds;
  for (int variant = 0; variant < 2; ++variant) {
    for (const bool creates : {true, false}) {
      for (size_t m = 0; m < ServedMethods().size(); ++m) {
        const ServedMethod& method = ServedMethods()[m];
        if ((method.name.find("/Create") != std::string::npos) != creates) continue;
        const std::unique_ptr<Message> request(method.request->New());
        testing::Fill(*request, variant);
        seeds.push_back(
            Big(0, 1) +
            Part(FuzzedCall{2, m, static_cast<uint8_t>(0x10 + variant), request->SerializeAsString()}.ToString()));
      }
    }
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  if (world && world->worn_out()) world.reset();
  if (!world) world = std::make_unique<ServerWorld>();
  Input input(data, size);
  input.Byte();
  for (int calls = 0; calls < 8 && !input.empty(); ++calls) Make(FuzzedCall::From(input.Text()));
  const absl::Status health = world->Health();
  Require(health.ok(), trialog::Cat("the server stays healthy: ", health.ToString()));
  return 0;
}

// The server stops, and its folder is verified.
extern "C" void TrialogFuzzerFinish() { trialog::fuzz::world.reset(); }

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using namespace trialog::fuzz;
  Random random(seed);
  Input input(data, size);
  input.Byte();
  std::vector<FuzzedCall> calls;
  while (!input.empty() && calls.size() < 8) calls.push_back(FuzzedCall::From(input.Text()));
  if (calls.empty() || Pick(random, 32) == 0) return LLVMFuzzerMutate(data, size, max_size);
  const size_t at = Pick(random, calls.size());
  switch (Pick(random, 6)) {
    case 0: {  // Another call beside it.
      FuzzedCall added{static_cast<uint8_t>(random()), Pick(random, ServedMethods().size()),
                       static_cast<uint8_t>(random()), ""};
      const std::unique_ptr<google::protobuf::Message> request(ServedMethods()[added.method].request->New());
      trialog::testing::Fill(*request, static_cast<int>(Pick(random, 64)));
      added.bytes = request->SerializeAsString();
      calls.insert(calls.begin() + static_cast<ptrdiff_t>(at), std::move(added));
      break;
    }
    case 1:
      calls[at].choice = static_cast<uint8_t>(random());
      break;
    case 2:
      calls.push_back(calls[at]);
      break;
    default: {
      const std::unique_ptr<google::protobuf::Message> request(ServedMethods()[calls[at].method].request->New());
      request->ParsePartialFromString(calls[at].bytes);
      for (size_t changes = 1 + Pick(random, 4); changes > 0; --changes) MutateMessage(*request, random);
      calls[at].bytes = request->SerializePartialAsString();
    }
  }
  std::string out = Big(0, 1);
  for (const FuzzedCall& call : calls) out += Part(call.ToString());
  const size_t given = GiveBack(out, data, max_size);
  return given != 0 ? given : LLVMFuzzerMutate(data, size, max_size);
}
