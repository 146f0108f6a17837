#include "platform/callers/directory.h"

#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "platform/view/times.h"

namespace trialog::callers {
namespace {

// Keys of the facts. Stored format: docs/formats/store.md.
std::string AccountKey(std::string_view name) { return Cat("auth/account/", name); }
std::string PatientKey(std::string_view name) { return Cat("auth/patient/", name); }
std::string ClosedKey(std::string_view name) { return Cat("auth/closed/", name); }
std::string GrantKey(std::string_view grant) { return Cat("auth/grant/", grant); }
std::string SessionKey(std::string_view session) { return Cat("auth/ended/", session); }
std::string SigningKeyKey(std::string_view name) { return Cat("auth/signing/", name); }

constexpr size_t kMaxAccounts = 50'000;  // Kept parsed.

template <typename T>
T Parse(const event::v1::PublicEvent& event) {
  T message;
  message.ParseFromString(event.payload());
  return message;
}

// The account an event of auth is about; empty for the others.
std::string_view AccountOf(std::string_view subject) {
  const auto parts = Split(subject, '/');
  if (parts.size() < 4 || (parts[2] != "users" && parts[2] != "serviceAccounts")) return {};
  return subject.substr(0, parts[0].size() + parts[1].size() + parts[2].size() + parts[3].size() + 3);
}

}  // namespace

void FoldAuthEvent(const event::v1::PublicEvent& event, std::vector<view::Store::FactWrite>& writes) {
  using namespace auth::v1;
  const std::string& type = event.type();
  if (type == UserCreated::descriptor()->full_name()) {
    const auto created = Parse<UserCreated>(event);
    writes.push_back({AccountKey(created.user().name()), "1"});
    if (!created.user().patient().empty())
      writes.push_back({PatientKey(created.user().name()), created.user().patient()});
  } else if (type == ServiceAccountCreated::descriptor()->full_name()) {
    writes.push_back({AccountKey(Parse<ServiceAccountCreated>(event).service_account().name()), "1"});
  } else if (type == UserLinked::descriptor()->full_name()) {
    const auto linked = Parse<UserLinked>(event);
    writes.push_back({PatientKey(linked.name()), linked.patient()});
  } else if (type == UserDeactivated::descriptor()->full_name()) {
    writes.push_back({ClosedKey(Parse<UserDeactivated>(event).name()), "1"});
  } else if (type == ServiceAccountDisabled::descriptor()->full_name()) {
    writes.push_back({ClosedKey(Parse<ServiceAccountDisabled>(event).name()), "1"});
  } else if (type == RoleGranted::descriptor()->full_name()) {
    const auto granted = Parse<RoleGranted>(event);
    writes.push_back({GrantKey(granted.grant().name()), granted.grant().SerializeAsString()});
  } else if (type == RoleRevoked::descriptor()->full_name()) {
    writes.push_back({GrantKey(Parse<RoleRevoked>(event).name()), std::nullopt});
  } else if (type == RoleEnded::descriptor()->full_name()) {
    writes.push_back({GrantKey(Parse<RoleEnded>(event).name()), std::nullopt});
  } else if (type == SessionRevoked::descriptor()->full_name()) {
    writes.push_back({SessionKey(Parse<SessionRevoked>(event).name()), "1"});
  } else if (type == SigningKeyPublished::descriptor()->full_name()) {
    const auto published = Parse<SigningKeyPublished>(event);
    writes.push_back({SigningKeyKey(published.signing_key().name()), published.signing_key().SerializeAsString()});
  }
}

std::vector<Grant> Account::GrantsAt(absl::Time now) const {
  std::vector<Grant> in_force;
  if (closed) return in_force;
  for (const auto& grant : grants) {
    if (grant.has_start_time() && now < FromProto(grant.start_time())) continue;
    if (grant.has_end_time() && now >= FromProto(grant.end_time())) continue;
    in_force.push_back({grant.role(), grant.scope()});
  }
  return in_force;
}

absl::Time Account::GrantsHoldUntil(absl::Time now) const {
  absl::Time until = absl::InfiniteFuture();
  for (const auto& grant : grants) {
    if (grant.has_start_time() && now < FromProto(grant.start_time()))
      until = std::min(until, FromProto(grant.start_time()));
    if (grant.has_end_time() && now < FromProto(grant.end_time())) until = std::min(until, FromProto(grant.end_time()));
  }
  return until;
}

Directory::Directory(Runtime& runtime, log::Log& log, view::Store& store, int partitions)
    : store_(store),
      partitions_(partitions),
      folder_(runtime, log, store, "auth", partitions, FoldAuthEvent,
              [this](const std::vector<event::v1::PublicEvent>& events) { Folded(events); }) {}

Directory::~Directory() = default;

std::shared_ptr<const Account> Directory::Find(std::string_view name) {
  uint64_t read, epoch = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (auto it = accounts_.find(std::string(name)); it != accounts_.end()) return it->second;
    read = Generation();
    // Before the account is read: at worst it seems to have changed when it has not.
    if (auto it = epochs_.find(std::string(name)); it != epochs_.end()) epoch = it->second;
  }
  auto loaded = std::make_shared<Account>(*Load(name));
  loaded->epoch = epoch;
  absl::MutexLock lock(&mutex_);
  if (read != Generation()) return loaded;  // Something was folded meanwhile: good for this call, not to be kept.
  if (accounts_.size() >= kMaxAccounts) accounts_.clear();
  accounts_[std::string(name)] = loaded;
  return loaded;
}

