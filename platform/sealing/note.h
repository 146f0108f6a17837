// Signed notes (C2SP signed-note, v1.0.0): a text, an empty line, and lines "— <key name> <base64>", the form of
// checkpoints of transparency logs. Signatures are Ed25519 (RFC 8032).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/sealing/secret_key.h"

namespace trialog::sealing {

inline constexpr size_t kMaxNoteBytes = 64 * 1024;
inline constexpr size_t kMaxNoteSignatures = 100;

// An Ed25519 public key under a name: what "verifier keys" say.
class NoteVerifier {
 public:
  // `name` has no white space and no '+', `public_key` 32 bytes; else INVALID_ARGUMENT.
  static absl::StatusOr<NoteVerifier> FromPublicKey(std::string_view name, std::string_view public_key);
  // From the C2SP text form "<name>+<8 hexadecimal digits>+<base64 of 0x01 and the key>".
  static absl::StatusOr<NoteVerifier> FromText(std::string_view text);
  std::string Text() const;

  const std::string& name() const { return name_; }
  const std::string& public_key() const { return public_key_; }
  // The first 4 bytes of SHA-256(name, newline, 0x01, key), big-endian.
  uint32_t key_hash() const { return key_hash_; }
  bool Verify(std::string_view text, std::string_view signature) const;

 private:
  NoteVerifier(std::string_view name, std::string_view public_key);
  std::string name_, public_key_;
  uint32_t key_hash_;
};

// The private side. Immutable, thread safe.
class NoteSigner {
 public:
  // `seed` is the 32-byte private key of RFC 8032.
  static absl::StatusOr<NoteSigner> FromSeed(std::string_view name, const SecretKey& seed);
  const NoteVerifier& verifier() const { return verifier_; }
  std::string Sign(std::string_view text) const;  // 64 bytes.

 private:
  NoteSigner(NoteVerifier verifier, SecretKey seed) : verifier_(std::move(verifier)), seed_(std::move(seed)) {}
  NoteVerifier verifier_;
  SecretKey seed_;
};

struct NoteSignature {
  std::string name;
  uint32_t key_hash = 0;
  std::string signature;
  bool operator==(const NoteSignature&) const = default;
};

struct Note {
  std::string text;  // Ends with a newline.
  std::vector<NoteSignature> signatures;
};

// The note of `text`, which must be UTF-8, without control characters but newlines, ending with one (else
// INVALID_ARGUMENT).
absl::StatusOr<std::string> SignNote(std::string_view text, const std::vector<const NoteSigner*>& signers);

// Takes a note apart without verifying it. INVALID_ARGUMENT, reason NOTE_MALFORMED, for anything but the exact form.
absl::StatusOr<Note> ParseNote(std::string_view note);

// The text, when a known verifier signed it and no known verifier's signature is wrong; signatures by unknown keys are
// ignored. Else UNAUTHENTICATED, reason NOTE_UNVERIFIED, or NOTE_MALFORMED as above.
absl::StatusOr<std::string> OpenNote(std::string_view note, const std::vector<NoteVerifier>& verifiers);

}  // namespace trialog::sealing
