// The words of a decision: who asks and when (Context), what follows (Decision), and what a service's domain consists
// of (Domain). Pure: domain/ folders link this and nothing heavier.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/view/state.h"
#include "trialog/options.pb.h"

namespace trialog {

// A role held within a scope: an organisation, or a trial, site or biobank in it (a resource name).
struct Grant {
  Role role = ROLE_UNSPECIFIED;
  std::string scope;
};

// Who calls, with the grants in force at the time of the call.
struct Principal {
  event::v1::Caller caller;
  std::string organization;  // Id, not resource name.
  std::string patient;       // Resource name of the patient that this user is; empty for most.
  std::string patient_mac;   // Its look-up key "patient" (HMAC), for records whose link to a patient is sealed.
  std::vector<Grant> grants;
  bool internal = false;  // One of Trialog's own services, by its own identity.
  // Position of auth's stream up to which the grants were read; −1 where none was.
  int32_t grants_partition = 0;
  int64_t grants_offset = -1;
  uint64_t access_epoch = 0;  // That of the user as the grants were read: another one since means other rights.

  const std::string& user() const { return caller.name(); }
  // Whether a grant of `role` covers `resource`: its scope is the resource or an ancestor of it.
  bool Has(Role role, std::string_view resource) const;
  // Whether there is a grant of `role` in any scope.
  bool HasAnywhere(Role role) const;
};

// Everything a decision takes from outside the state.
struct Context {
  Principal principal;
  std::string organization;  // Id.
  google::protobuf::Timestamp record_time;
  std::string command_id;  // 16 bytes.
  // What foreign facts the decision may use were read into the request before; see Facts in platform/rpc.

  // The n-th id of this command: UUIDv7 text, the same in a repeat of the same decision.
  std::string NewId(int n = 0) const;
};

// An event that a decision brings about.
struct NewEvent {
  std::string entity;                                     // Resource name of the record it is about.
  std::shared_ptr<const google::protobuf::Message> body;  // The service's event message, its oneof set.
  std::string cause_id = {};                              // Of the public event that it follows from; else empty.
};

// What a command does: all its events or none; none is a legal outcome ("already so").
struct Decision {
  std::vector<NewEvent> events;
  std::vector<std::string> names;  // What the answer is rendered from, the main resource first.

  template <typename Event>
  void Add(std::string_view entity, Event event) {
    events.push_back({std::string(entity), std::make_shared<const Event>(std::move(event))});
  }
};

// A service's domain, as the platform needs to know it.
struct Domain {
  std::string_view service;                // "inventory": also the log's topic.
  const google::protobuf::Message* event;  // Default instance of the event message; one oneof.
  std::vector<const view::Table*> tables;
  // Applies one event. Total: it never refuses, logs or calls out.
  void (*evolve)(view::ChangeSet& state, const google::protobuf::Message& event);
  // Of what evolve and the tables make of the same events. Raised when that changes, as the golden file of views tells:
  // stores of another are built again.
  int view = 1;
};

// The kind message set in a service's event message, or null when it is a kind this build does not know.
const google::protobuf::Message* KindOf(const google::protobuf::Message& event);

// "trialog.inventory.v1.SampleMoved"; empty when the kind is not known.
std::string_view TypeOf(const google::protobuf::Message& event);

// The event's id: UUIDv8 from SHA-256 of ("trialog.event.v1", service, organisation, command id, index), each part
// preceded by its length (8 bytes, big-endian). A replay or a relay repeats it. 16 bytes.
std::string EventId(std::string_view service, std::string_view organization, std::string_view command_id, int index);

// The text form of 16 id bytes: 8-4-4-4-12 lower-case hexadecimal digits.
std::string UuidText(std::string_view bytes);

// A UUIDv7 from a time and 10 random bytes (RFC 9562).
std::string UuidV7(int64_t unix_millis, std::string_view random10);

// Applies a decision's events on top of `state` as the fold will, for chaining decisions and for tests.
void Apply(const Domain& domain, const Context& context, const Decision& decision, view::ChangeSet& state);

// "organizations/o/biobanks/b/samples/s" → "o"; empty when the name does not begin with "organizations/".
std::string_view OrganizationOf(std::string_view resource_name);

// "a/b/c/d" → "a/b"; empty when there is no parent.
std::string_view ParentOf(std::string_view resource_name);

// The last segment of a name.
std::string_view IdOf(std::string_view resource_name);

// Whether `name` fits `pattern`: same number of segments, each the same or "*" there. Ids are 1 to 63 characters of
// [A-Za-z0-9._~-].
bool NameMatches(std::string_view pattern, std::string_view name);

// Replaces the entries of `patch` in `base`: a field without value removes it. Look-up keys of an index named in
// `patch` replace those of that index.
event::v1::SealedPart MergeSealed(event::v1::SealedPart base, const event::v1::SealedPart& patch);

}  // namespace trialog
