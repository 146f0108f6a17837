// Page and resume tokens: one that we did not sign for just this list never opens.
#include "platform/rpc/page_token.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

const rpc::TokenSigner& Signer() {
  static const rpc::TokenSigner signer({std::string(32, 'n'), std::string(32, 'o')});
  return signer;
}
// Of the key that was in use before, and of a stranger.
const rpc::TokenSigner& Former() {
  static const rpc::TokenSigner signer({std::string(32, 'o')});
  return signer;
}
const rpc::TokenSigner& Stranger() {
  static const rpc::TokenSigner signer({std::string(32, 's')});
  return signer;
}

rpc::TokenScope ScopeOf(Input& input) {
  rpc::TokenScope scope;
  scope.kind = input.Choose(2) == 0 ? rpc::TokenKind::kPage : rpc::TokenKind::kResume;
  scope.method = input.Text();
  scope.parent = input.Text();
  scope.filter = input.Text();
  scope.order = input.Text();
  return scope;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const char kind : {'\0', '\1'}) {
    const std::string scope = std::string(1, kind) + Part("trialog.inventory.v1.SampleService/ListSamples") +
                              Part("organizations/o/biobanks/b") + Part("state = AVAILABLE") + Part("create_time desc");
    Input input(scope);
    const rpc::TokenScope parsed = ScopeOf(input);
    for (const rpc::TokenSigner* signer : {&Signer(), &Former(), &Stranger()}) {
      for (std::string_view position : {"", "samples/7"}) seeds.push_back(scope + signer->Sign(parsed, position));
    }
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input input(data, size);
  const trialog::rpc::TokenScope scope = ScopeOf(input);
  const std::string_view token = input.Rest();
  const auto position = Signer().Open(scope, token);
  if (!position.ok()) {
    Require(absl::IsInvalidArgument(position.status()), "a bad token is INVALID_ARGUMENT");
    return 0;
  }
  Require(token == Signer().Sign(scope, *position) || token == Former().Sign(scope, *position),
          "only what we signed for this list opens, in one spelling");
  Require(!Stranger().Open(scope, token).ok(), "under another key it does not open");
  return 0;
}
