#include "platform/sealing/key_store.h"

#include <set>

#include "platform/command/decision.h"
#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/sealing/aead.h"
#include "platform/sealing/key_contexts.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

using event::v1::KeyRecord;
using event::v1::Sealed;

constexpr size_t kMaxSubjectBytes = 512;
constexpr size_t kMaxIdBytes = 63;

bool LegalOrganization(std::string_view organization) {
  return !organization.empty() && organization.size() <= kMaxIdBytes &&
         organization.find('/') == std::string_view::npos;
}

absl::Status CheckRequest(const KeyRequest& request) {
  if (!LegalOrganization(request.organization)) {
    return BadField("organization", "ORGANIZATION_MALFORMED", "must be an organisation's id");
  }
  if (request.subjects.size() + request.key_ids.size() > kMaxKeysPerRequest) {
    return BadField("subjects", "TOO_MANY_KEYS", "ask for at most 1000 keys in one request");
  }
  for (const std::string& subject : request.subjects) {
    if (subject.size() > kMaxSubjectBytes || OrganizationOf(subject) != request.organization) {
      return BadField("subjects", "SUBJECT_MALFORMED", "must be resource names within the organisation");
    }
  }
  for (const std::string& id : request.key_ids) {
    if (id.size() != key_row::kIdSize)
      return BadField("key_ids", "KEY_ID_MALFORMED", "must be the ids of sealed values");
  }
  return absl::OkStatus();
}

std::string NewKeyId(Runtime& runtime) {
  std::string uuid = runtime.RandomBytes(16);  // UUIDv4 (RFC 9562): random, tells nothing about its subject.
  uuid[6] = static_cast<char>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<char>((uuid[8] & 0x3f) | 0x80);
  return UuidText(uuid);
}

SecretKey NewKey(Runtime& runtime) {
  std::string bytes = runtime.RandomBytes(SecretKey::kSize);
  SecretKey key = SecretKey::FromBytes(bytes).value();
  Wipe(bytes);
  return key;
}

KeyRecord Made(std::string_view subject, std::string_view id) {
  KeyRecord record;
  record.mutable_made_data_key()->set_subject(std::string(subject));
  record.mutable_made_data_key()->set_key_id(std::string(id));
  return record;
}

KeyRecord Destroyed(std::string_view subject, std::string_view id, bool settled) {
  KeyRecord record;
  record.mutable_destroyed_data_key()->set_subject(std::string(subject));
  record.mutable_destroyed_data_key()->set_key_id(std::string(id));
  record.mutable_destroyed_data_key()->set_settled(settled);
  return record;
}

}  // namespace

KeyStore::KeyStore(std::unique_ptr<KeyTable> table, MasterKey master, Runtime* runtime, std::string path,
                   const Options& options)
    : table_(std::move(table)),
      runtime_(*runtime),
      path_(std::move(path)),
      min_free_bytes_(options.min_free_bytes),
      master_(std::move(master)),
      replica_(table_.get(), options.journal, runtime) {}

KeyStore::~KeyStore() = default;

absl::StatusOr<std::unique_ptr<KeyStore>> KeyStore::Open(const std::string& path, MasterKey master, Runtime* runtime,
                                                         Options options) {
  auto table = KeyTable::Open(path, options.env, options.create_if_missing);
  if (!table.ok()) return table.status();
  std::unique_ptr<KeyStore> store(new KeyStore(*std::move(table), std::move(master), runtime, path, options));
  if (absl::Status started = store->Start(options.may_begin); !started.ok()) return started;
  return store;
}

