// Names, ids, positions and identifiers as callers write them.
#include <grpcpp/support/status.h>

#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/rpc/status.h"
#include "platform/service/position.h"
#include "platform/text/text.h"
#include "services/auth/app/identifiers.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr std::string_view kPatterns[] = {"organizations/*", "organizations/*/biobanks/*",
                                          "organizations/*/trials/*/subjects/*", "organizations/*/biobanks/*/samples/*",
                                          "organizations/*/users/*/sessions/*"};

void CheckName(std::string_view name) {
  for (std::string_view pattern : kPatterns) {
    if (!NameMatches(pattern, name)) continue;
    const std::string_view organization = OrganizationOf(name), id = IdOf(name), parent = ParentOf(name);
    Require(!organization.empty() && organization.size() <= 63, "a name has an organisation");
    Require(name.find_first_of(std::string_view("\0\n %\\\"'", 7)) == std::string_view::npos,
            "names hold plain characters");
    Require(!id.empty() && name.ends_with(id), "a name ends with its id");
    Require(parent.empty() || NameMatches(ParentOf(pattern), parent), "a parent has the parent's form");
    Require(OrganizationOf(Cat(name, "/x/y")) == organization, "what is below is of the same organisation");
  }
}

// Rights in a scope are rights below it and nowhere else.
void CheckScope(std::string_view scope, std::string_view resource) {
  Principal principal;
  principal.grants.push_back({ROLE_AUDITOR, std::string(scope)});
  const bool covered = principal.Has(ROLE_AUDITOR, resource);
  Require(covered == (!scope.empty() && Cat(resource, "/").starts_with(Cat(scope, "/"))),
          "a scope covers what is below it");
  Require(!principal.Has(ROLE_MONITOR, resource), "a role is not another");
}

void CheckPosition(std::string_view text) {
  if (const auto position = service::ParsePosition(text)) {
    Require(service::PositionText(*position) == text, "a position is written as it was read");
    Require(position->partition >= 0 && position->offset >= 0, "a position is a place");
  }
}

void CheckIdentifier(std::string_view text) {
  const std::string once = auth::NormalizeIdentifier(text);
  Require(auth::NormalizeIdentifier(once) == once, "the one form of a text is its own");
}

// What another server says of an error.
void CheckDetails(std::string_view bytes) {
  const absl::Status status = rpc::FromGrpc({grpc::StatusCode::INVALID_ARGUMENT, "text", std::string(bytes)});
  Require(absl::IsInvalidArgument(status), "an error stays one");
  Require(rpc::ToGrpc(status).error_details().size() <= rpc::kMaxDetailBytes, "details are bounded");
  ReasonOf(status);
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {"",
                                    "11/42",
                                    "\u1fb3\u0345",
                                    " Ada@Example.org ",
                                    "\u212b\u0130\u00df\ufb01",
                                    "\u03b1\u0345\u0301",
                                    rpc::ToGrpc(BadField("sample.identifier", "BAD_NAME", "no")).error_details()};
  for (std::string_view pattern : kPatterns) {
    std::string name;
    for (const char c : pattern) name += c == '*' ? std::string("a.B_1~-") : std::string(1, c);
    seeds.push_back(name);
    seeds.push_back(name + "/");
    seeds.push_back(Cat(name, "\n", name, "/x"));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), text.size());
  CheckName(text);
  CheckScope(text.substr(0, line), text.substr(std::min(text.size(), line + 1)));
  CheckPosition(text);
  CheckIdentifier(text);
  CheckDetails(text);
  return 0;
}
