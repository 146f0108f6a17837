#include "platform/sealing/key_store.h"

#include <rocksdb/db.h>

#include <set>

#include "platform/command/decision.h"
#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/sealing/aead.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "platform/view/state.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::sealing {
namespace {

using event::v1::Sealed;

// Keys of the store. Part of the stored format: do not change.
constexpr char kCheck[] = "m/check";        // Wrapped zeroes: opens under the right master key only.
constexpr char kRotating[] = "m/rotating";  // The former master key, wrapped under the current one.
constexpr std::string_view kBySubject = "s/";
constexpr std::string_view kById = "i/";  // Id to subject.
constexpr std::string_view kLookup = "l/";

// First byte of a subject's value; the key's id (36 characters) and, when present, the wrapped key follow.
constexpr char kPresent = 'P';
constexpr char kErased = 'E';
constexpr size_t kIdSize = 36;

constexpr size_t kMaxSubjectBytes = 512;
constexpr size_t kMaxIdBytes = 63;
constexpr int kRewrapBatch = 1024;

rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view ToView(rocksdb::Slice slice) { return {slice.data(), slice.size()}; }

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

absl::Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNoSpace()) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "DISK_FULL", "the key store's disk is full; make room",
                      absl::Seconds(10));
  }
  return Refuse(status.IsCorruption() ? absl::StatusCode::kDataLoss : absl::StatusCode::kUnavailable, "KEY_STORE_DISK",
                Cat("the key store's disk answers: ", status.ToString()));
}

absl::Status DoesNotOpen(std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "WRAPPED_KEY_DAMAGED",
                Cat(what, " does not open; restore the key store from a backup"));
}

std::string DataKeyContext(std::string_view id, std::string_view subject) {
  std::string out;
  for (std::string_view part : {std::string_view("trialog.data-key.v1"), id, subject}) AppendLengthPrefixed(out, part);
  return out;
}

std::string LookupKeyName(std::string_view organization, int64_t epoch) {
  return Cat(kLookup, organization, '/', view::OrderedBytes(static_cast<uint64_t>(epoch)));
}

// The context of a row is its key, but for data keys, whose id is part of it.
constexpr char kCheckContext[] = "trialog.master-key-check.v1";
constexpr char kFormerContext[] = "trialog.former-master-key.v1";
std::string LookupKeyContext(std::string_view store_key) { return Cat("trialog.lookup-key.v1/", store_key); }

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
    if (id.size() != kIdSize) return BadField("key_ids", "KEY_ID_MALFORMED", "must be the ids of sealed values");
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

std::string SubjectValue(char state, std::string_view id, const Sealed* wrapped) {
  return Cat(state, id, wrapped ? wrapped->SerializeAsString() : "");
}

}  // namespace

KeyStore::KeyStore(std::unique_ptr<rocksdb::DB> db, MasterKey master, Runtime* runtime, std::string path,
                   uint64_t min_free_bytes)
    : db_(std::move(db)),
      runtime_(*runtime),
      path_(std::move(path)),
      min_free_bytes_(min_free_bytes),
      master_(std::move(master)) {}

KeyStore::~KeyStore() = default;

absl::StatusOr<std::unique_ptr<KeyStore>> KeyStore::Open(const std::string& path, MasterKey master, Runtime* runtime,
                                                         Options options) {
  rocksdb::Options rocks;
  rocks.create_if_missing = options.create_if_missing;
  rocks.paranoid_checks = true;
  // The default would silently drop keys that stand behind a flipped byte.
  rocks.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocks.write_buffer_size = 4 << 20;
  rocks.compression =
      rocksdb::kNoCompression;  // Wrapped keys are noise; and a search for one in the files stays honest.
  if (options.env != nullptr) rocks.env = options.env;
  rocksdb::DB* raw = nullptr;
  if (absl::Status status = FromRocks(rocksdb::DB::Open(rocks, path, &raw)); !status.ok()) return status;
  std::unique_ptr<KeyStore> store(
      new KeyStore(std::unique_ptr<rocksdb::DB>(raw), std::move(master), runtime, path, options.min_free_bytes));
  if (absl::Status status = store->CheckMasterKey(); !status.ok()) return status;
  return store;
}

absl::Status KeyStore::RoomForKeys() const { return disk::CheckWatermark(path_, min_free_bytes_); }