absl::Status KeyStore::Start(const std::function<absl::Status()>& may_begin) {
  auto check = table_->Check();
  if (!check.ok()) return check.status();
  if (check->has_value()) {
    if (absl::Status right = CheckMasterKey(**check); !right.ok()) return right;
    if (absl::Status resumed = ResumeRotation(); !resumed.ok()) return resumed;
  } else if (!table_->Empty()) {
    return KeyDoesNotOpen("the check value of the key store");
  }
  const auto opens = [this](const Sealed& sealed) { return CheckMasterKey(sealed); };
  if (absl::Status started = replica_.Start(opens); !started.ok()) return started;
  check = table_->Check();
  if (check.ok() && !check->has_value()) {
    if (absl::Status begun = Begin(may_begin); !begun.ok()) return begun;
    check = table_->Check();
  }
  if (!check.ok()) return check.status();
  // Of several that began together one was first.
  return check->has_value() ? CheckMasterKey(**check) : KeyDoesNotOpen("the check value of the key store");
}

// A site's first start.
absl::Status KeyStore::Begin(const std::function<absl::Status()>& may_begin) {
  if (absl::Status may = replica_.shared() && may_begin ? may_begin() : absl::OkStatus(); !may.ok()) {
    // Unless another replica was first a moment ago.
    if (absl::Status folded = replica_.CatchUp(); !folded.ok()) return folded;
    const auto check = table_->Check();
    return check.ok() && check->has_value() ? absl::OkStatus() : may;
  }
  KeyRecord record;
  {
    absl::ReaderMutexLock master(&master_mutex_);
    *record.mutable_check()->mutable_wrapped() = Wrap(SecretKey(), kCheckContext);
  }
  return replica_.Commit({record});
}

absl::Status KeyStore::RoomForKeys() const { return disk::CheckWatermark(path_, min_free_bytes_); }

absl::Status KeyStore::CheckMasterKey(const Sealed& check) {
  absl::ReaderMutexLock master(&master_mutex_);
  if (Unwrap(check, kCheckContext).ok()) return absl::OkStatus();
  return Refuse(
      absl::StatusCode::kFailedPrecondition, "MASTER_KEY_WRONG",
      Cat("the key store was made under master key ", check.key_id(), ", not ", master_.Id(), "; start with that key"));
}

Sealed KeyStore::Wrap(const SecretKey& key, std::string_view context) {
  Sealed wrapped;
  wrapped.set_key_id(master_.Id());
  wrapped.set_nonce(runtime_.RandomBytes(kNonceSize));
  wrapped.set_ciphertext(AeadSeal(master_.key(), wrapped.nonce(), context, key.bytes()));
  return wrapped;
}

absl::StatusOr<SecretKey> KeyStore::Unwrap(const Sealed& wrapped, std::string_view context) {
  const MasterKey* master = &master_;
  if (former_ && wrapped.key_id() == former_->Id()) master = &*former_;
  auto bytes = AeadOpen(master->key(), wrapped.nonce(), context, wrapped.ciphertext());
  auto key = bytes ? SecretKey::FromBytes(*bytes) : std::nullopt;
  if (bytes) Wipe(*bytes);
  if (!key) return KeyDoesNotOpen("a wrapped key");
  return *std::move(key);
}

absl::StatusOr<DataKey> KeyStore::FindBySubject(std::string_view subject) {
  DataKey result;
  result.subject = subject;
  const auto row = table_->FindDataKey(subject);
  if (!row.ok()) return row.status();
  if (!row->has_value()) return result;
  result.id = (*row)->id;
  result.state = DataKey::State::kErased;
  if (!(*row)->wrapped) return result;
  auto key = Unwrap(*(*row)->wrapped, DataKeyContext(result.id, subject));
  if (!key.ok()) return key.status();
  result.key = *std::move(key);
  result.state = DataKey::State::kPresent;
  return result;
}

absl::StatusOr<DataKey> KeyStore::FindById(std::string_view organization, std::string_view id) {
  DataKey missing;
  missing.id = id;
  const auto subject = table_->SubjectOf(id);
  if (!subject.ok()) return subject.status();
  if (!subject->has_value() || OrganizationOf(**subject) != organization) return missing;
  auto key = FindBySubject(**subject);
  if (key.ok() && key->id != id) return KeyDoesNotOpen("the index of a stored key");
  return key;
}

