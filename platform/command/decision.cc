#include "platform/command/decision.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"

namespace trialog {
namespace {

using sealing::AppendLengthPrefixed;
using sealing::Sha256;

void SetVersion(std::string& uuid, int version) {
  uuid[6] = static_cast<char>((uuid[6] & 0x0f) | (version << 4));
  uuid[8] = static_cast<char>((uuid[8] & 0x3f) | 0x80);
}

bool LegalId(std::string_view id) {
  if (id.empty() || id.size() > 63) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '~' || c == '-';
  });
}

}  // namespace

bool Principal::Has(Role role, std::string_view resource) const {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    if (grant.role != role || grant.scope.empty()) return false;
    if (resource.substr(0, grant.scope.size()) != grant.scope) return false;
    return resource.size() == grant.scope.size() || resource[grant.scope.size()] == '/';
  });
}

bool Principal::HasAnywhere(Role role) const {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) { return grant.role == role; });
}

std::string Context::NewId(int n) const {
  std::string seed;
  AppendLengthPrefixed(seed, "trialog.id.v1");
  AppendLengthPrefixed(seed, command_id);
  seed += view::OrderedBytes(static_cast<uint64_t>(n));
  const int64_t millis = record_time.seconds() * 1000 + record_time.nanos() / 1'000'000;
  return UuidText(UuidV7(millis, Sha256(seed).substr(0, 10)));
}

const google::protobuf::Message* KindOf(const google::protobuf::Message& event) {
  const auto* oneof = event.GetDescriptor()->oneof_decl(0);
  const auto* field = event.GetReflection()->GetOneofFieldDescriptor(event, oneof);
  return field ? &event.GetReflection()->GetMessage(event, field) : nullptr;
}

std::string_view TypeOf(const google::protobuf::Message& event) {
  const auto* kind = KindOf(event);
  return kind ? std::string_view(kind->GetDescriptor()->full_name()) : std::string_view();
}

std::string EventId(std::string_view service, std::string_view organization, std::string_view command_id, int index) {
  constexpr std::string_view kKind = "trialog.event.v1";
  constexpr size_t kNumberBytes = 8;
  std::string seed;
  seed.reserve(kKind.size() + service.size() + organization.size() + command_id.size() + 6 * kNumberBytes);
  for (std::string_view part : {kKind, service, organization, command_id}) AppendLengthPrefixed(seed, part);
  AppendLengthPrefixed(seed, view::OrderedBytes(static_cast<uint64_t>(index)));
  std::string uuid = Sha256(seed);
  uuid.resize(16);
  SetVersion(uuid, 8);
  return uuid;
}

std::string UuidText(std::string_view bytes) {
  const std::string hex = absl::BytesToHexString(ToAbsl(bytes));
  if (hex.size() != 32) return hex;
  return Cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-",
             hex.substr(20));
}

std::string UuidV7(int64_t unix_millis, std::string_view random10) {
  std::string uuid = view::OrderedBytes(static_cast<uint64_t>(unix_millis)).substr(2);
  uuid += random10;
  uuid.resize(16);
  SetVersion(uuid, 7);
  return uuid;
}

void Apply(const Domain& domain, const Context& context, const Decision& decision, view::ChangeSet& state) {
  int index = 0;
  for (const NewEvent& event : decision.events) {
    state.Begin({EventId(domain.service, context.organization, context.command_id, index++), context.organization,
                 context.principal.caller, context.record_time});
    domain.evolve(state, *event.body);
  }
}

std::string_view OrganizationOf(std::string_view resource_name) {
  constexpr std::string_view kPrefix = "organizations/";
  if (resource_name.substr(0, kPrefix.size()) != kPrefix) return {};
  resource_name.remove_prefix(kPrefix.size());
  return resource_name.substr(0, resource_name.find('/'));
}

std::string_view ParentOf(std::string_view resource_name) {
  for (int segments = 0; segments < 2; ++segments) {
    const size_t slash = resource_name.rfind('/');
    if (slash == std::string_view::npos) return {};
    resource_name = resource_name.substr(0, slash);
  }
  return resource_name;
}

std::string_view IdOf(std::string_view resource_name) {
  const size_t slash = resource_name.rfind('/');
  return slash == std::string_view::npos ? resource_name : resource_name.substr(slash + 1);
}

bool NameMatches(std::string_view pattern, std::string_view name) {
  // Segment by segment, without taking the names apart: asked for every row that somebody may or may not see.
  while (true) {
    const size_t end = pattern.find('/'), name_end = name.find('/');
    const std::string_view expected = pattern.substr(0, end), actual = name.substr(0, name_end);
    if (expected == "*" ? !LegalId(actual) : expected != actual) return false;
    const bool last = end == std::string_view::npos, name_last = name_end == std::string_view::npos;
    if (last || name_last) return last && name_last;
    pattern.remove_prefix(end + 1);
    name.remove_prefix(name_end + 1);
  }
}

event::v1::SealedPart MergeSealed(event::v1::SealedPart base, const event::v1::SealedPart& patch) {
  auto& fields = *base.mutable_fields();
  for (const auto& field : patch.fields()) {
    fields.erase(
        std::remove_if(fields.begin(), fields.end(), [&](const auto& f) { return f.number() == field.number(); }),
        fields.end());
    if (field.has_value()) *fields.Add() = field;
  }
  std::sort(fields.begin(), fields.end(), [](const auto& a, const auto& b) { return a.number() < b.number(); });
  auto& keys = *base.mutable_keys();
  for (const auto& key : patch.keys()) {
    keys.erase(std::remove_if(keys.begin(), keys.end(), [&](const auto& k) { return k.index() == key.index(); }),
               keys.end());
  }
  for (const auto& key : patch.keys()) {
    if (!key.mac().empty()) *keys.Add() = key;
  }
  return base;
}

}  // namespace trialog