absl::Status KeyStore::CheckMasterKey() {
  std::string value;
  const rocksdb::Status found = db_->Get({}, kCheck, &value);
  if (found.IsNotFound()) {
    const std::unique_ptr<rocksdb::Iterator> any(db_->NewIterator({}));
    any->SeekToFirst();
    if (any->Valid() || !any->status().ok()) return DoesNotOpen("the check value of the key store");
    return FromRocks(db_->Put(Synced(), kCheck, Wrap(SecretKey(), kCheckContext).SerializeAsString()));
  }
  if (!found.ok()) return FromRocks(found);
  Sealed check;
  if (!check.ParseFromString(value)) return DoesNotOpen("the check value of the key store");
  if (!Unwrap(check, kCheckContext).ok()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "MASTER_KEY_WRONG",
                  Cat("the key store was made under master key ", check.key_id(), ", not ", master_.Id(),
                      "; start with that key"));
  }
  const rocksdb::Status rotating = db_->Get({}, kRotating, &value);
  if (rotating.IsNotFound()) return absl::OkStatus();
  if (!rotating.ok()) return FromRocks(rotating);
  Sealed former;
  if (!former.ParseFromString(value)) return DoesNotOpen("the former master key");
  auto key = Unwrap(former, kFormerContext);
  if (!key.ok()) return key.status();
  former_.emplace(*std::move(key));
  return FinishRotation();
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
  if (!key) return DoesNotOpen("a wrapped key");
  return *std::move(key);
}

absl::StatusOr<DataKey> KeyStore::FindBySubject(std::string_view subject) {
  DataKey result;
  result.subject = subject;
  std::string value;
  const rocksdb::Status found = db_->Get({}, Cat(kBySubject, subject), &value);
  if (found.IsNotFound()) return result;
  if (!found.ok()) return FromRocks(found);
  if (value.size() < 1 + kIdSize) return DoesNotOpen("a stored key");
  result.id = value.substr(1, kIdSize);
  if (value[0] == kErased) {
    result.state = DataKey::State::kErased;
    return result;
  }
  Sealed wrapped;
  if (value[0] != kPresent || !wrapped.ParseFromString(value.substr(1 + kIdSize))) return DoesNotOpen("a stored key");
  auto key = Unwrap(wrapped, DataKeyContext(result.id, subject));
  if (!key.ok()) return key.status();
  result.key = *std::move(key);
  result.state = DataKey::State::kPresent;
  return result;
}

absl::StatusOr<DataKey> KeyStore::FindById(std::string_view organization, std::string_view id) {
  DataKey missing;
  missing.id = id;
  std::string subject;
  const rocksdb::Status found = db_->Get({}, Cat(kById, id), &subject);
  if (found.IsNotFound() || (found.ok() && OrganizationOf(subject) != organization)) return missing;
  if (!found.ok()) return FromRocks(found);
  auto key = FindBySubject(subject);
  if (key.ok() && key->id != id) return DoesNotOpen("the index of a stored key");
  return key;
}

absl::StatusOr<std::vector<DataKey>> KeyStore::GetKeys(const KeyRequest& request) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  absl::ReaderMutexLock master(&master_mutex_);
  std::vector<DataKey> keys;
  std::vector<std::string> missing;
  for (const std::string& subject : request.subjects) {
    auto key = FindBySubject(subject);
    if (!key.ok()) return key.status();
    if (key->state == DataKey::State::kMissing) missing.push_back(subject);
    keys.push_back(*std::move(key));
  }
  if (request.create && !missing.empty()) {
    if (absl::Status status = Create(missing, keys); !status.ok()) return status;
  }
  for (const std::string& id : request.key_ids) {
    auto key = FindById(request.organization, id);
    if (!key.ok()) return key.status();
    keys.push_back(*std::move(key));
  }
  return keys;
}