absl::StatusOr<std::vector<DataKey>> KeyStore::FindAll(const KeyRequest& request) {
  std::vector<DataKey> keys;
  for (const std::string& subject : request.subjects) {
    auto key = FindBySubject(subject);
    if (!key.ok()) return key.status();
    keys.push_back(*std::move(key));
  }
  for (const std::string& id : request.key_ids) {
    auto key = FindById(request.organization, id);
    if (!key.ok()) return key.status();
    keys.push_back(*std::move(key));
  }
  return keys;
}

absl::StatusOr<std::optional<std::vector<DataKey>>> KeyStore::FindKeys(const KeyRequest& request) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  absl::ReaderMutexLock master(&master_mutex_);
  auto keys = FindAll(request);
  if (!keys.ok()) return keys.status();
  for (size_t i = 0; i < keys->size(); ++i) {
    if ((*keys)[i].state != DataKey::State::kMissing) continue;
    // It is to be made; or another replica may have made it.
    if ((request.create && i < request.subjects.size()) || replica_.shared()) return std::nullopt;
  }
  return *std::move(keys);
}

absl::StatusOr<std::vector<DataKey>> KeyStore::GetKeys(const KeyRequest& request) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  absl::ReaderMutexLock master(&master_mutex_);
  auto keys = FindAll(request);
  if (!keys.ok()) return keys;
  std::vector<std::string> to_make;
  bool elsewhere = false;
  for (size_t i = 0; i < keys->size(); ++i) {
    if ((*keys)[i].state != DataKey::State::kMissing) continue;
    if (request.create && i < request.subjects.size()) {
      to_make.push_back(request.subjects[i]);
    } else {
      elsewhere = replica_.shared();
    }
  }
  if (to_make.empty() && !elsewhere) return keys;
  absl::Status status;
  if (elsewhere) status = replica_.CatchUp();
  if (status.ok() && !to_make.empty()) status = Create(to_make);
  if (!status.ok()) return status;
  return FindAll(request);
}

absl::Status KeyStore::Create(const std::vector<std::string>& subjects) {
  std::set<size_t> stripes;  // Taken in order, so that two requests cannot wait for each other.
  for (const std::string& subject : subjects) stripes.insert(std::hash<std::string_view>()(subject) % kStripes);
  std::vector<std::unique_ptr<absl::MutexLock>> locks;
  for (size_t stripe : stripes) locks.push_back(std::make_unique<absl::MutexLock>(&stripes_[stripe]));

  std::vector<KeyRecord> records;
  std::set<std::string_view> seen;
  for (const std::string& subject : subjects) {
    if (!seen.insert(subject).second) continue;
    auto now = FindBySubject(subject);  // Another request may have made it meanwhile.
    if (!now.ok()) return now.status();
    if (now->state != DataKey::State::kMissing) continue;
    const std::string id = NewKeyId(runtime_);
    KeyRecord& record = records.emplace_back(Made(subject, id));
    *record.mutable_made_data_key()->mutable_wrapped() = Wrap(NewKey(runtime_), DataKeyContext(id, subject));
  }
  if (records.empty()) return absl::OkStatus();
  if (absl::Status room = RoomForKeys(); !room.ok()) return room;
  absl::Status written = replica_.Commit(records);
  if (written.ok() && replica_.shared()) {
    // A topic that was made anew meanwhile takes records, and the fold has long been beyond them.
    const auto row = table_->FindDataKey(records.front().made_data_key().subject());
    if (row.ok() && !row->has_value()) {
      written = Refuse(absl::StatusCode::kDataLoss, "KEY_TOPIC_IS_ANOTHER", "the topic of keys was made anew");
    }
  }
  if (written.ok()) data_keys_made_.fetch_add(static_cast<int64_t>(records.size()), std::memory_order_relaxed);
  return written;
}

