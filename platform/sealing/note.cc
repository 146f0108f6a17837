#include "platform/sealing/note.h"

#include <sodium.h>

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/sealing/bytes.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/openssl_check.h"
#include "platform/sealing/utf8.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

constexpr char kEd25519 = '\x01';                         // C2SP signature type.
constexpr std::string_view kSignaturePrefix = "\u2014 ";  // Em dash, space.
constexpr size_t kHashSize = 4;

absl::Status MalformedNote(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "NOTE_MALFORMED", what);
}

bool LegalName(std::string_view name) {
  return !name.empty() && IsValidUtf8(name) && name.find('+') == std::string_view::npos && !HasUnicodeSpace(name);
}

// Text that may be signed: UTF-8 lines.
bool LegalText(std::string_view text) {
  return !text.empty() && text.back() == '\n' && text.size() <= kMaxNoteBytes && IsValidUtf8(text) &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 && c != '\n'; });
}

uint32_t BigEndian32(std::string_view bytes) {
  uint32_t value = 0;
  for (unsigned char byte : bytes.substr(0, kHashSize)) value = value << 8 | byte;
  return value;
}

std::string BigEndian32(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

// Seed and public key, as libsodium signs with.
class KeyPair {
 public:
  explicit KeyPair(const SecretKey& seed) {
    MustSucceed(crypto_sign_seed_keypair(Bytes(public_key), Bytes(secret_key), Bytes(seed.bytes())) == 0, "Ed25519");
  }
  ~KeyPair() { Wipe(secret_key); }
  std::string public_key = std::string(crypto_sign_PUBLICKEYBYTES, '\0');
  std::string secret_key = std::string(crypto_sign_SECRETKEYBYTES, '\0');
};

absl::StatusOr<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (!HasPrefix(line, kSignaturePrefix)) return MalformedNote("a signature line does not begin with a dash");
  line.remove_prefix(kSignaturePrefix.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !LegalName(line.substr(0, space))) {
    return MalformedNote("a signature line has no legal key name");
  }
  const auto bytes = FromBase64(line.substr(space + 1));
  if (!bytes || bytes->size() <= kHashSize)
    return MalformedNote("a signature is no base64 of a key hash and a signature");
  return NoteSignature{std::string(line.substr(0, space)), BigEndian32(*bytes), bytes->substr(kHashSize)};
}

}  // namespace

NoteVerifier::NoteVerifier(std::string_view name, std::string_view public_key)
    : name_(name),
      public_key_(public_key),
      key_hash_(BigEndian32(Sha256({name, "\n", std::string_view(&kEd25519, 1), public_key}))) {}

absl::StatusOr<NoteVerifier> NoteVerifier::FromPublicKey(std::string_view name, std::string_view public_key) {
  if (!LegalName(name) || public_key.size() != crypto_sign_PUBLICKEYBYTES) {
    return Refuse(absl::StatusCode::kInvalidArgument, "VERIFIER_MALFORMED", "a verifier key has a name and 32 bytes");
  }
  return NoteVerifier(name, public_key);
}

absl::StatusOr<NoteVerifier> NoteVerifier::FromText(std::string_view text) {
  const absl::Status malformed = Refuse(absl::StatusCode::kInvalidArgument, "VERIFIER_MALFORMED",
                                        "a verifier key is <name>+<hash>+<base64 of an Ed25519 key>");
  // The name has no '+', base64 may.
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return malformed;
  const auto key = FromBase64(text.substr(second + 1));
  if (!key || key->empty() || key->front() != kEd25519) return malformed;
  auto verifier = FromPublicKey(text.substr(0, first), key->substr(1));
  if (!verifier.ok()) return verifier;
  if (text.substr(first + 1, second - first - 1) != Hex(BigEndian32(verifier->key_hash()))) return malformed;
  return verifier;
}

std::string NoteVerifier::Text() const {
  return Cat(name_, '+', Hex(BigEndian32(key_hash_)), '+', Base64(Cat(kEd25519, public_key_)));
}

bool NoteVerifier::Verify(std::string_view text, std::string_view signature) const {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(Bytes(signature), Bytes(text), text.size(), Bytes(public_key_)) == 0;
}

absl::StatusOr<NoteSigner> NoteSigner::FromSeed(std::string_view name, const SecretKey& seed) {
  auto verifier = NoteVerifier::FromPublicKey(name, KeyPair(seed).public_key);
  if (!verifier.ok()) return verifier.status();
  return NoteSigner(*std::move(verifier), seed);
}

std::string NoteSigner::Sign(std::string_view text) const {
  const KeyPair pair(seed_);
  std::string signature(crypto_sign_BYTES, '\0');
  MustSucceed(crypto_sign_detached(Bytes(signature), nullptr, Bytes(text), text.size(), Bytes(pair.secret_key)) == 0,
              "Ed25519");
  return signature;
}

absl::StatusOr<std::string> SignNote(std::string_view text, const std::vector<const NoteSigner*>& signers) {
  if (!LegalText(text)) return MalformedNote("a note's text is UTF-8 lines, each ended by a newline");
  if (signers.empty() || signers.size() > kMaxNoteSignatures) return MalformedNote("a note has 1 to 100 signatures");
  std::string note = Cat(text, '\n');
  for (const NoteSigner* signer : signers) {
    const std::string bytes = BigEndian32(signer->verifier().key_hash()) + signer->Sign(text);
    Append(note, kSignaturePrefix, signer->verifier().name(), ' ', Base64(bytes), '\n');
  }
  return note;
}

absl::StatusOr<Note> ParseNote(std::string_view note) {
  if (!LegalText(note)) return MalformedNote("a note is UTF-8 lines, each ended by a newline, and at most 64 KiB");
  const size_t gap = note.rfind("\n\n");  // The text may hold empty lines, the signatures none.
  if (gap == std::string_view::npos) return MalformedNote("a note has an empty line before its signatures");
  Note parsed;
  parsed.text = note.substr(0, gap + 1);
  std::string_view lines = note.substr(gap + 2);
  if (lines.empty()) return MalformedNote("a note has at least one signature");
  lines.remove_suffix(1);
  const auto split = Split(lines, '\n');
  if (split.size() > kMaxNoteSignatures) return MalformedNote("a note has at most 100 signatures");
  for (std::string_view line : split) {
    auto signature = ParseSignatureLine(line);
    if (!signature.ok()) return signature.status();
    parsed.signatures.push_back(*std::move(signature));
  }
  return parsed;
}

absl::StatusOr<std::string> OpenNote(std::string_view note, const std::vector<NoteVerifier>& verifiers) {
  auto parsed = ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  const absl::Status unverified = Refuse(absl::StatusCode::kUnauthenticated, "NOTE_UNVERIFIED",
                                         "no known key has signed this note, or one has wrongly");
  bool signed_by_known = false;
  for (const NoteSignature& signature : parsed->signatures) {
    for (const NoteVerifier& verifier : verifiers) {
      if (verifier.name() != signature.name || verifier.key_hash() != signature.key_hash) continue;
      if (!verifier.Verify(parsed->text, signature.signature)) return unverified;
      signed_by_known = true;
    }
  }
  if (!signed_by_known) return unverified;
  return std::move(parsed->text);
}

}  // namespace trialog::sealing