std::shared_ptr<const Account> Directory::Load(std::string_view name) const {
  auto account = std::make_shared<Account>();
  account->exists = store_.Fact(AccountKey(name)).has_value();
  account->closed = store_.Fact(ClosedKey(name)).has_value();
  account->patient = store_.Fact(PatientKey(name)).value_or("");
  for (const auto& [key, bytes] : store_.Facts(GrantKey(Cat(name, "/grants/")))) {
    auth::v1::Grant grant;
    if (grant.ParseFromString(bytes)) account->grants.push_back(std::move(grant));
  }
  return account;
}

void Directory::Folded(const std::vector<event::v1::PublicEvent>& events) {
  bool changed = false;
  {
    absl::MutexLock lock(&mutex_);
    generation_.fetch_add(1, std::memory_order_acq_rel);
    for (const auto& event : events) {
      if (event.type() == auth::v1::SigningKeyPublished::descriptor()->full_name()) ++signing_key_epoch_;
      const std::string account(AccountOf(event.subject()));
      if (account.empty()) continue;
      accounts_.erase(account);
      // Nobody's access changes with its record: the grant's own end said so before.
      if (event.type() == auth::v1::RoleEnded::descriptor()->full_name()) continue;
      ++epochs_[account];
      changed = true;
    }
  }
  if (changed && changed_) changed_();
}

bool Directory::SessionEnded(std::string_view session) const { return store_.Fact(SessionKey(session)).has_value(); }

std::vector<auth::v1::SigningKey> Directory::SigningKeys(std::string_view organization, absl::Time now) const {
  std::vector<auth::v1::SigningKey> keys;
  for (const auto& [name, bytes] : store_.Facts(SigningKeyKey(Cat("organizations/", organization, "/signingKeys/")))) {
    auth::v1::SigningKey key;
    if (!key.ParseFromString(bytes)) continue;
    if (!key.has_expire_time() || now < FromProto(key.expire_time())) keys.push_back(std::move(key));
  }
  return keys;
}

bool Directory::Knows(std::string_view organization, int64_t offset) const {
  return folder_.next_offset(log::PartitionOf(organization, partitions_)) > offset;
}

void Directory::WhenKnown(std::string_view organization, int64_t offset, std::function<void(absl::Status)> done) {
  folder_.WhenFolded(log::PartitionOf(organization, partitions_), offset, absl::Seconds(2), std::move(done));
}

event::v1::Position Directory::PositionOf(std::string_view organization) const {
  event::v1::Position position;
  position.set_partition(log::PartitionOf(organization, partitions_));
  position.set_offset(folder_.next_offset(position.partition()) - 1);
  return position;
}

}  // namespace trialog::callers