absl::Status KeyStore::Destroy(std::string_view subject) {
  if (OrganizationOf(subject).empty() || subject.size() > kMaxSubjectBytes) {
    return BadField("subject", "SUBJECT_MALFORMED", "must be a resource name within an organisation");
  }
  // So that it is certain which key it is.
  if (absl::Status folded = replica_.CatchUp(); !folded.ok()) return folded;
  {
    absl::MutexLock stripe(&stripes_[std::hash<std::string_view>()(subject) % kStripes]);
    auto row = table_->FindDataKey(subject);
    if (!row.ok()) return row.status();
    if (!row->has_value() || (*row)->wrapped) {
      const std::string id = row->has_value() ? (*row)->id : NewKeyId(runtime_);
      if (absl::Status written = replica_.Commit({Destroyed(subject, id, false)}); !written.ok()) return written;
    }
    // Also when it was destroyed before: that may have been cut short here.
    if (replica_.shared()) {
      if (absl::Status settled = SettleDestroyed(subject); !settled.ok()) return settled;
    }
  }
  return table_->Compact();
}

// Which key it was is certain only now that the erasure has its place in the topic.
absl::Status KeyStore::SettleDestroyed(std::string_view subject) {
  const auto row = table_->FindDataKey(subject);
  if (!row.ok()) return row.status();
  if (!row->has_value()) return KeyDoesNotOpen("a destroyed key");
  if (absl::Status settled = replica_.Commit({Destroyed(subject, (*row)->id, true)}); !settled.ok()) return settled;
  return replica_.Forget({Made(subject, (*row)->id)});
}

absl::StatusOr<LookupKeyMaterial> KeyStore::OpenLookupKey(std::string_view organization,
                                                          const KeyTable::LookupKeyRow& row) {
  auto key = Unwrap(row.wrapped, LookupKeyContext(key_row::LookupKey(organization, row.epoch)));
  if (!key.ok()) return key.status();
  return LookupKeyMaterial{row.epoch, *std::move(key)};
}

absl::StatusOr<std::optional<LookupKeyMaterial>> KeyStore::LatestLookupKey(std::string_view organization) {
  const auto row = table_->LatestLookupKey(organization);
  if (!row.ok()) return row.status();
  if (!row->has_value()) return std::nullopt;
  auto key = OpenLookupKey(organization, **row);
  if (!key.ok()) return key.status();
  return *std::move(key);
}

absl::StatusOr<LookupKeyMaterial> KeyStore::CreateLookupKey(std::string_view organization, int64_t epoch) {
  if (absl::Status room = RoomForKeys(); !room.ok()) return room;
  const std::string name = key_row::LookupKey(organization, epoch);
  KeyRecord record;
  KeyRecord::MadeLookupKey& made = *record.mutable_made_lookup_key();
  made.set_organization(std::string(organization));
  made.set_epoch(epoch);
  *made.mutable_wrapped() = Wrap(NewKey(runtime_), LookupKeyContext(name));
  if (absl::Status written = replica_.Commit({record}); !written.ok()) return written;
  auto latest = LatestLookupKey(organization);  // Another replica may have been first.
  if (!latest.ok()) return latest.status();
  if (!latest->has_value()) return KeyDoesNotOpen("a look-up key");
  return **std::move(latest);
}

absl::StatusOr<LookupKeyMaterial> KeyStore::GetLookupKey(std::string_view organization) {
  if (!LegalOrganization(organization)) {
    return BadField("organization", "ORGANIZATION_MALFORMED", "must be an organisation's id");
  }
  absl::ReaderMutexLock master(&master_mutex_);
  absl::MutexLock lock(&lookup_mutex_);
  auto latest = LatestLookupKey(organization);
  if (!latest.ok()) return latest.status();
  if (latest->has_value()) return **std::move(latest);
  return CreateLookupKey(organization, 1);
}