absl::Status KeyStore::Create(const std::vector<std::string>& subjects, std::vector<DataKey>& keys) {
  std::set<size_t> stripes;  // Taken in order, so that two requests cannot wait for each other.
  for (const std::string& subject : subjects) stripes.insert(std::hash<std::string_view>()(subject) % kStripes);
  std::vector<std::unique_ptr<absl::MutexLock>> locks;
  for (size_t stripe : stripes) locks.push_back(std::make_unique<absl::MutexLock>(&stripes_[stripe]));

  rocksdb::WriteBatch batch;
  std::map<std::string_view, DataKey> made;
  for (DataKey& key : keys) {
    if (key.state != DataKey::State::kMissing) continue;
    if (auto twin = made.find(key.subject); twin != made.end()) {
      key = twin->second;
      continue;
    }
    auto now = FindBySubject(key.subject);  // Another request may have made it meanwhile.
    if (!now.ok()) return now.status();
    key = *std::move(now);
    if (key.state != DataKey::State::kMissing) continue;
    key.id = NewKeyId(runtime_);
    key.key = NewKey(runtime_);
    key.state = DataKey::State::kPresent;
    const Sealed wrapped = Wrap(key.key, DataKeyContext(key.id, key.subject));
    batch.Put(Cat(kBySubject, key.subject), SubjectValue(kPresent, key.id, &wrapped));
    batch.Put(Cat(kById, key.id), key.subject);
    made.emplace(key.subject, key);
  }
  if (made.empty()) return absl::OkStatus();
  if (absl::Status room = RoomForKeys(); !room.ok()) return room;
  absl::Status written = FromRocks(db_->Write(Synced(), &batch));
  if (written.ok()) data_keys_made_.fetch_add(static_cast<int64_t>(made.size()), std::memory_order_relaxed);
  return written;
}

absl::Status KeyStore::Destroy(std::string_view subject) {
  if (OrganizationOf(subject).empty() || subject.size() > kMaxSubjectBytes) {
    return BadField("subject", "SUBJECT_MALFORMED", "must be a resource name within an organisation");
  }
  {
    absl::ReaderMutexLock master(&master_mutex_);
    absl::MutexLock stripe(&stripes_[std::hash<std::string_view>()(subject) % kStripes]);
    std::string value;
    const rocksdb::Status found = db_->Get({}, Cat(kBySubject, subject), &value);
    if (!found.ok() && !found.IsNotFound()) return FromRocks(found);
    const bool kept = found.ok() && value.size() >= 1 + kIdSize;
    const std::string id = kept ? value.substr(1, kIdSize) : NewKeyId(runtime_);
    rocksdb::WriteBatch batch;
    batch.Put(Cat(kBySubject, subject), SubjectValue(kErased, id, nullptr));
    batch.Put(Cat(kById, id), ToSlice(subject));
    if (absl::Status status = FromRocks(db_->Write(Synced(), &batch)); !status.ok()) return status;
  }
  return Compact();
}

absl::Status KeyStore::Compact() {
  if (absl::Status status = FromRocks(db_->Flush({})); !status.ok()) return status;
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  return FromRocks(db_->CompactRange(options, nullptr, nullptr));
}

absl::StatusOr<LookupKeyMaterial> KeyStore::OpenLookupKey(std::string_view organization, int64_t epoch,
                                                          std::string_view value) {
  Sealed wrapped;
  if (!wrapped.ParseFromArray(value.data(), static_cast<int>(value.size()))) return DoesNotOpen("a look-up key");
  auto key = Unwrap(wrapped, LookupKeyContext(LookupKeyName(organization, epoch)));
  if (!key.ok()) return key.status();
  return LookupKeyMaterial{epoch, *std::move(key)};
}

absl::StatusOr<std::optional<LookupKeyMaterial>> KeyStore::LatestLookupKey(std::string_view organization) {
  const std::string prefix = Cat(kLookup, organization, '/');
  const std::unique_ptr<rocksdb::Iterator> last(db_->NewIterator({}));
  last->SeekForPrev(prefix + std::string(sizeof(uint64_t), '\xff'));
  if (!last->status().ok()) return FromRocks(last->status());
  if (!last->Valid() || !HasPrefix(ToView(last->key()), prefix)) return std::nullopt;
  uint64_t epoch = 0;
  for (unsigned char byte : ToView(last->key()).substr(prefix.size())) epoch = epoch << 8 | byte;
  auto key = OpenLookupKey(organization, static_cast<int64_t>(epoch), ToView(last->value()));
  if (!key.ok()) return key.status();
  return *std::move(key);
}