absl::StatusOr<std::optional<LookupKeyMaterial>> KeyStore::FindLookupKey(std::string_view organization) {
  absl::ReaderMutexLock master(&master_mutex_);
  return LatestLookupKey(organization);
}

absl::StatusOr<LookupKeyMaterial> KeyStore::GetLookupKey(std::string_view organization, int64_t epoch) {
  absl::ReaderMutexLock master(&master_mutex_);
  auto row = table_->FindLookupKey(organization, epoch);
  if (row.ok() && !row->has_value() && replica_.shared()) {
    if (absl::Status status = replica_.CatchUp(); !status.ok()) return status;
    row = table_->FindLookupKey(organization, epoch);
  }
  if (!row.ok()) return row.status();
  if (!row->has_value()) return NotFound("look-up key of this epoch");
  return OpenLookupKey(organization, **row);
}

absl::StatusOr<LookupKeyMaterial> KeyStore::RotateLookupKey(std::string_view organization) {
  if (!LegalOrganization(organization)) {
    return BadField("organization", "ORGANIZATION_MALFORMED", "must be an organisation's id");
  }
  absl::ReaderMutexLock master(&master_mutex_);
  absl::MutexLock lock(&lookup_mutex_);
  auto latest = LatestLookupKey(organization);
  if (!latest.ok()) return latest.status();
  return CreateLookupKey(organization, latest->has_value() ? (*latest)->epoch + 1 : 1);
}

absl::Status KeyStore::DestroyLookupKeysBefore(std::string_view organization, int64_t epoch) {
  {
    absl::MutexLock lock(&lookup_mutex_);
    const auto latest = table_->LatestLookupKey(organization);
    if (!latest.ok()) return latest.status();
    if (!latest->has_value() || epoch > (*latest)->epoch) {
      return BadField("epoch", "EPOCH_IN_USE", "the key of the current epoch cannot be destroyed; rotate first");
    }
    // The topic forgets them first: cut short behind that, the table still tells which they are.
    std::vector<KeyRecord> doomed;
    for (int64_t e = 1; e < epoch; ++e) {
      auto row = table_->FindLookupKey(organization, e);
      if (!row.ok()) return row.status();
      if (!row->has_value()) continue;
      KeyRecord::MadeLookupKey& made = *doomed.emplace_back().mutable_made_lookup_key();
      made.set_organization(std::string(organization));
      made.set_epoch(e);
      *made.mutable_wrapped() = std::move((*row)->wrapped);
    }
    if (absl::Status status = replica_.Forget(doomed); !status.ok()) return status;
    KeyRecord record;
    record.mutable_destroyed_lookup_keys()->set_organization(std::string(organization));
    record.mutable_destroyed_lookup_keys()->set_before_epoch(epoch);
    if (absl::Status status = replica_.Commit({record}); !status.ok()) return status;
  }
  return table_->Compact();
}

KeyStoreProvider::KeyStoreProvider(KeyStore* store, Runtime* runtime)
    : store_(*store), making_(runtime->NewExecutor("keys-make")), finding_(runtime->NewExecutor("keys")) {}

void KeyStoreProvider::GetKeys(KeyRequest request, KeysCallback done) {
  finding_->Post([this, request = std::move(request), done = std::move(done)]() mutable {
    auto found = store_.FindKeys(request);
    if (!found.ok()) return done(found.status());
    if (found->has_value()) return done(**std::move(found));
    making_->Post([this, request = std::move(request), done = std::move(done)] { done(store_.GetKeys(request)); });
  });
}

void KeyStoreProvider::GetLookupKey(std::string organization, LookupKeyCallback done) {
  finding_->Post([this, organization = std::move(organization), done = std::move(done)]() mutable {
    auto found = store_.FindLookupKey(organization);
    if (!found.ok()) return done(found.status());
    if (found->has_value()) return done(**std::move(found));
    making_->Post([this, organization = std::move(organization), done = std::move(done)] {
      done(store_.GetLookupKey(organization));
    });
  });
}

}  // namespace trialog::sealing