absl::StatusOr<LookupKeyMaterial> KeyStore::CreateLookupKey(std::string_view organization, int64_t epoch) {
  if (absl::Status room = RoomForKeys(); !room.ok()) return room;
  LookupKeyMaterial made{epoch, NewKey(runtime_)};
  const std::string name = LookupKeyName(organization, epoch);
  const absl::Status written =
      FromRocks(db_->Put(Synced(), name, Wrap(made.key, LookupKeyContext(name)).SerializeAsString()));
  if (!written.ok()) return written;
  return made;
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

absl::StatusOr<LookupKeyMaterial> KeyStore::GetLookupKey(std::string_view organization, int64_t epoch) {
  absl::ReaderMutexLock master(&master_mutex_);
  std::string value;
  const rocksdb::Status found = db_->Get({}, LookupKeyName(organization, epoch), &value);
  if (found.IsNotFound()) return NotFound("look-up key of this epoch");
  if (!found.ok()) return FromRocks(found);
  return OpenLookupKey(organization, epoch, value);
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
    auto latest = LatestLookupKey(organization);
    if (!latest.ok()) return latest.status();
    if (!latest->has_value() || epoch > (*latest)->epoch) {
      return BadField("epoch", "EPOCH_IN_USE", "the key of the current epoch cannot be destroyed; rotate first");
    }
    const absl::Status status = FromRocks(db_->DeleteRange(
        Synced(), db_->DefaultColumnFamily(), LookupKeyName(organization, 0), LookupKeyName(organization, epoch)));
    if (!status.ok()) return status;
  }
  return Compact();
}

absl::Status KeyStore::RotateMasterKey(MasterKey next) {
  absl::MutexLock rotation(&rotation_mutex_);
  if (former_) {
    if (absl::Status status = FinishRotation(); !status.ok()) return status;
  }
  if (next.Id() == master_.Id()) return absl::OkStatus();
  {
    absl::WriterMutexLock lock(&master_mutex_);
    former_ = std::exchange(master_, std::move(next));
    rocksdb::WriteBatch batch;
    batch.Put(kCheck, Wrap(SecretKey(), kCheckContext).SerializeAsString());
    batch.Put(kRotating, Wrap(former_->key(), kFormerContext).SerializeAsString());
    if (absl::Status status = FromRocks(db_->Write(Synced(), &batch)); !status.ok()) {
      master_ = *std::exchange(former_, std::nullopt);  // Nobody has seen the new key yet.
      return status;
    }
  }
  return FinishRotation();
}

// From `from` on, at most kRewrapBatch rows; true when there are more.
absl::StatusOr<bool> KeyStore::RewrapSome(std::string& from) {
  rocksdb::WriteBatch batch;
  const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}));
  int seen = 0;
  for (row->Seek(from); row->Valid() && seen < kRewrapBatch; row->Next(), ++seen) {
    const std::string_view name = ToView(row->key());
    std::string_view value = ToView(row->value());
    std::string head, context;
    if (HasPrefix(name, kBySubject) && value.size() > 1 + kIdSize && value[0] == kPresent) {
      head = value.substr(0, 1 + kIdSize);
      context = DataKeyContext(value.substr(1, kIdSize), name.substr(kBySubject.size()));
    } else if (HasPrefix(name, kLookup)) {
      context = LookupKeyContext(name);
    } else {
      continue;
    }
    value.remove_prefix(head.size());
    Sealed wrapped;
    if (!wrapped.ParseFromArray(value.data(), static_cast<int>(value.size()))) return DoesNotOpen("a stored key");
    if (wrapped.key_id() == master_.Id()) continue;
    auto key = Unwrap(wrapped, context);
    if (!key.ok()) return key.status();
    batch.Put(row->key(), Cat(head, Wrap(*key, context).SerializeAsString()));
  }
  if (!row->status().ok()) return FromRocks(row->status());
  const bool more = row->Valid();
  if (more) from = row->key().ToString();
  if (absl::Status status = FromRocks(db_->Write({}, &batch)); !status.ok()) return status;
  return more;
}

absl::Status KeyStore::FinishRotation() {
  std::string from;
  for (bool more = true; more;) {
    absl::WriterMutexLock lock(&master_mutex_);
    auto step = RewrapSome(from);
    if (!step.ok()) return step.status();
    more = *step;
  }
  {
    absl::WriterMutexLock lock(&master_mutex_);
    // Synced, and after the rewrapped rows in the same write-ahead log: they are durable once this is.
    if (absl::Status status = FromRocks(db_->Delete(Synced(), kRotating)); !status.ok()) return status;
    former_.reset();
  }
  return Compact();
}

void KeyStoreProvider::GetKeys(KeyRequest request, KeysCallback done) {
  executor_.Post([this, request = std::move(request), done = std::move(done)] { done(store_.GetKeys(request)); });
}

void KeyStoreProvider::GetLookupKey(std::string organization, LookupKeyCallback done) {
  executor_.Post([this, organization = std::move(organization), done = std::move(done)] {
    done(store_.GetLookupKey(organization));
  });
}

}  // namespace trialog::sealing
